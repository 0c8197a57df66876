"""Ends a practice that a carer began and did not end, so that the exercise does not wake one person after another."""

from datetime import timedelta

from services.carers.policy.consequences import enrolment
from services.carers.store import enrolments
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.process import Repeating
from services.platform.store.unit_of_work import Store
from services.safeguarding.identifiers import derived

AFTER = timedelta(minutes=10)
"""Story time. The first manager would be told later."""
EVERY_SECONDS = 30.0
"""Less than `AFTER`: so the end of each practice is known before it comes."""


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
            if found.begun_at + AFTER >= now:
                self.ending.wake_after((found.begun_at + AFTER - now).total_seconds())
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
