"""Has a text that was accepted and has not arrived read out by a call to the same number; if nobody answers, the next person is told.

`receipts` takes the phone company's reports; this is for texts of which it reports nothing.
"""

from datetime import timedelta

from sqlalchemy import func, select, update

from services.platform.delivery import metrics
from services.platform.delivery.channels.sms import LANE
from services.platform.delivery.model import State
from services.platform.delivery.queue.repository import channel_of
from services.platform.delivery.tables import deliveries
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating
from services.platform.store.unit_of_work import Store

AFTER = timedelta(seconds=120)
"""Wall time since the phone network took it."""
NO_LONGER_AFTER = timedelta(minutes=15)
"""By then the protocol has told others; a call out of the blue would only frighten."""
EVERY_SECONDS = 30.0
"""Less than `AFTER`: so each text is known before its time comes."""
AGAIN_SECONDS = 2.0


class VoiceFallback:
    """For one service's texts of urgent duties."""

    def __init__(self, service: str, store: Store, clocks: Clocks) -> None:
        self._service, self._store, self._clocks = service, store, clocks
        self.sweep = Repeating("second route", self.turn, every_seconds=EVERY_SECONDS, again_seconds=AGAIN_SECONDS)

    async def turn(self) -> bool:
        now = self._clocks.wall()
        texts = (
            deliveries.c.service == self._service,
            deliveries.c.lane == LANE,
            deliveries.c.state == State.ACCEPTED,
            deliveries.c.kind.is_not(None),
            deliveries.c.urgent,
            ~deliveries.c.by_voice,
            deliveries.c.withdrawn_at.is_(None),
        )
        silent = (
            update(deliveries)
            .where(*texts, deliveries.c.changed_at.between(now - NO_LONGER_AFTER, now - AFTER))
            .values(state=State.WAITING, by_voice=True, next_attempt_at=now, changed_at=now)
            .returning(deliveries.c.id)
        )
        async with self._store.transaction() as uow:
            found = (await uow.connection.execute(silent)).all()
            still = select(func.min(deliveries.c.changed_at)).where(*texts, deliveries.c.changed_at > now - AFTER)
            accepted_at = await uow.connection.scalar(still)
        if found:
            self._store.channels.tell(channel_of(self._service), "")
        if accepted_at is not None:
            self.sweep.wake_after((accepted_at + AFTER - now).total_seconds())
        metrics.SECOND_ROUTE.labels("silent").inc(len(found))
        return False
