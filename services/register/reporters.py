"""Who reported, as far as police are told: in which role, and how to ring them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Select, Text, any_, bindparam, literal_column, select

from services.register.keys import Opener
from services.register.views import reporters_for_police, words_said
from services.safeguarding.identifiers import WordsId
from services.store.encryption import Keyring
from services.store.pipeline import Statement, as_sql


@dataclass(frozen=True, slots=True)
class Reporter:
    """`role` is `carer`, `agency` or a line of the directory. An agency's name is its id: what its people are called, it says itself."""

    role: str | None
    name: str | None
    telephone: str | None = None


def _of() -> Select[Any]:
    """Whoever spoke first, of words whose key was not erased."""
    said, known = words_said.c, reporters_for_police.c
    first = (
        select(said.said_by)
        .where(
            said.id == any_(bindparam("ids", type_=ARRAY(Text))), said.said_by.is_not(None), said.wrapped.is_not(None)
        )
        .order_by(said.at, said.id)
        .limit(literal_column("1"))
    )
    asked = select(known.reporter, known.role, known.name, known.mobile, known.wrapped)
    return asked.where(known.reporter == first.scalar_subquery())


OF = as_sql(_of())


def asked(words: Iterable[WordsId]) -> Statement:
    """Who spoke the first of these."""
    return OF, {"ids": list(words)}


def opened(keyring: Keyring, rows: Sequence[tuple[Any, ...]]) -> Reporter | None:
    """Of the rows that `asked` gave. None where the register knows nobody of that id."""
    if not rows:
        return None
    reporter, role, name, mobile, wrapped = rows[0]
    if role == "agency":
        return Reporter(role, reporter)
    opener = Opener(keyring, reporter, wrapped)
    return Reporter(role, opener.open(name, "people.name"), opener.open(mobile, "people.mobile"))
