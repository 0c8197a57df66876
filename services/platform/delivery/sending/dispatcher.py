"""Sends the deliveries that this process holds, lane by lane, and learns from the results which lanes fail.

Each destination has a lane, with few sends at once and one while it fails: a slow or dead one delays no other.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

import structlog
from cachetools import TTLCache

from services.platform.delivery.channels.channel import ChannelRegistry, SendResult
from services.platform.delivery.model import MediumName
from services.platform.delivery.queue.leases import LeasedDelivery
from services.platform.delivery.retry_policy import URGENT
from services.platform.delivery.sending.attempt import AttemptStarter
from services.platform.delivery.sending.results import AttemptOutcome, ResultWriter
from services.platform.runtime import spans
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.store.engine import is_transient
from services.safeguarding.duty.decisions import AttemptResult

FAILING_AFTER = 5
"""Consecutive failures, of any deliveries."""
PACE_MOST = timedelta(seconds=60)
"""A failing destination is tried at least so often: once it answers again, deliveries must not wait long."""
KEPT_FOR_URGENT = 4
"""One place of so many is kept for urgent deliveries, of a lane that sends several at once: others may take long."""
QUEUE_MOST = 16
"""Leased deliveries that wait for their turn. The others stay in the table, where another process may claim them."""


@dataclass
class DestinationLane:
    """A failing lane is never switched off: new deliveries go at once, one at a time; those that have failed go at the
    schedule's pace, in turns, since one that breaks its destination must not keep the others from it.
    """

    name: str
    at_once: int
    sending: int = 0
    routine: int = 0
    """How many of those that are being sent are not urgent."""
    failures: int = 0
    tries: int = 0
    """While failing: tries of deliveries that had failed before. They alone set the pace, not failures of new ones."""
    medium: MediumName | None = None
    """By which it was tried last: a force's mails go by our own relay, which may fail where the force does not."""
    next_try_at: datetime | None = None
    turned_away: bool = False
    """Rows of this lane lie in the table that nobody here has taken up."""
    queue: deque[LeasedDelivery] = field(default_factory=deque)

    @property
    def failing(self) -> bool:
        return self.failures >= FAILING_AFTER

    @property
    def has_room(self) -> bool:
        return self.has_room_for(urgent=False)

    def has_room_for(self, *, urgent: bool) -> bool:
        """Deliveries that are not urgent take no room from those that are."""
        queued = sum(each.delivery.urgent for each in self.queue) if urgent else len(self.queue)
        return not self.failing and self.sending + queued < self.at_once + QUEUE_MOST

    @property
    def idle(self) -> bool:
        return self.sending == 0 and not self.queue and self.failures == 0

    def wait(self, leased: LeasedDelivery) -> None:
        """Queues it behind those that are as urgent."""
        behind = sum(each.delivery.urgent for each in self.queue) if leased.delivery.urgent else len(self.queue)
        self.queue.insert(behind, leased)

    def next(self) -> LeasedDelivery | None:
        """Takes the delivery that may be sent now out of the queue, and its place."""
        if not self.queue or self.sending >= (1 if self.failing else self.at_once):
            return None
        urgent = self.queue[0].delivery.urgent
        if not urgent and self.routine >= self.at_once - self.at_once // KEPT_FOR_URGENT:
            return None
        self.sending += 1
        self.routine += not urgent
        return self.queue.popleft()

    def free(self, leased: LeasedDelivery) -> None:
        """Gives back the place of one that `next` gave."""
        self.sending -= 1
        self.routine -= not leased.delivery.urgent

    def may_try_again(self, now: datetime) -> bool:
        """Whether a failing lane may try a delivery that has failed before."""
        return self.next_try_at is None or self.next_try_at <= now

    def failed(self, now: datetime) -> bool:
        """True when this failure is the one that makes the lane a failing one."""
        was_failing = self.failing
        self.failures += 1
        if self.failing and self.may_try_again(now):
            self.tries += 1
            self.next_try_at = now + URGENT.pace(self.tries, PACE_MOST)
        return self.failing and not was_failing

    def answered(self) -> bool:
        """True when the lane was a failing one until now."""
        was_failing = self.failing
        self.failures = 0
        self.tries = 0
        self.next_try_at = None
        return was_failing


class Lanes:
    """The lanes that hold anything, or that fail. `at_once` is how many sends one destination gets at the same time."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._lanes: dict[str, DestinationLane] = {}

    def of(self, name: str) -> DestinationLane:
        return self._lanes.setdefault(name, DestinationLane(name, self._at_once))

    def forget_idle(self, lane: DestinationLane) -> None:
        if lane.idle:
            self._lanes.pop(lane.name, None)

    def failing(self) -> list[DestinationLane]:
        return [lane for lane in self._lanes.values() if lane.failing]

    def without_room(self, *, urgent: bool = False) -> list[DestinationLane]:
        return [lane for lane in self._lanes.values() if not lane.has_room_for(urgent=urgent)]


WAIT_SECONDS = (0.1, 0.2, 0.5, 1.0)
TAKEN_KEPT_MOST, TAKEN_KEPT_SECONDS = 1000, 60.0
"""The provider's reports of a text that it has taken follow within seconds. A later one is looked up."""

T = TypeVar("T")


