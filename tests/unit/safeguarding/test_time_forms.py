"""A time as people read it: England's, and in the hour that comes twice it says which of the two."""

from datetime import UTC, datetime, timedelta

import pytest

from services.safeguarding.working_time import TimeForm, format_near_time, format_time

FIRST = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
"""Half past one in summer time; an hour later it is half past one again."""


@pytest.mark.parametrize("form", TimeForm)
def test_in_every_form_two_moments_an_hour_apart_read_unlike_on_the_night_of_the_clock_change(form: TimeForm) -> None:
    summer, winter = (format_time(FIRST + timedelta(hours=hours), form) for hours in (0, 1))
    assert summer.removesuffix(" BST") == winter.removesuffix(" GMT") == f"{datetime(2026, 10, 25, 1, 30):{form}}"


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (FIRST - timedelta(minutes=31), "00:59"),
        (FIRST - timedelta(minutes=30), "01:00 BST"),
        (FIRST + timedelta(minutes=30), "01:00 GMT"),
        (FIRST + timedelta(minutes=90), "02:00"),
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "00:59"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "02:00"),
        (datetime(2026, 6, 1, 8, 30, tzinfo=UTC), "09:30"),
    ],
)
def test_the_zone_is_said_in_the_doubled_hour_alone(at: datetime, said: str) -> None:
    assert format_time(at, TimeForm.HOUR) == said


def test_another_day_than_englands_today_is_said() -> None:
    before_midnight = datetime(2026, 6, 1, 22, 59, tzinfo=UTC)
    now = before_midnight + timedelta(minutes=1)
    assert format_near_time(now, now, TimeForm.HOUR, TimeForm.DATED_HOUR) == "00:00"
    assert format_near_time(before_midnight, now, TimeForm.HOUR, TimeForm.DATED_HOUR) == "1 Jun 23:59"
