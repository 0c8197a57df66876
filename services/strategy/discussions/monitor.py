"""Watches discussions: whether the quorum is there shortly before one begins and a while after one was moved, and
whether one that is over has been recorded.
"""

from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating
from services.platform.store.unit_of_work import Store
from services.strategy import metrics
from services.strategy.discussions import due
from services.strategy.discussions.service import DiscussionService

EVERY_SECONDS, AGAIN_SECONDS = 15.0, 2.0


class DiscussionWatch:
    """Sends one warning a date and one question for the record, however many processes watch."""

    def __init__(self, store: Store, clocks: Clocks, service: DiscussionService) -> None:
        self._store, self._clocks, self._service = store, clocks, service
        self.loop = Repeating("discussions", self._turn, every_seconds=EVERY_SECONDS, again_seconds=AGAIN_SECONDS)
        clocks.on_move(self.loop.wake)
        service.on_planned(self.loop.wake)

    async def _turn(self) -> bool:
        """Looks when the next is due, and does what is due."""
        async with self._store.read() as reader:
            due_at = await reader.fetch(due.next_due())
        if not self.loop.wake_when_due(due_at, self._clocks.story()):
            return False
        self.loop.wake_after(AGAIN_SECONDS)
        return await self._warn() + await self._check_answers() + await self._ask_for_records() > 0

    async def _warn(self) -> int:
        now = self._clocks.story()
        async with self._store.transaction() as uow:
            found = await uow.fetch(due.discussions_to_warn_of(now))
            for each in found:
                lacking = await self._service.warn_of_quorum(uow, each)
                due.mark_warned(uow, each.discussion, now)
                uow.on_commit(metrics.DISCUSSIONS.labels("without-quorum" if lacking else "with-quorum").inc)
        return len(found)

    async def _check_answers(self) -> int:
        async with self._store.transaction() as uow:
            found = await uow.fetch(due.discussions_with_answers_due(self._clocks.story()))
            for each in found:
                await self._service.warn_of_quorum(uow, each)
                due.mark_answers_checked(uow, each.discussion)
        return len(found)

    async def _ask_for_records(self) -> int:
        now = self._clocks.story()
        async with self._store.transaction() as uow:
            found = await uow.fetch(due.discussions_over(now))
            for each in found:
                self._service.ask_for_record(uow, each)
                due.mark_record_asked(uow, each.discussion, now)
                uow.on_commit(metrics.DISCUSSIONS.labels("over").inc)
        return len(found)
