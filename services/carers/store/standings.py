"""How children stand: as the protocol last said, or as a text of ours has said since. All times are story time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.carers.store.tables import standings
from services.safeguarding.identifiers import ChildId
from services.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Stood:
    """`state` is None where no episode is known, or where it is over."""

    state: str | None
    police: str
    duty_answered: bool


async def of(connection: AsyncConnection, children: Iterable[ChildId]) -> dict[ChildId, Stood]:
    """What was texted counts until the protocol's own word, which is later."""
    asked = list(children)
    if not asked:
        return {}
    found = await connection.execute(select(standings).where(standings.c.child.in_(asked)))
    stood: dict[ChildId, Stood] = {}
    for row in found.mappings():
        said_since = row["said_at"] is not None and (row["changed_at"] is None or row["said_at"] > row["changed_at"])
        state = row["said"] if said_since else row["state"]
        afresh = said_since and row["state"] not in {"missing", "located"}
        stood[row["child"]] = Stood(state, "not-yet" if afresh else row["police"], row["duty_answered"] and not afresh)
    return stood


async def said(transaction: Transaction, child: ChildId, state: str | None, at: datetime) -> None:
    row = {"child": child, "revision": 0, "police": "not-yet", "duty_answered": False, "said": state, "said_at": at}
    written = insert(standings).values(row)
    await transaction.connection.execute(
        written.on_conflict_do_update(index_elements=[standings.c.child], set_={"said": state, "said_at": at})
    )


async def episode_changed(
    transaction: Transaction,
    child: ChildId,
    episode: UUID,
    *,
    opened_at: datetime,
    revision: int,
    state: str | None,
    at: datetime,
) -> None:
    """Of two episodes the one opened later counts; of one episode the later revision."""
    row = {"episode": episode, "opened_at": opened_at, "revision": revision, "state": state, "changed_at": at}
    fresh = {"police": "not-yet", "duty_answered": False}
    await transaction.connection.execute(
        insert(standings).values({"child": child, **row, **fresh}).on_conflict_do_nothing()
    )
    another = or_(standings.c.episode.is_(None), standings.c.episode != episode)
    later = or_(standings.c.opened_at.is_(None), standings.c.opened_at < opened_at)
    of_child = standings.c.child == child
    await transaction.connection.execute(update(standings).where(of_child, another, later).values(**row, **fresh))
    newer = and_(standings.c.episode == episode, standings.c.revision < revision)
    await transaction.connection.execute(update(standings).where(of_child, newer).values(**row))


async def police_stand(transaction: Transaction, child: ChildId, episode: UUID, police: str) -> None:
    """Only ever forward: an officer who has it is not forgotten because a later telling was merely taken."""
    worse = {"have-it": ["not-yet"], "answered": ["not-yet", "have-it"]}[police]
    await transaction.connection.execute(
        update(standings)
        .where(standings.c.child == child, standings.c.episode == episode, standings.c.police.in_(worse))
        .values(police=police)
    )


async def duty_answered(transaction: Transaction, child: ChildId, episode: UUID) -> None:
    await transaction.connection.execute(
        update(standings).where(standings.c.child == child, standings.c.episode == episode).values(duty_answered=True)
    )
