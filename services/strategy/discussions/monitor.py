"""Watches discussions: for the quorum, shortly before one begins and a while after one was moved, and for the record of
one that is over.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating, run_each
from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.strategy import metrics
from services.strategy.discussions.repository import COLUMNS, Discussion, read_discussions
from services.strategy.discussions.service import DiscussionService

EVERY_SECONDS, AGAIN_SECONDS = 15.0, 2.0
AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Deadline:
    """A column of planned discussions. `waits`: nobody has acted on it yet. `done` records that somebody has."""

    column: str
    waits: str
    done: str

    @property
    def _is_due(self) -> str:
        return f"state = 'planned' AND {self.column} <= %(now)s AND {self.waits}"

    def due(self, now: datetime) -> Query[list[UUID]]:
        sql = f"SELECT discussion FROM discussions WHERE {self._is_due} LIMIT {AT_ONCE}"  # noqa: S608 its own columns
        return Query(sql, {"now": now}, lambda rows: [row.discussion for row in rows])

    def hold(self, discussion: UUID, now: datetime) -> Query[list[Discussion]]:
        """Empty if it has been dealt with, or another process holds it."""
        sql = f"""
            SELECT {COLUMNS} FROM discussions WHERE discussion = %(discussion)s AND {self._is_due} FOR UPDATE SKIP LOCKED
        """  # noqa: S608 its own columns
        return Query(sql, {"discussion": discussion, "now": now}, read_discussions)


TO_WARN = Deadline("warns_at", "warned_at IS NULL", "warned_at = %(at)s")
"""It begins so soon that the convener must hear who is lacking."""
ANSWERS_DUE = Deadline("answers_due_at", "answers_due_at IS NOT NULL", "answers_due_at = NULL")
"""It was moved, and the time to reply again is over."""
OVER = Deadline("ends_at", "record_asked_at IS NULL", "record_asked_at = %(at)s")
"""It is over and not recorded, and nobody has been asked for the record."""
DEADLINES = (TO_WARN, ANSWERS_DUE, OVER)
SOONEST = (f"(SELECT min({one.column}) FROM discussions WHERE state = 'planned' AND {one.waits})" for one in DEADLINES)  # noqa: S608
NEXT: Query[datetime | None] = Query(f"SELECT least({', '.join(SOONEST)})", {}, scalar)


class DiscussionWatch:
    """Sends one warning for each date and asks for the record once, however many processes watch."""

    def __init__(self, store: Store, clocks: Clocks, service: DiscussionService) -> None:
        self._store, self._clocks, self._service = store, clocks, service
        self.loop = Repeating("discussions", self._turn, every_seconds=EVERY_SECONDS, again_seconds=AGAIN_SECONDS)
        clocks.on_move(self.loop.wake)
        service.on_planned(self.loop.wake)

    async def _turn(self) -> bool:
        """Acts on each deadline that is due, in a transaction of its own, so that one holds up no other."""
        now = self._clocks.story()
        async with self._store.read() as reader:
            due_at = await reader.fetch(NEXT)
            if not self.loop.wake_when_due(due_at, now):
                return False
            due = [(deadline, each) for deadline in DEADLINES for each in await reader.fetch(deadline.due(now))]
        self.loop.wake_after(AGAIN_SECONDS)
        return any(await run_each(self._see_to, due))

    async def _see_to(self, due: tuple[Deadline, UUID]) -> bool:
        """False where another process does."""
        (deadline, discussion), now = due, self._clocks.story()
        async with self._store.transaction() as uow:
            found = await uow.fetch(deadline.hold(discussion, now))
            for each in found:
                await self._act(uow, deadline, each)
                about = {"discussion": each.discussion, "at": now}
                uow.write(f"UPDATE discussions SET {deadline.done} WHERE discussion = %(discussion)s", about)  # noqa: S608
        return bool(found)

    async def _act(self, uow: UnitOfWork, deadline: Deadline, found: Discussion) -> None:
        if deadline is OVER:
            self._service.ask_for_record(uow, found)
            uow.on_commit(metrics.DISCUSSIONS.labels("over").inc)
            return
        lacking = await self._service.warn_of_quorum(uow, found)
        if deadline is TO_WARN:
            uow.on_commit(metrics.DISCUSSIONS.labels("without-quorum" if lacking else "with-quorum").inc)
