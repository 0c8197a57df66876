"""A lane a destination: pure bookkeeping of who may send now."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from services.platform.delivery.model import Delivery
from services.platform.delivery.queue.leases import LeasedDelivery
from services.platform.delivery.sending.dispatcher import (
    FAILING_AFTER,
    PACE_MOST,
    QUEUE_MOST,
    DestinationLane,
    Dispatcher,
    Lanes,
)
from services.platform.runtime.clocks import Clocks
from services.safeguarding.identifiers import derived, new_id

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def hand(name: str = "one", *, urgent: bool = True) -> LeasedDelivery:
    return LeasedDelivery(
        Delivery(id=derived(name), lane="force-a", child=new_id("child"), created_at=NOW, urgent=urgent)
    )


@pytest.fixture
def lane() -> DestinationLane:
    return DestinationLane("force-a", at_once=4)


def fail(lane: DestinationLane, times: int) -> None:
    for _ in range(times):
        lane.failed(NOW)


def test_a_lane_sends_no_more_at_once_than_it_may(lane: DestinationLane) -> None:
    lane.queue.extend(hand(str(n)) for n in range(6))
    lane.sending = 3
    assert lane.next() is not None
    lane.sending = 4
    assert lane.next() is None


def test_a_lane_has_room_until_its_queue_is_full(lane: DestinationLane) -> None:
    lane.queue.extend(hand(str(n)) for n in range(4 + QUEUE_MOST - 1))
    assert lane.has_room
    lane.queue.append(hand("last"))
    assert not lane.has_room


def test_what_is_urgent_goes_before_what_is_not_and_behind_what_is_as_urgent(lane: DestinationLane) -> None:
    waiting = [hand("a", urgent=False), hand("b"), hand("c", urgent=False), hand("d")]
    for each in waiting:
        lane.wait(each)
    a, b, c, d = waiting
    assert [lane.next() for _ in waiting] == [b, d, a, c]


def test_what_is_not_urgent_takes_no_room_from_what_is(lane: DestinationLane) -> None:
    for each in range(4 + QUEUE_MOST):
        lane.wait(hand(str(each), urgent=False))
    assert not lane.has_room_for(urgent=False)
    for each in range(4 + QUEUE_MOST):
        assert lane.has_room_for(urgent=True)
        lane.wait(hand(f"urgent {each}"))
    assert not lane.has_room_for(urgent=True)


def test_a_lane_fails_after_consecutive_failures_alone(lane: DestinationLane) -> None:
    fail(lane, FAILING_AFTER - 1)
    lane.answered()
    fail(lane, FAILING_AFTER - 1)
    assert not lane.failing
    assert lane.failed(NOW) is True
    assert lane.failing
    assert lane.failed(NOW) is False


def test_a_failing_lane_sends_one_at_a_time(lane: DestinationLane) -> None:
    fail(lane, FAILING_AFTER)
    lane.queue.append(hand())
    lane.sending = 1
    assert lane.next() is None
    lane.sending = 0
    assert lane.next() is not None


@pytest.mark.parametrize("failures", [FAILING_AFTER, FAILING_AFTER + 3, FAILING_AFTER + 1000])
def test_a_failing_lane_is_tried_again_within_a_minute_and_never_switched_off(
    lane: DestinationLane, failures: int
) -> None:
    fail(lane, failures)
    assert not lane.may_try_again(NOW)
    assert lane.may_try_again(NOW + PACE_MOST)


def test_a_lane_that_answers_is_a_good_one_again(lane: DestinationLane) -> None:
    fail(lane, FAILING_AFTER)
    assert lane.answered() is True
    assert lane.answered() is False
    assert lane.has_room


def test_lanes_that_hold_nothing_are_forgotten_and_failing_ones_are_kept() -> None:
    lanes = Lanes(at_once=4)
    lanes.forget_idle(lanes.of("force-a"))
    failing = lanes.of("force-b")
    fail(failing, FAILING_AFTER)
    lanes.forget_idle(failing)
    assert lanes.failing() == [failing]
    assert lanes.without_room() == [failing]
    assert failing.next_try_at is not None
    assert failing.next_try_at > NOW - timedelta(seconds=1)


def test_a_failing_lane_that_had_nothing_to_send_is_looked_at_in_a_moment_and_not_at_once(
    lane: DestinationLane,
) -> None:
    """What was put off until its key is there would be claimed again and again."""
    fail(lane, FAILING_AFTER)
    asked = list[str]()
    nothing: Any = None
    again: Any = [partial(asked.append, each) for each in ("at once", "in a moment")]
    Dispatcher(nothing, nothing, nothing, Clocks(), Lanes(4), *again)._learn(lane, None)
    assert asked == ["in a moment"]
