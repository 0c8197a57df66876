"""Has somebody ring a carer who does not say whether a child is missing: we ask once, then a person does."""

from datetime import timedelta

from services.carers import metrics
from services.carers.store import conversations
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.process import Repeating
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.events import TextNeedsHuman
from services.safeguarding.identifiers import derived

AFTER = timedelta(minutes=3)
"""Story time, of silence."""
EVERY_SECONDS = 30.0
"""Less than `AFTER`: so the end of each silence is known before it comes."""


class SilenceTimeout:
    def __init__(self, store: Store, clocks: Clocks) -> None:
        self._store, self._clocks = store, clocks
        self.ending = Repeating("ending silences", self.turn, every_seconds=EVERY_SECONDS)
        clocks.on_move(self.ending.wake)

    async def turn(self) -> bool:
        """Has one rung. True where there may be another."""
        now = self._clocks.story()
        async with self._store.transaction() as uow:
            found = await uow.fetch(conversations.oldest_silent())
            if found is None:
                return False
            if found.asked_at + AFTER >= now:
                self.ending.wake_after((found.asked_at + AFTER - now).total_seconds())
                return False
            content = TextNeedsHuman(
                authority=found.authority, said_by=found.person, channel="text", reason="still-unclear"
            )
            uow.publish(
                content,
                subject=found.subject,
                at=now,
                message_id=str(derived("silent", found.number_hash.hex(), found.asked_at.isoformat())),
            )
            conversations.record_call(uow, found.number_hash, now)
            uow.on_commit(metrics.TO_HUMAN.labels(content.reason).inc)
        return True
