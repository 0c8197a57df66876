"""Finds whose number a text came from, and which children they may text about. Never tells the number any of it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from string import ascii_uppercase
from typing import Any, Literal, TypeAlias

from services.platform.register.keys import Decryptor
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows, fields_in, first_row
from services.safeguarding.identifiers import EXERCISE_AUTHORITY, AuthorityId, ChildId, ForceId, PersonId, PlacementId


class SpeakerKind(StrEnum):
    CARER = "carer"
    RESIDENTIAL = "residential"
    """Works in a home with several children."""
    STAFF = "staff"
    OFFICER = "officer"
    """Police: in the directory for their force alone."""
    FORMER_CARER = "former-carer"
    UNKNOWN = "unknown"


Sex: TypeAlias = Literal["girl", "boy"]
SEXES: dict[str, Sex] = {"f": "girl", "g": "girl", "m": "boy", "b": "boy"}
"""By the first letter of what the register holds: female, girl, male, boy. It may hold anything else."""


@dataclass(frozen=True, slots=True)
class ChildOfSpeaker:
    """`first_names`: the first name and what else the child is called, only to match a text's words. Empty for a child
    whom duty staff name by its code. `person` is the speaker as the child's own authority knows them.
    """

    child: ChildId
    code: str
    first_names: tuple[str, ...]
    person: PersonId
    authority: AuthorityId
    placement: PlacementId | None
    force: ForceId | None
    sex: Sex | None = None
    wrapped: bytes | None = None
    """The child's data key, as it is kept; None where it was erased."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """The speaker as one authority knows them. `professional`: in its directory, and not for police alone."""

    kind: SpeakerKind
    person: PersonId
    authority: AuthorityId
    professional: bool


@dataclass(frozen=True, slots=True)
class Speaker:
    """`children` are those now in the speaker's placements, of every authority that knows the number. A former carer
    has none, and learns nothing of where they went.

    `person`, `authority`, `language`, `placement` and `duty_line` are those of the first of the `capacities`. Of
    several authorities those that are live count alone, if there is one.
    """

    kind: SpeakerKind
    person: PersonId | None = None
    authority: AuthorityId | None = None
    language: str = "en"
    children: tuple[ChildOfSpeaker, ...] = ()
    placement: PlacementId | None = None
    duty_line: str | None = None
    capacities: tuple[Capacity, ...] = ()
    live: bool = True
    """Whether their reports are real: of an authority that is not live yet, nobody is told."""


@dataclass(frozen=True, slots=True)
class DutyTeam:
    """`line` is the number that a caller is given at any hour. `numbers` are the authority's own for texts to us."""

    authority: AuthorityId
    line: str | None
    numbers: tuple[str, ...] = ()


CARE_NOW = frozenset({SpeakerKind.CARER, SpeakerKind.RESIDENTIAL})
SPEAKERS = """
    SELECT speaking.*, duty_line, live
    FROM register.for_conversation AS speaking LEFT JOIN register.duty_lines AS team ON team.authority = speaking.authority
    WHERE number_hash = ANY(%(numbers)s::bytea[])
"""
OF_CODES = """
    FROM register.children_by_code
    WHERE cardinality(%(codes)s::text[]) > 0
    AND number_hash = ANY(%(numbers)s::bytea[]) AND code = ANY(%(codes)s::text[])
"""
"""By codes as they are written: an index finds them, where digits would have to be cut out of each child's code."""
CODE_DIGITS = 4
BY_CODE = (
    f"SELECT child, code, person, authority, placement, force, wrapped {OF_CODES} ORDER BY code, authority, person"
)
CHILDREN = f"""
    SELECT child FROM register.for_conversation WHERE number_hash = ANY(%(numbers)s::bytea[])
    UNION ALL SELECT child {OF_CODES}
"""  # noqa: S608 this module's own words
"""The children of `speaker_by_number` and `children_by_code`, by the same `numbers` and codes: others' subquery."""


def speaker_by_number(keyring: Keyring, numbers: Sequence[bytes], at: datetime) -> Query[Speaker]:
    """`numbers`: the number's hash under each phone key.

    A number may be several people's: one whom two authorities know, a couple with one phone. Then the children of all
    of them are the speaker's, and the rest is of the one who has children now, else of the first in the order of
    `SpeakerKind`.
    """
    return Query(SPEAKERS, {"numbers": list(numbers)}, lambda rows: _decode_speaker(keyring, rows, at))


def children_by_code(numbers: Sequence[bytes], digits: Sequence[str]) -> Query[tuple[ChildOfSpeaker, ...]]:
    """The children whom the number's duty staff may name by a code of these digits, without leading noughts."""
    return Query(BY_CODE, {"numbers": list(numbers), "codes": codes_of(digits)}, _decode_children)


def codes_of(digits: Sequence[str]) -> list[str]:
    """Every way to write a code of these digits: a letter, and up to four digits with the noughts before them."""
    return [
        f"{letter}{number.zfill(length)}"
        for number in digits
        for length in range(len(number), CODE_DIGITS + 1)
        for letter in ascii_uppercase
    ]


