"""Who is asked for a discussion's record, and what the record says. Its words lie in the register; here are their ids."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.platform.store.query import execute_pipelined
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.discussion_events import StrategyDiscussionHeld
from services.safeguarding.duty.duties import Duty
from services.strategy.discussions.repository import HELD_ROW, PLANNED, Discussion, discussion_of, hold
from services.strategy.discussions.tables import discussions, recorders, records

OF_RECORDER = HELD_ROW.format(which="(SELECT discussion FROM recorders WHERE duty = %(duty)s AND step = %(step)s)")


@dataclass(frozen=True, slots=True)
class Record:
    held: StrategyDiscussionHeld
    at: datetime


async def to_record(uow: UnitOfWork, episode: UUID) -> Discussion | None:
    """The episode's newest discussion that is over without a record."""
    name = await uow.connection.scalar(
        select(discussions.c.discussion)
        .where(
            discussions.c.episode == episode,
            discussions.c.state == PLANNED,
            discussions.c.record_asked_at.is_not(None),
        )
        .order_by(discussions.c.number.desc())
        .limit(1)
    )
    return None if name is None else await hold(uow, name)


async def ask(uow: UnitOfWork, discussion: UUID, duty: Duty) -> None:
    row = {"duty": duty.duty, "step": duty.step, "discussion": discussion}
    await uow.connection.execute(insert(recorders).values(row).on_conflict_do_nothing())


async def of_recorder(uow: UnitOfWork, duty: UUID, step: int) -> Discussion | None:
    """The discussion that this telling asks a record of."""
    [found] = await execute_pipelined(uow.connection, (OF_RECORDER, {"duty": duty, "step": step}))
    return discussion_of(found[0]) if found else None


async def keep(uow: UnitOfWork, discussion: UUID, held: StrategyDiscussionHeld, at: datetime) -> None:
    """The first one stands."""
    row = {"discussion": discussion, "content": held.model_dump(mode="json"), "words": list(held.words), "at": at}
    await uow.connection.execute(insert(records).values(row).on_conflict_do_nothing())


async def of(uow: UnitOfWork, discussion: UUID) -> Record | None:
    found = await uow.connection.execute(select(records).where(records.c.discussion == discussion))
    row = found.first()
    return None if row is None else Record(StrategyDiscussionHeld.read_again(row.content), row.at)
