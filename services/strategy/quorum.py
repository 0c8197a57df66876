"""Looks, shortly before a discussion begins, whether those who must be there have said that they come."""

from services.runtime.clocks import Clocks
from services.runtime.repeating import Repeating
from services.store.transaction import Store
from services.strategy import metrics, store
from services.strategy.discussing import Discussing
from services.strategy.policy import WARN_BEFORE

EVERY_SECONDS = 2.0


class QuorumWatch:
    """One warning a date, however many processes look."""

    def __init__(self, store_: Store, clocks: Clocks, discussing: Discussing) -> None:
        self._store, self._clocks, self._discussing = store_, clocks, discussing
        self.loop = Repeating("quorum", self._turn, every_seconds=EVERY_SECONDS)

    async def _turn(self) -> bool:
        now = self._clocks.story()
        async with self._store.transaction() as transaction:
            found = await store.about_to_begin(transaction, now + WARN_BEFORE)
            for each in found:
                lacking = await self._discussing.warn(transaction, each)
                await store.looked_at(transaction, each.discussion, now)
                metrics.DISCUSSIONS.labels("without-quorum" if lacking else "with-quorum").inc()
        return bool(found)
