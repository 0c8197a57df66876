"""Which discussions are about to begin, and which are over without a record. Another process's are passed over."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, ColumnElement, select, true, update

from services.platform.store.unit_of_work import UnitOfWork
from services.strategy.discussions.repository import IN_FULL, PLANNED, Discussion, discussion_of
from services.strategy.discussions.tables import discussions

AT_ONCE = 50


async def about_to_begin(uow: UnitOfWork, now: datetime) -> list[Discussion]:
    """So soon that whoever convenes must hear who is lacking, and not looked at yet."""
    return await _found(uow, discussions.c.warns_at <= now, discussions.c.warned_at)


async def answers_due(uow: UnitOfWork, now: datetime) -> list[Discussion]:
    """Moved, and those who were asked again have had their time."""
    return await _found(uow, discussions.c.answers_due_at <= now)


async def over(uow: UnitOfWork, now: datetime) -> list[Discussion]:
    """Neither recorded nor asked about yet."""
    return await _found(uow, discussions.c.ends_at <= now, discussions.c.record_asked_at)


async def looked_at(uow: UnitOfWork, discussion: UUID, at: datetime) -> None:
    await uow.connection.execute(update(discussions).where(discussions.c.discussion == discussion).values(warned_at=at))


async def answers_looked_at(uow: UnitOfWork, discussion: UUID) -> None:
    await uow.connection.execute(
        update(discussions).where(discussions.c.discussion == discussion).values(answers_due_at=None)
    )


async def asked_about(uow: UnitOfWork, discussion: UUID, at: datetime) -> None:
    await uow.connection.execute(
        update(discussions).where(discussions.c.discussion == discussion).values(record_asked_at=at)
    )


async def _found(
    uow: UnitOfWork, due: ColumnElement[bool], done_at: Column[datetime] | None = None
) -> list[Discussion]:
    not_done = true() if done_at is None else done_at.is_(None)
    rows = await uow.connection.execute(
        select(*IN_FULL)
        .where(discussions.c.state == PLANNED, due, not_done)
        .with_for_update(skip_locked=True)
        .limit(AT_ONCE)
    )
    return [discussion_of(row) for row in rows]
