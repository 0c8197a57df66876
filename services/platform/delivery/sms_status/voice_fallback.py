"""Has a text that was accepted and has not arrived read out by a call to the same number. If nobody answers, the next
person is told.

`receipts` takes the phone company's reports; this is for texts of which it reports nothing.
"""

from datetime import timedelta

from services.platform.delivery import metrics
from services.platform.delivery.channels.sms import LANE
from services.platform.delivery.queue.repository import channel_of
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating
from services.platform.store.query import Query, all_rows, scalar
from services.platform.store.unit_of_work import Store

AFTER = timedelta(seconds=120)
"""Wall time since the phone network took it."""
NO_LONGER_AFTER = timedelta(minutes=15)
"""By then the protocol has told others; a call out of the blue would only frighten."""
EVERY_SECONDS = 30.0
"""Less than `AFTER`: so each text is known before its time comes."""
AGAIN_SECONDS = 2.0
TEXTS = f"""service = %(service)s AND lane = '{LANE}' AND state = 'accepted' AND kind IS NOT NULL AND urgent
    AND NOT by_voice AND withdrawn_at IS NULL
"""
SILENT = f"""
    UPDATE delivery.deliveries SET state = 'waiting', by_voice = true, next_attempt_at = %(now)s, changed_at = %(now)s
    WHERE id = ANY(ARRAY(
        SELECT id FROM delivery.deliveries
        WHERE {TEXTS} AND changed_at BETWEEN %(since)s AND %(until)s FOR NO KEY UPDATE SKIP LOCKED
    ))
    RETURNING id
"""  # noqa: S608 this module's own words
"""While one that is locked was waited for, nobody could record what became of the others."""
STILL = f"SELECT min(changed_at) FROM delivery.deliveries WHERE {TEXTS} AND changed_at >= %(since)s"  # noqa: S608 as above
"""The next, or one that was locked."""


class VoiceFallback:
    """For one service's texts of urgent duties."""

    def __init__(self, service: str, store: Store, clocks: Clocks) -> None:
        self._service, self._store, self._clocks = service, store, clocks
        self.sweep = Repeating("second route", self.turn, every_seconds=EVERY_SECONDS, again_seconds=AGAIN_SECONDS)

    async def turn(self) -> None:
        now = self._clocks.wall()
        asked = {"service": self._service, "now": now, "until": now - AFTER, "since": now - NO_LONGER_AFTER}
        async with self._store.transaction() as uow:
            found, accepted_at = await uow.fetch(Query(SILENT, asked, all_rows), Query(STILL, asked, scalar))
        if found:
            self._store.channels.tell(channel_of(self._service), "")
        if accepted_at is not None:
            self.sweep.wake_after(max((accepted_at + AFTER - now).total_seconds(), AGAIN_SECONDS))
        metrics.SECOND_ROUTE.labels("silent").inc(len(found))
