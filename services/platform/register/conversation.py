"""Who a text's number belongs to, and whom they may text about. Nothing here is ever said to the number itself."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from sqlalchemy import LargeBinary, Select, Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.register.keys import Decryptor
from services.platform.register.views import bridges, duty_lines, for_conversation
from services.platform.runtime.settings import EXERCISE_AUTHORITY
from services.platform.store.encryption import Keyring
from services.platform.store.query import Statement, as_sql, execute_pipelined
from services.safeguarding.identifiers import AuthorityId, ChildId, ForceId, PersonId, PlacementId


class SpeakerKind(StrEnum):
    CARER = "carer"
    RESIDENTIAL = "residential"
    """Works in a home with several children."""
    STAFF = "staff"
    OFFICER = "officer"
    """Police: in the directory for their force alone."""
    FORMER_CARER = "former-carer"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ChildOfSpeaker:
    """`first_names`: the first name and what else the child is called, for matching a text's words only. Of a child whom duty staff
    name by its code there are none.

    `person` is the speaker as the child's own authority knows them.
    """

    child: ChildId
    code: str
    first_names: tuple[str, ...]
    person: PersonId
    authority: AuthorityId
    placement: PlacementId | None
    force: ForceId | None
    wrapped: bytes | None = None
    """The child's data key, as it is kept; None where it was erased."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """As what one authority knows the speaker. `professional`: in its directory, and not for police alone."""

    kind: SpeakerKind
    person: PersonId
    authority: AuthorityId
    professional: bool


@dataclass(frozen=True, slots=True)
class Speaker:
    """`children`: those now in the speaker's placements, of every authority that knows the number. A former carer has none, and learns
    nothing of where they went.

    What is the speaker's own (`person`, `authority` and so on) is of the first of their `capacities`; `duty_line` is that authority's.
    """

    kind: SpeakerKind
    person: PersonId | None = None
    authority: AuthorityId | None = None
    language: str = "en"
    children: tuple[ChildOfSpeaker, ...] = ()
    placement: PlacementId | None = None
    duty_line: str | None = None
    capacities: tuple[Capacity, ...] = ()


Row: TypeAlias = dict[str, Any]
CARE_NOW = frozenset({SpeakerKind.CARER, SpeakerKind.RESIDENTIAL})
OF_NUMBER = for_conversation.c.number_hash == any_(bindparam("numbers", type_=ARRAY(LargeBinary)))
PEOPLE, CHILDREN = (as_sql(select(each).where(OF_NUMBER)) for each in for_conversation.c["person", "child"])
"""Of the same `numbers`, for who asks in one round trip with `asked` what hangs on them."""


OF_CODE = """
    FROM register.children_by_code AS coded
    WHERE coded.number_hash = ANY(%(numbers)s::bytea[]) AND ltrim(substr(coded.code, 2), '0') = ANY(%(said)s::text[])
"""
BY_CODE = f"""
    SELECT child, code, person, authority, placement, force, wrapped {OF_CODE} ORDER BY code, authority, person
"""
CODED = f"SELECT child {OF_CODE}"
"""Of the same `numbers` and `said`, for who asks in one round trip with `numbered` what hangs on them."""


def _asked() -> Select[Any]:
    lines = duty_lines.c.authority == for_conversation.c.authority
    return select(*for_conversation.c, duty_lines.c.duty_line).outerjoin(duty_lines, lines).where(OF_NUMBER)


ASKED = _asked()
COLUMNS, SPEAKER = tuple(ASKED.selected_columns.keys()), as_sql(ASKED)


def asked(numbers: Sequence[bytes]) -> Statement:
    """Under each phone key, the number's hash."""
    return SPEAKER, {"numbers": list(numbers)}


