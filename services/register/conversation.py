"""Who a text's number belongs to, and whom they may text about. Nothing here is ever said to the number itself."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import RowMapping, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.register.keys import Opener
from services.register.views import bridges, duty_lines, for_conversation
from services.safeguarding.identifiers import AuthorityId, ChildId, ForceId, PersonId, PlacementId
from services.store.encryption import Keyring


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


@dataclass(frozen=True, slots=True)
class Speaker:
    """`children`: those now in the speaker's placements. A former carer has none, and learns nothing of where they went."""

    kind: SpeakerKind
    person: PersonId | None = None
    authority: AuthorityId | None = None
    language: str = "en"
    children: tuple[ChildOfCarer, ...] = ()
    placement: PlacementId | None = None


async def speaker(connection: AsyncConnection, keyring: Keyring, number: str, at: datetime) -> Speaker:
    """`number` is E.164. Of several people with one number (one person whom two authorities know), the one with most to say."""
    found = await connection.execute(
        select(for_conversation).where(for_conversation.c.number_hash.in_(keyring.number_hashes(number)))
    )
    people: dict[str, list[RowMapping]] = {}
    for row in found.mappings():
        people.setdefault(row["person"], []).append(row)
    speakers = [_speaker(keyring, rows, at) for rows in people.values()]
    order = list(SpeakerKind)
    return min(
        speakers, key=lambda each: (order.index(each.kind), str(each.person)), default=Speaker(SpeakerKind.UNKNOWN)
    )


# Built once: asked at nearly every telling.
ANY_LINE = select(duty_lines.c.duty_line).limit(2)
LINE = ANY_LINE.where(duty_lines.c.authority == bindparam("authority"))
JOINING = (
    select(duty_lines.c.duty_line, bridges.c.bridge)
    .join(bridges, bridges.c.authority == duty_lines.c.authority)
    .where(duty_lines.c.authority == bindparam("authority"))
)


async def duty_line(connection: AsyncConnection, authority: AuthorityId | None) -> str | None:
    """The number that a caller is given at any hour. Without an authority: the only one there is, or None."""
    asked = ANY_LINE if authority is None else LINE
    rows = await connection.execute(asked, {} if authority is None else {"authority": authority})
    lines = list(rows.scalars())
    return lines[0] if len(lines) == 1 else None


async def joining(connection: AsyncConnection, authority: AuthorityId) -> tuple[str | None, str | None]:
    """How a discussion is joined: the duty line, and the bridge as the authority wrote it. Without one: through the line."""
    found = (await connection.execute(JOINING, {"authority": authority})).first()
    return (None, None) if found is None else (found.duty_line, found.bridge)


async def first_authority(connection: AsyncConnection) -> AuthorityId | None:
    """Whose duty team hears of a number that nobody knows, where no authority was named for it. None: the register is empty."""
    authority: AuthorityId | None = await connection.scalar(
        select(duty_lines.c.authority).order_by(duty_lines.c.authority).limit(1)
    )
    return authority


def _speaker(keyring: Keyring, rows: list[RowMapping], at: datetime) -> Speaker:
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
    )


def _still(row: RowMapping, at: datetime) -> bool:
    return row["to_at"] is None or at < row["to_at"]


def _kind(rows: list[RowMapping], now: list[RowMapping]) -> SpeakerKind:
    if now:
        return SpeakerKind.RESIDENTIAL if any(row["kind"] == "residential" for row in now) else SpeakerKind.CARER
    if rows[0]["in_directory"]:
        return SpeakerKind.OFFICER if rows[0]["of_police"] else SpeakerKind.STAFF
    return SpeakerKind.FORMER_CARER if any(row["to_at"] is not None for row in rows) else SpeakerKind.UNKNOWN


def _child(keyring: Keyring, row: RowMapping) -> ChildOfCarer:
    opener = Opener(keyring, row["child"], row["child_key"])
    name = opener.open(row["name"], "children.name") or ""
    also: list[str] = json.loads(opener.open(row["known_as"], "children.known_as") or "[]")
    first_names = tuple(dict.fromkeys([*name.split()[:1], *also]))
    return ChildOfCarer(row["child"], row["code"], first_names, row["placement"], row["force"])
