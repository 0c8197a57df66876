"""Watches discussions: whether the quorum is there shortly before one begins and a while after one was moved, and
whether one that is over has been recorded.
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
class Moment:
    """A moment of planned discussions, by its column. `waits`: it has not been seen to. `done` notes that it has."""

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
        """None where it has been seen to, or another process holds it."""
        sql = f"""
            SELECT {COLUMNS} FROM discussions WHERE discussion = %(discussion)s AND {self._is_due} FOR UPDATE SKIP LOCKED
        """  # noqa: S608 its own columns
        return Query(sql, {"discussion": discussion, "now": now}, read_discussions)


TO_WARN = Moment("warns_at", "warned_at IS NULL", "warned_at = %(at)s")
"""So close to their beginning that the convener must hear who is lacking."""
ANSWERS_DUE = Moment("answers_due_at", "answers_due_at IS NOT NULL", "answers_due_at = NULL")
"""Moved, and the time to reply again is over."""
OVER = Moment("ends_at", "record_asked_at IS NULL", "record_asked_at = %(at)s")
"""Over, not recorded, and nobody has been asked for the record."""
MOMENTS = (TO_WARN, ANSWERS_DUE, OVER)
SOONEST = (f"(SELECT min({each.column}) FROM discussions WHERE state = 'planned' AND {each.waits})" for each in MOMENTS)  # noqa: S608
NEXT: Query[datetime | None] = Query(f"SELECT least({', '.join(SOONEST)})", {}, scalar)


class DiscussionWatch:
    """Sends one warning a date and one question for the record, however many processes watch."""

    def __init__(self, store: Store, clocks: Clocks, service: DiscussionService) -> None:
        self._store, self._clocks, self._service = store, clocks, service
        self.loop = Repeating("discussions", self._turn, every_seconds=EVERY_SECONDS, again_seconds=AGAIN_SECONDS)
        clocks.on_move(self.loop.wake)
        service.on_planned(self.loop.wake)

    async def _turn(self) -> bool:
        """Looks when the next is due, and does what is due: each by itself, so that one holds up no other."""
        now = self._clocks.story()
        async with self._store.read() as reader:
            due_at = await reader.fetch(NEXT)
            if not self.loop.wake_when_due(due_at, now):
                return False
            due = [(moment, each) for moment in MOMENTS for each in await reader.fetch(moment.due(now))]
        self.loop.wake_after(AGAIN_SECONDS)
        return any(await run_each(self._see_to, due))

    async def _see_to(self, due: tuple[Moment, UUID]) -> bool:
        """False where another process does."""
        (moment, discussion), now = due, self._clocks.story()
        async with self._store.transaction() as uow:
            found = await uow.fetch(moment.hold(discussion, now))
            for each in found:
                await self._act(uow, moment, each)
                about = {"discussion": each.discussion, "at": now}
                uow.write(f"UPDATE discussions SET {moment.done} WHERE discussion = %(discussion)s", about)  # noqa: S608
        return bool(found)

    async def _act(self, uow: UnitOfWork, moment: Moment, found: Discussion) -> None:
        if moment is OVER:
            self._service.ask_for_record(uow, found)
            uow.on_commit(metrics.DISCUSSIONS.labels("over").inc)
            return
        lacking = await self._service.warn_of_quorum(uow, found)
        if moment is TO_WARN:
            uow.on_commit(metrics.DISCUSSIONS.labels("without-quorum" if lacking else "with-quorum").inc)
