"""Looks, shortly before a discussion begins and a while after it was moved, whether those who must be there have said that they come;
and, when it is over, whether it has been recorded.
"""

from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating
from services.platform.store.unit_of_work import Store
from services.strategy import metrics
from services.strategy.discussions import due
from services.strategy.discussions.service import DiscussionService

EVERY_SECONDS = 2.0


class DiscussionWatch:
    """One warning a date and one question for its record, however many processes look."""

    def __init__(self, store_: Store, clocks: Clocks, discussing: DiscussionService) -> None:
        self._store, self._clocks, self._discussing = store_, clocks, discussing
        self.loop = Repeating("discussions", self._turn, every_seconds=EVERY_SECONDS)

    async def _turn(self) -> bool:
        return await self._warn() + await self._look_at_answers() + await self._ask_for_records() > 0

    async def _warn(self) -> int:
        now = self._clocks.story()
        async with self._store.transaction() as uow:
            found = await due.about_to_begin(uow, now)
            for each in found:
                lacking = await self._discussing.warn(uow, each)
                await due.looked_at(uow, each.discussion, now)
                uow.on_commit(metrics.DISCUSSIONS.labels("without-quorum" if lacking else "with-quorum").inc)
        return len(found)

    async def _look_at_answers(self) -> int:
        async with self._store.transaction() as uow:
            found = await due.answers_due(uow, self._clocks.story())
            for each in found:
                await self._discussing.warn(uow, each)
                await due.answers_looked_at(uow, each.discussion)
        return len(found)

    async def _ask_for_records(self) -> int:
        now = self._clocks.story()
        async with self._store.transaction() as uow:
            found = await due.over(uow, now)
            for each in found:
                await self._discussing.ask_for_record(uow, each)
                await due.asked_about(uow, each.discussion, now)
                uow.on_commit(metrics.DISCUSSIONS.labels("over").inc)
        return len(found)