class Dispatcher:
    """Keeps everything in memory: whatever it forgets is in the table. Calls `on_room` when the table is worth another
    look, and `on_retry` when a delivery may have to be tried again.
    """

    def __init__(
        self,
        starter: AttemptStarter,
        channels: ChannelRegistry,
        results: ResultWriter,
        clocks: Clocks,
        lanes: Lanes,
        on_room: Callable[[], None],
        on_retry: Callable[[], None],
    ) -> None:
        self.lanes = lanes
        self.obstacle: str | None = None
        """Keeps an attempt from beginning, or its result from being written, such as the database's absence."""
        self.answering_again: set[str] = set()
        """Lanes whose waiting rows are due at once."""
        self.given_back: set[UUID] = set()
        """Rows to release."""
        self._starter, self._channels, self._results = starter, channels, results
        self._clocks = clocks
        self._on_room, self._on_retry = on_room, on_retry
        self._held: dict[UUID, asyncio.Task[None] | None] = {}
        self._sending = set[UUID]()
        """Whose row is in state `sending`, by this process."""
        self._taken: TTLCache[str, bool] = TTLCache(TAKEN_KEPT_MOST, TAKEN_KEPT_SECONDS)
        """The provider's ids of what it has taken lately."""
        self._under_way = 0
        """Deliveries that have their place in a lane, and no result yet."""
        self._stopping = False

    @property
    def held(self) -> list[UUID]:
        return list(self._held)

    def has_room(self, lane: str, *, urgent: bool) -> bool:
        return not self._stopping and self.lanes.of(lane).has_room_for(urgent=urgent)

    def knows_as_taken(self, delivery: UUID, provider_id: str) -> bool:
        """Whether it is no news here that the provider has taken this attempt."""
        return delivery in self._sending or provider_id in self._taken

    def take_up(self, leased: LeasedDelivery) -> None:
        if leased.delivery.id in self._held or self._stopping:
            return
        self._held[leased.delivery.id] = None
        lane = self.lanes.of(leased.delivery.lane)
        lane.wait(leased)
        self._fill(lane)

    async def stop(self, grace_seconds: float) -> None:
        """Finishes the sends that are soon over; leaves the others to their leases."""
        self._stopping = True
        sending = [task for task in self._held.values() if task is not None]
        if sending:
            _, left = await asyncio.wait(sending, timeout=grace_seconds)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        await self._starter.close()
        await self._results.close()

    def _fill(self, lane: DestinationLane) -> None:
        while not self._stopping and (leased := lane.next()) is not None:
            self._held[leased.delivery.id] = asyncio.create_task(self._send(lane, leased))
        if lane.queue:
            self._results.hurry()

    async def _send(self, lane: DestinationLane, leased: LeasedDelivery) -> None:
        result: SendResult | None = None
        delivery = leased.delivery
        # The task inherits the context of the message that woke it: its log lines are about this delivery instead.
        structlog.contextvars.bind_contextvars(
            trace=delivery.trace, delivery=str(delivery.id), kind=None, message_id=None
        )
        try:
            outcome = await self._attempt(leased)
            if outcome is not None:
                result, alone = outcome.result, not self._under_way or bool(lane.queue)
                recipient = outcome.attempt.request.recipient
                lane.medium = result.medium or self._channels.of(delivery.medium, recipient).name
                await self._until_done(lambda: self._results.write(outcome, alone=alone))
                if result.provider_id is not None:
                    self._taken[result.provider_id] = True
            elif not self._under_way:
                self._results.hurry()
        except Exception as error:  # noqa: BLE001 the others go on
            await self._record_defect(leased, error)
        finally:
            lane.free(leased)
            self._held.pop(delivery.id, None)
            self._sending.discard(delivery.id)
            self._learn(lane, result)

    async def _attempt(self, leased: LeasedDelivery) -> AttemptOutcome | None:
        self._under_way += 1
        try:
            attempt = await self._until_done(lambda: self._starter.start(leased))
            if attempt is None:
                return None
            self._sending.add(leased.delivery.id)
            medium = leased.delivery.medium
            with spans.measure(f"send {medium}", leased.delivery.trace, "CLIENT"):
                result, took_ms = await self._channels.send(medium, attempt.request)
            return AttemptOutcome(leased, attempt, result, took_ms, self._clocks.wall())
        finally:
            self._under_way -= 1

    async def _record_defect(self, leased: LeasedDelivery, error: Exception) -> None:
        """If even this cannot be written, or the process stops first, the lease ends and it is tried again."""
        try:
            if not (self._stopping and is_transient(error)):
                await self._until_done(lambda: self._starter.record_defect(leased, error))
        except Exception as worse:  # noqa: BLE001 the others go on
            logger().error("the outcome of an attempt could not be written", exc_info=worse)

    def _learn(self, lane: DestinationLane, result: SendResult | None) -> None:
        if result is not None and result.lane_fails:
            if lane.failed(self._clocks.wall()):
                logger().warning("a destination fails and is tried one at a time", count=lane.failures)
                self._give_back(lane)
        elif result is not None and lane.answered():
            logger().info("a destination answers again")
            self.answering_again.add(lane.name)
            self._on_room()
        self._fill(lane)
        if result is None or result.result is not AttemptResult.ACCEPTED:
            self._on_retry()
        if (lane.failing and result is not None) or (lane.turned_away and not lane.queue):
            lane.turned_away = False
            self._on_room()
        self.lanes.forget_idle(lane)

    def _give_back(self, lane: DestinationLane) -> None:
        for leased in lane.queue:
            self._held.pop(leased.delivery.id, None)
            self.given_back.add(leased.delivery.id)
        lane.queue.clear()

    async def _until_done(self, act: Callable[[], Awaitable[T]]) -> T:
        """Repeats `act` while it fails transiently: no result may be lost because the database is away for a moment."""
        failures = 0
        while True:
            try:
                done = await act()
            except Exception as error:
                if not is_transient(error) or self._stopping:
                    raise
                self.obstacle = type(error).__name__
            else:
                self.obstacle = None
                return done
            await asyncio.sleep(WAIT_SECONDS[min(failures, len(WAIT_SECONDS) - 1)])
            failures += 1
