"""Identifiers: opaque, so that they may travel, and derived where the same cause must always give the same id.

Reads a closed vocabulary from its file, an entry a member: what is not as it must be is refused by name.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias, TypeVar
from uuid import UUID, uuid4, uuid5

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

NAMESPACE = UUID("6f0d9a52-5a39-5d0b-9a2e-0f4f0c1f7a11")
CODE_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXZ"
CODE_LENGTH = NUMBER_LENGTH = 5

ChildId = Annotated[str, StringConstraints(pattern=r"^(child|provisional)-[0-9a-f-]{36}$")]
PersonId = Annotated[str, StringConstraints(pattern=r"^person-[0-9a-f-]{36}$")]
PlacementId = Annotated[str, StringConstraints(pattern=r"^placement-[0-9a-f-]{36}$")]
WordsId = Annotated[str, StringConstraints(pattern=r"^words-[0-9a-f-]{36}$")]
AuthorityId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
ForceId = AuthorityId
Scope: TypeAlias = list[AuthorityId] | None
"""The authorities whose rows are asked for. None: of every authority."""
EXERCISE_AUTHORITY = r"exercise(-[a-z0-9]+)*"


def new_id(of: str) -> str:
    """A fresh random id, such as `child-...` of "child"."""
    return f"{of}-{uuid4()}"


def provisional_child(cause: str) -> str:
    """The child that a report names without our knowing which: the same report always gives the same id."""
    return f"provisional-{uuid5(NAMESPACE, 'provisional ' + cause)}"


def derived(*causes: str) -> UUID:
    """The id of a consequence of `causes`, the same each time."""
    return uuid5(NAMESPACE, "\x1f".join(causes))


def telling(duty: UUID, step: int) -> UUID:
    """The id of one telling of a duty: the delivery's id, and the `webhook-id` that a force sees at every attempt."""
    return derived("telling", str(duty), str(step))


def code_of(identifier: UUID) -> str:
    """The code that names `identifier` in a text. No vowels, no 0, 1 or look-alikes: easy to say, and no word."""
    number = int.from_bytes(hashlib.sha256(identifier.bytes).digest()[:8])
    code = ""
    for _ in range(CODE_LENGTH):
        number, digit = divmod(number, len(CODE_ALPHABET))
        code += CODE_ALPHABET[digit]
    return code


def case_name(child_code: str | None, case: UUID) -> str:
    """What people call a case on every page, mail, notice and call: "C23, case TW8F9". `case`: the episode; of what has
    none, the telling.
    """
    return f"{child_code}, case {code_of(case)}" if child_code else f"case {code_of(case)}"


SMALL_WORDS = frozenset({"and", "of", "on", "the", "upon"})


def in_words(organisation: str) -> str:
    """An authority's or a force's id for human eyes, where its name is not at hand."""
    return " ".join(each if each in SMALL_WORDS else each.capitalize() for each in organisation.split("-"))


def number_of(identifier: UUID) -> str:
    """The number that names `identifier` at the end of a text to which nothing is to be sent back: of digits alone, so
    that nobody takes it for a code.
    """
    return f"{int.from_bytes(hashlib.sha256(b'number ' + identifier.bytes).digest()[:8]) % 10**NUMBER_LENGTH:0{NUMBER_LENGTH}}"


def trace_of(*causes: str) -> str:
    """A W3C trace context, the same for the same cause: its log lines are found in every service."""
    return f"00-{derived('trace', *causes).hex}-{derived('span', *causes).hex[:16]}-01"


def is_provisional(child: str) -> bool:
    return child.startswith("provisional-")


def is_for_exercises(authority: str) -> bool:
    """Whether the authority exists for exercises alone. Its id says so: no other can be named as one by mistake."""
    return re.fullmatch(EXERCISE_AUTHORITY, authority) is not None


class Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


E = TypeVar("E", bound=Entry)


def read_entries(file: str, kind: type[E], written: Mapping[str, Any]) -> dict[str, E]:
    """Raises ValueError, which names the file and the entry."""
    found = {}
    for name, each in written.items():
        try:
            found[name] = kind.model_validate(each)
        except ValidationError as error:
            raise ValueError(f"{file}, {name}: {error}") from None
    return found
