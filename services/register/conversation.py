"""Who a text's number belongs to, and whom they may text about. Nothing here is ever said to the number itself."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from sqlalchemy import LargeBinary, Select, Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.register.keys import Opener
from services.register.views import bridges, duty_lines, for_conversation
from services.runtime.settings import EXERCISE_AUTHORITY
from services.safeguarding.identifiers import AuthorityId, ChildId, ForceId, PersonId, PlacementId
from services.store.encryption import Keyring
from services.store.pipeline import Statement, as_sql, at_once


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
class ChildOfCarer:
    """`first_names`: the first name and what else the child is called, for matching a text's words only."""

    child: ChildId
    code: str
    first_names: tuple[str, ...]
    placement: PlacementId
    force: ForceId
    wrapped: bytes | None = None
    """The child's data key, as it is kept; None where it was erased."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """`children`: those now in the speaker's placements. A former carer has none, and learns nothing of where they went.

    `duty_line` is the authority's.
    """

    kind: SpeakerKind
    person: PersonId | None = None
    authority: AuthorityId | None = None
    language: str = "en"
    children: tuple[ChildOfCarer, ...] = ()
    placement: PlacementId | None = None
    duty_line: str | None = None


Row: TypeAlias = dict[str, Any]
OF_NUMBER = for_conversation.c.number_hash == any_(bindparam("numbers", type_=ARRAY(LargeBinary)))
PEOPLE, CHILDREN = (as_sql(select(each).where(OF_NUMBER)) for each in for_conversation.c["person", "child"])
"""Of the same `numbers`, for who asks in one round trip with `asked` what hangs on them."""


def _asked() -> Select[Any]:
    lines = duty_lines.c.authority == for_conversation.c.authority
    return select(*for_conversation.c, duty_lines.c.duty_line).outerjoin(duty_lines, lines).where(OF_NUMBER)


ASKED = _asked()
COLUMNS, SPEAKER = tuple(ASKED.selected_columns.keys()), as_sql(ASKED)


def asked(numbers: Sequence[bytes]) -> Statement:
    """Under each phone key, the number's hash."""
    return SPEAKER, {"numbers": list(numbers)}


def told(keyring: Keyring, rows: Sequence[tuple[Any, ...]], at: datetime) -> Speaker:
    """By the rows that `asked` gave. Of several people with one number (one person whom two authorities know), the one with most
    to say: of two carers, who has children now.
    """
    people: dict[str, list[Row]] = {}
    for each in rows:
        row = dict(zip(COLUMNS, each, strict=True))
        people.setdefault(row["person"], []).append(row)
    speakers = [_speaker(keyring, of_one, at) for of_one in people.values()]
    order = list(SpeakerKind)
    return min(
        speakers,
        key=lambda each: (order.index(each.kind), not each.children, str(each.person)),
        default=Speaker(SpeakerKind.UNKNOWN),
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
    [rows] = await at_once(connection, lines(authority))
    return rows[0][1] if len(rows) == 1 else None


async def first_authority(connection: AsyncConnection) -> AuthorityId | None:
    """Whose duty team hears of a number that nobody knows, where no authority was named for it. None: the register is empty."""
    [rows] = await at_once(connection, lines(None))
    return rows[0][0] if rows else None


# Built once: asked at nearly every telling.
JOINING = as_sql(
    select(duty_lines.c.duty_line, bridges.c.bridge)
    .join(bridges, bridges.c.authority == duty_lines.c.authority)
    .where(duty_lines.c.authority == bindparam("authority", type_=Text))
)


async def joining(connection: AsyncConnection, authority: AuthorityId) -> tuple[str | None, str | None]:
    """How a discussion is joined: the duty line, and the bridge as the authority wrote it. Without one: through the line."""
    [rows] = await at_once(connection, (JOINING, {"authority": authority}))
    return rows[0] if rows else (None, None)


def _speaker(keyring: Keyring, rows: list[Row], at: datetime) -> Speaker:
    now = [row for row in rows if row["placement"] is not None and _still(row, at)]
    first = (now or rows)[0]
    children = {row["child"]: _child(keyring, row) for row in now if row["child"] is not None}
    return Speaker(
        kind=_kind(rows, now),
        person=first["person"],
        authority=first["authority"],
        language=first["language"],
        children=tuple(sorted(children.values(), key=lambda child: child.code)),
        placement=first["placement"] if now else None,
        duty_line=first["duty_line"],
    )


def _still(row: Row, at: datetime) -> bool:
    return row["to_at"] is None or at < row["to_at"]


def _kind(rows: list[Row], now: list[Row]) -> SpeakerKind:
    if now:
        return SpeakerKind.RESIDENTIAL if any(row["kind"] == "residential" for row in now) else SpeakerKind.CARER
    if rows[0]["in_directory"]:
        return SpeakerKind.OFFICER if rows[0]["of_police"] else SpeakerKind.STAFF
    return SpeakerKind.FORMER_CARER if any(row["to_at"] is not None for row in rows) else SpeakerKind.UNKNOWN


def _child(keyring: Keyring, row: Row) -> ChildOfCarer:
    opener = Opener(keyring, row["child"], row["child_key"])
    name = opener.open(row["name"], "children.name") or ""
    also: list[str] = json.loads(opener.open(row["known_as"], "children.known_as") or "[]")
    first_names = tuple(dict.fromkeys([*name.split()[:1], *also]))
    return ChildOfCarer(row["child"], row["code"], first_names, row["placement"], row["force"], row["child_key"])