DUTY_TEAMS = """
    SELECT authority, duty_line, numbers FROM register.duty_lines AS team, LATERAL (
        SELECT coalesce(array_agg(number ORDER BY way DESC), '{}') AS numbers,
            coalesce(bool_or(number = %(texted)s::text), false) AS is_its_own
        FROM register.own_numbers AS own WHERE own.authority = team.authority
    ) AS own
    WHERE is_its_own OR authority = %(authority)s::text OR %(authority)s::text IS NULL AND live AND (
        authority !~ %(exercise)s OR NOT EXISTS (SELECT FROM register.duty_lines WHERE authority !~ %(exercise)s))
    ORDER BY is_its_own DESC, authority LIMIT 2
"""
"""First the team whose own number was texted. Without an authority, the first two; an exercise authority, which nobody
watches, only if there is no other.
"""


def duty_team(authority: AuthorityId | None, texted: str = "") -> Query[DutyTeam | None]:
    """The team that hears of unknown numbers: the one whose own number was `texted`, else `authority`'s; without an
    authority, the first one's. None: the register has none.
    """
    return _teams(authority, texted, lambda rows: _team(rows[0]) if rows else None)


def only_team(authority: AuthorityId | None) -> Query[DutyTeam | None]:
    """The authority's team. Without an authority: the only one there is, or None if there are several."""
    return _teams(authority, "", lambda rows: _team(rows[0]) if len(rows) == 1 else None)


def _teams(
    authority: AuthorityId | None, texted: str, decode: Callable[[Rows], DutyTeam | None]
) -> Query[DutyTeam | None]:
    asked = {"authority": authority, "exercise": f"^{EXERCISE_AUTHORITY}$", "texted": texted}
    return Query(DUTY_TEAMS, asked, decode)


def _team(row: Any) -> DutyTeam:
    return DutyTeam(row.authority, row.duty_line, tuple(row.numbers))


JOINING = """
    SELECT duty_line, bridge FROM register.duty_lines JOIN register.bridges USING (authority) WHERE authority = %(authority)s
"""


def how_to_join(authority: AuthorityId) -> Query[tuple[str | None, str | None]]:
    """How to join a discussion: the duty line, and the authority's bridge. Without a bridge: through the line."""
    return Query(JOINING, {"authority": authority}, lambda rows: first_row(rows) or (None, None))


def _decode_speaker(keyring: Keyring, rows: Rows, at: datetime) -> Speaker:
    people: dict[PersonId, list[Any]] = {}
    for row in rows:
        people.setdefault(row.person, []).append(row)
    live = {person: of_one for person, of_one in people.items() if of_one[0].live}
    order = list(SpeakerKind)
    speakers = sorted(
        (_decode_person(keyring, of_one, at) for of_one in (live or people).values()),
        key=lambda each: (each.kind not in CARE_NOW, not each.children, order.index(each.kind), str(each.person)),
    )
    if not speakers:
        return Speaker(SpeakerKind.UNKNOWN)
    children = {child.child: child for each in reversed(speakers) for child in each.children}
    return replace(
        speakers[0],
        children=tuple(sorted(children.values(), key=lambda child: (child.code, child.authority))),
        capacities=tuple(capacity for each in speakers for capacity in each.capacities),
    )


def _decode_person(keyring: Keyring, rows: Rows, at: datetime) -> Speaker:
    now = [row for row in rows if row.placement is not None and (row.to_at is None or at < row.to_at)]
    first = (now or rows)[0]
    children = {row.child: _decode_child(keyring, row) for row in now if row.child is not None}
    kind = _find_kind(rows, now)
    professional = bool(first.in_directory) and not first.of_police
    return Speaker(
        kind=kind,
        person=first.person,
        authority=first.authority,
        language=first.language,
        children=tuple(sorted(children.values(), key=lambda child: child.code)),
        placement=first.placement if now else None,
        duty_line=first.duty_line,
        capacities=(Capacity(kind, first.person, first.authority, professional),),
        live=first.live,
    )


def _find_kind(rows: Rows, now: Rows) -> SpeakerKind:
    if now:
        return SpeakerKind.RESIDENTIAL if any(row.kind == "residential" for row in now) else SpeakerKind.CARER
    if rows[0].in_directory:
        return SpeakerKind.OFFICER if rows[0].of_police else SpeakerKind.STAFF
    return SpeakerKind.FORMER_CARER if any(row.to_at is not None for row in rows) else SpeakerKind.UNKNOWN


def _decode_child(keyring: Keyring, row: Any) -> ChildOfSpeaker:
    decryptor = Decryptor(keyring, row.child, row.child_key)
    name = decryptor.open(row.name, "children.name") or ""
    sex = decryptor.open(row.sex, "children.sex") or ""
    also: list[str] = json.loads(decryptor.open(row.known_as, "children.known_as") or "[]")
    first_names = tuple(dict.fromkeys([*name.split()[:1], *also]))
    known = fields_in(row, ChildOfSpeaker) | {"sex": SEXES.get(sex[:1].lower())}
    return ChildOfSpeaker(**known, first_names=first_names, wrapped=row.child_key)


def _decode_children(rows: Rows) -> tuple[ChildOfSpeaker, ...]:
    return tuple(ChildOfSpeaker(**fields_in(row, ChildOfSpeaker), first_names=()) for row in rows)
