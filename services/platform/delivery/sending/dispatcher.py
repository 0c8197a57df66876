"""Sends what this process holds, lane by lane, and learns from the answers which lanes fail."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import structlog

from services.platform.delivery.channels.channel import SendResult
from services.platform.delivery.queue.leases import LeasedDelivery
from services.platform.delivery.sending.attempt import Attempt, Begun
from services.platform.delivery.sending.lanes import DestinationLane, Lanes
from services.platform.delivery.sending.results import AttemptOutcome, ResultWriter
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.store.transient_errors import is_transient

TRANSACTIONS_AT_ONCE = 4
"""So that a burst of sends leaves database connections for those who put them."""
WAIT_SECONDS = (0.1, 0.2, 0.5, 1.0)

T = TypeVar("T")


class Dispatcher:
    """In memory only: what it forgets lies in the table. `on_room` is called when the table is worth another look."""

    def __init__(
        self, attempt: Attempt, ending: ResultWriter, clocks: Clocks, lanes: Lanes, on_room: Callable[[], None]
    ) -> None:
        self.lanes = lanes
        self.waits: str | None = None
        """What keeps an outcome from being written, such as the database's absence."""
        self.answering_again: set[str] = set()
        """Lanes whose waiting rows are due at once."""
        self.given_back: set[UUID] = set()
        """Rows to release."""
        self._attempt = attempt
        self._ending = ending
        self._clocks = clocks
        self._on_room = on_room
        self._held: dict[UUID, asyncio.Task[None] | None] = {}
        self._places = asyncio.Semaphore(TRANSACTIONS_AT_ONCE)
        self._stopping = False

    @property
    def held(self) -> list[UUID]:
        return list(self._held)

    def has_room(self, lane: str, *, urgent: bool) -> bool:
        return not self._stopping and self.lanes.of(lane).has_room_for(urgent=urgent)

    def places(self, lane: str) -> int:
        return 0 if self._stopping else self.lanes.of(lane).places

    def take_up(self, hand: LeasedDelivery, begun: Begun | None = None) -> None:
        """What was begun where no place is left now is begun again when its turn comes, as after a crash."""
        if hand.delivery.id in self._held or self._stopping:
            return
        lane = self.lanes.of(hand.delivery.lane)
        if begun is not None and lane.places:
            self._begin_sending(lane, hand, begun)
            return
        self._held[hand.delivery.id] = None
        lane.wait(hand)
        self._send_what_may(lane)

    async def stop(self, grace_seconds: float) -> None:
        """Ends what is being sent where that is soon over; the rest is left to its lease."""
        self._stopping = True
        sending = [task for task in self._held.values() if task is not None]
        if sending:
            _, left = await asyncio.wait(sending, timeout=grace_seconds)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        await self._ending.close()

    def _send_what_may(self, lane: DestinationLane) -> None:
        while not self._stopping and (hand := lane.next()) is not None:
            self._begin_sending(lane, hand)

    def _begin_sending(self, lane: DestinationLane, hand: LeasedDelivery, begun: Begun | None = None) -> None:
        lane.sending += 1
        self._held[hand.delivery.id] = asyncio.create_task(self._send(lane, hand, begun))

    async def _send(self, lane: DestinationLane, hand: LeasedDelivery, begun: Begun | None) -> None:
        answer: SendResult | None = None
        # Whatever message this task was begun by, what it logs is about this parcel.
        structlog.contextvars.bind_contextvars(
            trace=hand.delivery.trace, delivery=str(hand.delivery.id), kind=None, message_id=None
        )
        try:
            begins = begun or await self._until_done(lambda: self._begin(hand))
            if begins is not None:
                answer, took_ms = await self._attempt.send(hand, begins)
                answered = AttemptOutcome(hand, begins, answer, took_ms)
                await self._until_done(lambda: self._ending.end(answered))
        except Exception as error:  # noqa: BLE001 the others go on
            await self._went_wrong(hand, error)
        finally:
            lane.sending -= 1
            self._held.pop(hand.delivery.id, None)
            self._learn(lane, answer)

    async def _went_wrong(self, hand: LeasedDelivery, error: Exception) -> None:
        """Given up in the end like what cannot be prepared. Where not even that can be written, or the process stops first, its
        lease runs out and it is tried again.
        """
        try:
            if not (self._stopping and is_transient(error)):
                await self._until_done(lambda: self._attempt.defect(hand, error))
        except Exception as worse:  # noqa: BLE001 the others go on
            logger().error("what an attempt has come to could not be written", exc_info=worse)

    async def _begin(self, hand: LeasedDelivery) -> Begun | None:
        async with self._places:
            return await self._attempt.begin(hand)

    def _learn(self, lane: DestinationLane, answer: SendResult | None) -> None:
        if answer is not None and answer.lane_fails:
            if lane.failed(self._clocks.wall()):
                logger().warning("a destination fails and is tried one at a time", count=lane.failures)
                self._give_back(lane)
        elif answer is not None and lane.answered():
            logger().info("a destination answers again")
            self.answering_again.add(lane.name)
            self._on_room()
        self._send_what_may(lane)
        if lane.failing or (lane.turned_away and not lane.queue):
            lane.turned_away = False
            self._on_room()
        self.lanes.forget_idle(lane)

    def _give_back(self, lane: DestinationLane) -> None:
        for hand in lane.queue:
            self._held.pop(hand.delivery.id, None)
            self.given_back.add(hand.delivery.id)
        lane.queue.clear()

    async def _until_done(self, act: Callable[[], Awaitable[T]]) -> T:
        """Waits out what passes by itself: an answer must not be lost because the database is away for a moment."""
        failures = 0
        while True:
            try:
                done = await act()
            except Exception as error:
                if not is_transient(error) or self._stopping:
                    raise
                self.waits = type(error).__name__
            else:
                self.waits = None
                return done
            await asyncio.sleep(WAIT_SECONDS[min(failures, len(WAIT_SECONDS) - 1)])
            failures += 1
