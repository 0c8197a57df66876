"""Fires deadlines at their moments: it knows the next one, and hears of others that come before it looks again."""

from services.clock.handlers import fire_due
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating
from services.platform.store.story_time import deadlines
from services.platform.store.unit_of_work import Store

LOOK_EVERY_SECONDS = 15.0
"""The protocol tells of each deadline that is due before the next look (`deadlines.LOOKED_AHEAD`)."""
AGAIN_SECONDS = 0.2
"""After a look that found some: others may follow, or another clock hold them."""


class DeadlineTimer:
    """Any number of clocks fire each deadline once."""

    def __init__(self, store: Store, clocks: Clocks) -> None:
        self._store, self._clocks = store, clocks
        self.loop = Repeating(
            "due deadlines", self._turn, every_seconds=LOOK_EVERY_SECONDS, again_seconds=AGAIN_SECONDS
        )
        store.channels.on(deadlines.TOLD, lambda _: self.loop.wake())
        clocks.on_move(self.loop.wake)

    async def _turn(self) -> bool:
        async with self._store.read() as reader:
            due_at = await reader.fetch(deadlines.next_due())
        if not self.loop.wake_when_due(due_at, self._clocks.story()):
            return False
        more = await fire_due(self._store, self._clocks)
        self.loop.wake_after(AGAIN_SECONDS)
        return more
