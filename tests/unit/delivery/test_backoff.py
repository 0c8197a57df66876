"""When a failed attempt is repeated."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.platform.delivery.retry_policy import JITTER, NORMAL, RETRY_AFTER_MOST, URGENT, Schedule

MIDDLE = 0.5
"""No jitter."""


def seconds(schedule: Schedule, age: float) -> float | None:
    delay = schedule.delay(timedelta(seconds=age), chance=MIDDLE)
    return None if delay is None else delay.total_seconds()


def test_how_long_each_schedule_waits_and_when_it_gives_up() -> None:
    minutes = [2, 5, 10, 30]
    hours = [1, 2, 5, 10, 14, 20, 24]
    assert list(URGENT.delays) == [
        0,
        2,
        5,
        10,
        20,
        30,
        60,
        *(60 * each for each in minutes),
        *(3600 * each for each in hours),
    ]
    assert list(NORMAL.delays) == [0, 5, 300, 1800, *(3600 * each for each in hours[1:])]


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (0, 2),
        (1.9, 2),
        (2, 5),
        (6.9, 5),
        (7, 10),
        (17, 20),
        (37, 30),
        (67, 60),
        (127, 120),
        (247, 300),
        (547, 600),
        (1147, 1800),
    ],
)
def test_an_urgent_parcel_is_repeated_at_the_front_loaded_times(age: float, expected: float) -> None:
    assert seconds(URGENT, age) == expected


def test_seven_attempts_are_made_in_the_first_two_minutes() -> None:
    times, age = [0.0], 0.0
    while age < 130:
        age += seconds(URGENT, age) or 0
        times.append(age)
    assert times == [0, 2, 7, 17, 37, 67, 127, 247]


@pytest.mark.parametrize("schedule", [URGENT, NORMAL])
def test_after_three_days_no_further_attempt_is_made(schedule: Schedule) -> None:
    last = timedelta(seconds=sum(schedule.delays))
    assert timedelta(days=3) < last < timedelta(days=4)
    assert schedule.delay(last - timedelta(seconds=1), chance=MIDDLE) is not None
    assert schedule.delay(last, chance=MIDDLE) is None


@given(age=st.floats(0, 200_000), chance=st.floats(0, 1, exclude_max=True))
def test_jitter_stays_within_a_fifth_and_a_delay_is_never_nought(age: float, chance: float) -> None:
    plain = URGENT.delay(timedelta(seconds=age), chance=MIDDLE)
    spread = URGENT.delay(timedelta(seconds=age), chance=chance)
    assert plain is not None
    assert spread is not None
    assert abs(spread - plain) <= plain * JITTER + timedelta(microseconds=1)
    assert spread > timedelta()


def test_retry_after_is_waited_for_but_not_for_longer_than_five_minutes() -> None:
    asked = URGENT.delay(timedelta(), chance=MIDDLE, retry_after=timedelta(seconds=40))
    too_long = URGENT.delay(timedelta(), chance=MIDDLE, retry_after=timedelta(hours=5))
    too_short = URGENT.delay(timedelta(seconds=70), chance=MIDDLE, retry_after=timedelta(seconds=1))
    assert asked == timedelta(seconds=40)
    assert too_long == RETRY_AFTER_MOST
    assert too_short == timedelta(seconds=60)


def test_a_failing_lane_is_tried_at_least_once_a_minute() -> None:
    most = timedelta(seconds=60)
    assert URGENT.pace(1, most) == timedelta(seconds=2)
    assert URGENT.pace(500, most) == most
