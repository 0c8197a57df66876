"""Gives each destination a lane, with few sends at once and one while it fails: a slow or dead one delays no other."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.platform.delivery.model import MediumName
from services.platform.delivery.queue.leases import LeasedDelivery
from services.platform.delivery.retry_policy import URGENT

FAILING_AFTER = 5
"""Consecutive failures, of any deliveries."""
PACE_MOST = timedelta(seconds=60)
"""A failing destination is tried at least so often: once it answers again, deliveries must not wait long."""
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
        """Takes the delivery that may be sent now out of the queue."""
        if not self.queue or self.sending >= (1 if self.failing else self.at_once):
            return None
        return self.queue.popleft()

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

    def without_room(self) -> list[DestinationLane]:
        return [lane for lane in self._lanes.values() if not lane.has_room]
