"""Sees to what a carer leaves open: has a person ring about a question without an answer, and ends a practice, so that
it does not wake one person after another.
"""

from datetime import timedelta

from services.carers import metrics
from services.carers.policy.consequences import enrolment
from services.carers.store import conversations, enrolments
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.process import Repeating
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.events import TextNeedsHuman
from services.safeguarding.identifiers import derived

RUNG_AFTER = timedelta(minutes=3)
PRACTICE_LASTS = timedelta(minutes=10)
"""Both in story time. The first manager would be told of a practice later."""
EVERY_SECONDS = 30.0
"""Less than both: so each end is known before it comes."""


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
            if found.asked_at + RUNG_AFTER >= now:
                self.ending.wake_after((found.asked_at + RUNG_AFTER - now).total_seconds())
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


class PracticeTimeout:
    def __init__(self, store: Store, clocks: Clocks) -> None:
        self._store, self._clocks = store, clocks
        self.ending = Repeating("ending practices", self.turn, every_seconds=EVERY_SECONDS)
        clocks.on_move(self.ending.wake)

    async def turn(self) -> bool:
        """Ends one. True where there may be another."""
        now = self._clocks.story()
        async with self._store.transaction() as uow:
            found = await uow.fetch(enrolments.oldest_practice())
            if found is None:
                return False
            if found.begun_at + PRACTICE_LASTS >= now:
                self.ending.wake_after((found.begun_at + PRACTICE_LASTS - now).total_seconds())
                return False
            uow.publish(
                enrolment.end_practice(found.authority, found.person),
                subject=found.child,
                at=now,
                message_id=str(derived("practice over", found.person, found.begun_at.isoformat())),
                exercise=True,
            )
            enrolments.end_practice(uow, found.person, None)
        return True
