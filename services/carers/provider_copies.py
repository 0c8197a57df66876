"""Deletes at Twilio what it keeps of texts, calls and recordings whose rows here are gone."""

from datetime import timedelta

from services.carers import metrics
from services.platform.delivery.channels.text_ways import Texts
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.process import Repeating
from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import Store

EVERY_SECONDS = 60.0
AT_ONCE = 20
AGAIN_AFTER = timedelta(hours=1)
"""Twilio deletes nothing that is still on its way, and may be away."""
NEXT = """
    UPDATE disposal.provider_copies SET next_try_at = %(again)s, tries = tries + 1 WHERE sid IN (
        SELECT sid FROM disposal.provider_copies WHERE next_try_at <= %(now)s LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ) RETURNING sid
"""
REFUSED = "SELECT count(*) FROM disposal.provider_copies WHERE tries >= %(many)s"
MANY = 24
"""As many hours as its record is kept (`left-at-the-provider`)."""
GONE = "DELETE FROM disposal.provider_copies WHERE sid = ANY(%(gone)s::text[])"


class ProviderCopies:
    """A trigger of the database lists them, whatever deletes the row. Twilio has them all under one account, so carers
    deletes those of other services too.
    """

    def __init__(self, store: Store, clocks: Clocks, texts: Texts) -> None:
        self._store, self._clocks, self._texts = store, clocks, texts

    def repeating(self) -> Repeating:
        return Repeating("copies at the provider", self.turn, every_seconds=EVERY_SECONDS)

    async def turn(self) -> bool:
        """True while there are more."""
        now = self._clocks.wall()
        asked = {"now": now, "again": now + AGAIN_AFTER, "most": AT_ONCE}
        async with self._store.transaction() as uow:
            sids = await uow.fetch(Query(NEXT, asked, lambda rows: [row.sid for row in rows]))
        gone = [sid for sid in sids if await self._texts.delete_copy(sid)]
        async with self._store.transaction() as uow:
            uow.write(GONE, {"gone": gone})
        async with self._store.read() as reader:
            metrics.COPIES_REFUSED.set(await reader.fetch(Query(REFUSED, {"many": MANY}, scalar)))
        return len(sids) == AT_ONCE
