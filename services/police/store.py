"""Which episodes a force was told of, how each stands, and when the force last said which it holds open."""

from collections.abc import Collection
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    MetaData,
    Table,
    Text,
    Uuid,
    exists,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.delivery.tables import deliveries
from services.platform.store.query import Statement, execute_pipelined
from services.platform.store.unit_of_work import Local, UnitOfWork
from services.police.policy import MERGED, SEARCHED_FOR, Standing
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import ChildId, ForceId
from services.safeguarding.roles import Wording

metadata = MetaData(schema="police")
_time = DateTime(timezone=True)
episodes = Table(
    "episodes",
    metadata,
    Column("force", Text, primary_key=True),
    Column("episode", Uuid, primary_key=True),
    *(Column(name, Text) for name in ("child", "authority", "state")),
    Column("exercise", Boolean),
    Column("told_at", _time),
    Column("closed_at", _time),
    Column("gaps_chased", Boolean),
)
open_lists = Table(
    "open_lists",
    metadata,
    Column("force", Text, primary_key=True),
    Column("as_of", _time),
    Column("asked_after_at", _time),
)

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
STATE_AFTER = {
    Wording.MISSING_NOTICE: "missing",
    Wording.LOCATED_NOTICE: "located",
    Wording.RETURNED_NOTICE: "returned",
    Wording.RETURN_WITHDRAWN_NOTICE: "missing",
    Wording.REPORT_RETRACTED_NOTICE: "retracted",
}


TOLD = """
    INSERT INTO police.episodes (force, episode, child, authority, exercise, state, told_at)
    VALUES (%(force)s, %(episode)s, %(child)s, %(authority)s, %(exercise)s, %(state)s, %(told_at)s)
    ON CONFLICT (force, episode) DO UPDATE SET state = excluded.state, told_at = excluded.told_at
"""
TOLD_OF_ANOTHER = """
    UPDATE police.episodes SET state = %(state)s, told_at = %(told_at)s FROM delivery.deliveries
    WHERE deliveries.id = %(refers_to)s AND episodes.force = %(force)s AND episodes.episode = deliveries.episode
        AND episodes.episode <> %(episode)s
"""
"""Where the notice that it refers to named another episode, which has become part of this one."""


LEFT: Local[list[Statement]] = Local(list)
CHASED: Local[set[tuple[ForceId, UUID]]] = Local(set)


def told(uow: UnitOfWork, duty: Duty, child: ChildId, *, exercise: bool) -> None:
    """What a notice that is about to go says of its episode. A notice that asks or adds something changes nothing.

    It is left for `after_what_was_told`, or for the transaction's end where nobody asks anything.
    """
    if duty.force is None or duty.episode is None:
        return
    state = STATE_AFTER.get(duty.wording)
    row = {"force": duty.force, "episode": duty.episode, "told_at": duty.created_at}
    if state is not None:
        _leave(
            uow,
            (TOLD, row | {"child": child, "authority": duty.authority, "exercise": exercise, "state": state}),
        )
    if duty.refers_to is not None:
        so = MERGED if state in {None, *SEARCHED_FOR} else state
        _leave(uow, (TOLD_OF_ANOTHER, row | {"refers_to": duty.refers_to, "state": so}))


def _leave(uow: UnitOfWork, statement: Statement) -> None:
    left = uow.local(LEFT)
    if not left:
        uow.before_commit(partial(_write_what_was_told, uow))
    left.append(statement)


async def after_what_was_told(uow: UnitOfWork, *asked: Statement) -> list[list[tuple[Any, ...]]]:
    """The rows that these gave, which see what `told` has left: it goes with them, in one round trip."""
    left = uow.local(LEFT)
    statements = [*left, *asked]
    left.clear()
    given = await execute_pipelined(uow.connection, *statements) if statements else []
    return given[len(given) - len(asked) :]


async def _write_what_was_told(uow: UnitOfWork) -> None:
    await after_what_was_told(uow)


BEFORE_NOTICE = """
    WITH not_chased AS (
        SELECT FROM police.episodes
        WHERE force = %(force)s AND episode = %(episode)s::uuid AND NOT gaps_chased FOR UPDATE
    )
    SELECT count(*), max(told_at), EXISTS (SELECT FROM not_chased) FROM police.episodes
    WHERE force = %(force)s AND child = %(child)s AND NOT exercise AND episode IS DISTINCT FROM %(episode)s::uuid
"""
GAPS_CHASED = "UPDATE police.episodes SET gaps_chased = true WHERE force = %(force)s AND episode = %(episode)s"


def before_notice(force: ForceId, child: ChildId, episode: UUID | None) -> Statement:
    """Gives one row: how many episodes of this child the force was told of before this one, when it last was of one, and whether
    nobody was asked yet for what this one's first notice lacked. Then its row is held: nobody else asks, either.
    """
    return BEFORE_NOTICE, {"force": force, "child": child, "episode": episode}


def chases_gaps(uow: UnitOfWork, force: ForceId, episode: UUID) -> bool:
    """True once an episode, of those that `before_notice` holds for this transaction: from now on somebody is asked."""
    chased = uow.local(CHASED)
    if (force, episode) in chased:
        return False
    chased.add((force, episode))
    uow.write(GAPS_CHASED, {"force": force, "episode": episode})
    return True


async def closed(uow: UnitOfWork, force: ForceId, episode: UUID, at: datetime) -> None:
    await uow.connection.execute(
        update(episodes).where(episodes.c.force == force, episodes.c.episode == episode).values(closed_at=at)
    )


async def standings(connection: AsyncConnection, force: ForceId, named: Collection[UUID] = ()) -> dict[UUID, Standing]:
    """Of the episodes that this force was told of: those whose child is searched for, and those of `named`."""
    asked_for = or_(episodes.c.state.in_(SEARCHED_FOR), episodes.c.episode.in_(named))
    rows = await connection.execute(select(episodes).where(episodes.c.force == force, asked_for))
    return {
        row.episode: Standing(row.episode, row.child, row.authority, row.exercise, row.state, row.told_at)
        for row in rows
    }


async def list_came(uow: UnitOfWork, force: ForceId, as_of: datetime) -> bool:
    """False, and nothing is changed, where a list of a later time came before."""
    statement = insert(open_lists).values(force=force, as_of=as_of, asked_after_at=None)
    newest = statement.on_conflict_do_update(
        index_elements=["force"], set_={"as_of": as_of}, where=open_lists.c.as_of <= as_of
    ).returning(open_lists.c.force)
    return (await uow.connection.execute(newest)).first() is not None


async def last_list(connection: AsyncConnection, force: ForceId) -> tuple[datetime | None, datetime | None]:
    """As of when the force last said what it holds open, and when its silence was last reported."""
    found = await connection.execute(
        select(open_lists.c.as_of, open_lists.c.asked_after_at).where(open_lists.c.force == force)
    )
    row = found.first()
    return (None, None) if row is None else (row.as_of, row.asked_after_at)


async def asked_after(uow: UnitOfWork, force: ForceId, at: datetime) -> None:
    statement = insert(open_lists).values(force=force, as_of=NEVER, asked_after_at=at)
    await uow.connection.execute(statement.on_conflict_do_update(index_elements=["force"], set_={"asked_after_at": at}))


def needed() -> ColumnElement[bool]:
    """Deliveries that a reply or a link may still name: their child is searched for."""
    return exists().where(
        episodes.c.episode == deliveries.c.episode,
        episodes.c.state.in_((*SEARCHED_FOR, MERGED)),
        episodes.c.closed_at.is_(None),
    )
