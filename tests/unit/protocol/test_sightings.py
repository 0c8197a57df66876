"""When a child was last seen, as several reports tell it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.protocol.policy.case import newest_sighting
from tests.unit.protocol.test_decide import MISSING, START, Child, child, police_duty

__all__ = ["child"]

NINE = datetime(2026, 11, 24, 21, tzinfo=UTC)
EIGHT, TEN = NINE - timedelta(hours=1), NINE + timedelta(hours=1)


@pytest.mark.parametrize(
    ("known", "told", "holds"),
    [
        (None, None, None),
        (None, EIGHT, EIGHT),
        (EIGHT, None, EIGHT),
        (EIGHT, NINE, NINE),
        (NINE, EIGHT, NINE),
        (EIGHT, TEN, EIGHT),
        (None, TEN, None),
    ],
)
def test_the_newest_sighting_that_is_not_in_the_future_holds(known: Any, told: Any, holds: Any) -> None:
    assert newest_sighting(known, told, until=NINE) == holds


def seen_as_police_are_told(child: Child, hours: list[float | None]) -> list[datetime | None]:
    """Of one report after another, each saying how many hours before the first the child was seen."""
    told = []
    for count, ago in enumerate(hours):
        seen = None if ago is None else START - timedelta(hours=ago)
        report = MISSING.model_copy(update={"last_seen_at": seen})
        told.append(police_duty(child.hears(report, timedelta(minutes=count))).last_seen_at)
    return told


def test_a_later_report_of_an_earlier_hour_takes_no_sighting_back(child: Child) -> None:
    assert seen_as_police_are_told(child, [2, 3]) == [START - timedelta(hours=2)] * 2


def test_a_later_report_that_says_no_hour_takes_no_sighting_back(child: Child) -> None:
    assert seen_as_police_are_told(child, [2, None]) == [START - timedelta(hours=2)] * 2


def test_a_newer_sighting_is_told(child: Child) -> None:
    assert seen_as_police_are_told(child, [2, 1]) == [START - timedelta(hours=2), START - timedelta(hours=1)]


def test_no_sighting_in_the_future_is_told(child: Child) -> None:
    assert seen_as_police_are_told(child, [-24, 1, -24 * 365]) == [None, *[START - timedelta(hours=1)] * 2]