def told(keyring: Keyring, rows: Sequence[tuple[Any, ...]], at: datetime) -> Speaker:
    """By the rows that `asked` gave. A number may be several people's (one whom two authorities know, a couple with one phone): then
    the children of all of them are meant, and what is the speaker's own is of who has children now, else of who has most to say.
    """
    people: dict[str, list[Row]] = {}
    for each in rows:
        row = dict(zip(COLUMNS, each, strict=True))
        people.setdefault(row["person"], []).append(row)
    order = list(SpeakerKind)
    speakers = sorted(
        (_speaker(keyring, of_one, at) for of_one in people.values()),
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


def numbered(numbers: Sequence[bytes], said: Sequence[str]) -> Statement:
    """The children whom the number's duty staff may name by a code of these digits, without leading noughts."""
    return BY_CODE, {"numbers": list(numbers), "said": list(said)}


def named_by_code(rows: Sequence[tuple[Any, ...]]) -> tuple[ChildOfSpeaker, ...]:
    """By the rows that `numbered` gave."""
    return tuple(
        ChildOfSpeaker(child, code, (), person, authority, placement, force, wrapped)
        for child, code, person, authority, placement, force, wrapped in rows
    )


LINES = """
    SELECT authority, duty_line FROM register.duty_lines
    WHERE authority = %(authority)s::text OR %(authority)s::text IS NULL AND (
        authority !~ %(exercise)s OR NOT EXISTS (SELECT FROM register.duty_lines WHERE authority !~ %(exercise)s))
    ORDER BY authority LIMIT 2
"""


def lines(authority: AuthorityId | None) -> Statement:
    """Rows of authority and duty line: its own, or without one the first two that there are. An exercise authority, behind which
    nobody watches, is none as long as there is another.
    """
    return LINES, {"authority": authority, "exercise": EXERCISE_AUTHORITY}


async def duty_line(connection: AsyncConnection, authority: AuthorityId | None) -> str | None:
    """The number that a caller is given at any hour. Without an authority: the only one there is, or None."""
    [rows] = await execute_pipelined(connection, lines(authority))
    return rows[0][1] if len(rows) == 1 else None


async def first_authority(connection: AsyncConnection) -> AuthorityId | None:
    """Whose duty team hears of a number that nobody knows, where no authority was named for it. None: the register is empty."""
    [rows] = await execute_pipelined(connection, lines(None))
    return rows[0][0] if rows else None


# Built once: asked at nearly every telling.
JOINING = as_sql(
    select(duty_lines.c.duty_line, bridges.c.bridge)
    .join(bridges, bridges.c.authority == duty_lines.c.authority)
    .where(duty_lines.c.authority == bindparam("authority", type_=Text))
)


async def joining(connection: AsyncConnection, authority: AuthorityId) -> tuple[str | None, str | None]:
    """How a discussion is joined: the duty line, and the bridge as the authority wrote it. Without one: through the line."""
    [rows] = await execute_pipelined(connection, (JOINING, {"authority": authority}))
    return rows[0] if rows else (None, None)


def _speaker(keyring: Keyring, rows: list[Row], at: datetime) -> Speaker:
    now = [row for row in rows if row["placement"] is not None and _still(row, at)]
    first = (now or rows)[0]
    children = {row["child"]: _child(keyring, row) for row in now if row["child"] is not None}
    kind = _kind(rows, now)
    professional = bool(first["in_directory"]) and not first["of_police"]
    return Speaker(
        kind=kind,
        person=first["person"],
        authority=first["authority"],
        language=first["language"],
        children=tuple(sorted(children.values(), key=lambda child: child.code)),
        placement=first["placement"] if now else None,
        duty_line=first["duty_line"],
        capacities=(Capacity(kind, first["person"], first["authority"], professional),),
    )


def _still(row: Row, at: datetime) -> bool:
    return row["to_at"] is None or at < row["to_at"]


def _kind(rows: list[Row], now: list[Row]) -> SpeakerKind:
    if now:
        return SpeakerKind.RESIDENTIAL if any(row["kind"] == "residential" for row in now) else SpeakerKind.CARER
    if rows[0]["in_directory"]:
        return SpeakerKind.OFFICER if rows[0]["of_police"] else SpeakerKind.STAFF
    return SpeakerKind.FORMER_CARER if any(row["to_at"] is not None for row in rows) else SpeakerKind.UNKNOWN


def _child(keyring: Keyring, row: Row) -> ChildOfSpeaker:
    opener = Decryptor(keyring, row["child"], row["child_key"])
    name = opener.open(row["name"], "children.name") or ""
    also: list[str] = json.loads(opener.open(row["known_as"], "children.known_as") or "[]")
    first_names = tuple(dict.fromkeys([*name.split()[:1], *also]))
    return ChildOfSpeaker(
        row["child"],
        row["code"],
        first_names,
        row["person"],
        row["authority"],
        row["placement"],
        row["force"],
        row["child_key"],
    )
