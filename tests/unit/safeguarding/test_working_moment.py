"""The next moment at which people who work in the day are at work."""

from datetime import UTC, datetime, time, timedelta
from time import tzset

import pytest

from services.safeguarding.working_time import (
    in_working_hours,
    last_working_moment,
    working_day_after,
    working_moment,
)


@pytest.mark.parametrize(
    ("at", "moment"),
    [
        (datetime(2026, 11, 24, 10, tzinfo=UTC), datetime(2026, 11, 24, 10, tzinfo=UTC)),
        (datetime(2026, 11, 24, 16, 59, tzinfo=UTC), datetime(2026, 11, 24, 16, 59, tzinfo=UTC)),
        (datetime(2026, 11, 24, 17, tzinfo=UTC), datetime(2026, 11, 25, 9, tzinfo=UTC)),
        (datetime(2026, 11, 25, 3, tzinfo=UTC), datetime(2026, 11, 25, 9, tzinfo=UTC)),
        (datetime(2026, 11, 28, 9, tzinfo=UTC), datetime(2026, 11, 30, 9, tzinfo=UTC)),
        (datetime(2026, 11, 27, 18, tzinfo=UTC), datetime(2026, 11, 30, 9, tzinfo=UTC)),
        (datetime(2026, 12, 24, 18, tzinfo=UTC), datetime(2026, 12, 29, 9, tzinfo=UTC)),
        (datetime(2026, 7, 24, 8, tzinfo=UTC), datetime(2026, 7, 24, 8, tzinfo=UTC)),
        (datetime(2026, 7, 24, 7, 59, tzinfo=UTC), datetime(2026, 7, 24, 8, tzinfo=UTC)),
        (datetime(2027, 3, 26, 18, tzinfo=UTC), datetime(2027, 3, 30, 8, tzinfo=UTC)),
    ],
    ids=[
        "by day",
        "before five",
        "at five",
        "at night",
        "Saturday",
        "Friday",
        "Christmas",
        "summer",
        "summer morning",
        "Easter and the clocks",
    ],
)
def test_who_works_by_day_is_reached_at_once_or_at_nine_on_the_next_working_day(at: datetime, moment: datetime) -> None:
    assert working_moment(at) == moment


@pytest.mark.parametrize(
    ("at", "moment"),
    [
        (datetime(2026, 11, 24, 16, 59, tzinfo=UTC), datetime(2026, 11, 24, 16, 59, tzinfo=UTC)),
        (datetime(2026, 11, 24, 17, tzinfo=UTC), datetime(2026, 11, 24, 16, tzinfo=UTC)),
        (datetime(2026, 11, 25, 3, tzinfo=UTC), datetime(2026, 11, 24, 16, tzinfo=UTC)),
        (datetime(2026, 11, 28, 18, tzinfo=UTC), datetime(2026, 11, 27, 16, tzinfo=UTC)),
        (datetime(2026, 11, 30, 8, tzinfo=UTC), datetime(2026, 11, 27, 16, tzinfo=UTC)),
        (datetime(2026, 12, 28, 12, tzinfo=UTC), datetime(2026, 12, 24, 16, tzinfo=UTC)),
        (datetime(2027, 3, 29, 12, tzinfo=UTC), datetime(2027, 3, 25, 16, tzinfo=UTC)),
        (datetime(2026, 10, 25, 12, tzinfo=UTC), datetime(2026, 10, 23, 15, tzinfo=UTC)),
    ],
    ids=["before five", "at five", "at night", "Saturday", "Monday morning", "Christmas", "Easter", "clocks back"],
)
def test_who_works_by_day_was_last_at_work_an_hour_before_five(at: datetime, moment: datetime) -> None:
    assert last_working_moment(at) == moment
    assert moment.utcoffset() == timedelta(0)


def test_between_the_last_working_moment_and_any_other_nobody_works_for_longer_than_an_hour() -> None:
    """Each hour and a half of a year: weekends, bank holidays, and both changes of the clock."""
    begins = datetime(2026, 9, 1, 0, 20, tzinfo=UTC)
    for count in range(365 * 16):
        at = begins + count * timedelta(minutes=90)
        moment = last_working_moment(at)
        assert moment <= at
        assert in_working_hours(moment)
        assert moment == at or working_moment(moment + timedelta(hours=1)) > at


@pytest.mark.parametrize(
    ("at", "count", "hour", "moment"),
    [
        (datetime(2026, 11, 24, 18, tzinfo=UTC), 1, time(9), datetime(2026, 11, 25, 9, tzinfo=UTC)),
        (datetime(2026, 11, 27, 18, tzinfo=UTC), 5, time(9), datetime(2026, 12, 4, 9, tzinfo=UTC)),
        (datetime(2026, 12, 23, 18, tzinfo=UTC), 2, time(9), datetime(2026, 12, 29, 9, tzinfo=UTC)),
        (datetime(2026, 7, 24, 8, tzinfo=UTC), 1, time(14, 30), datetime(2026, 7, 27, 13, 30, tzinfo=UTC)),
        (datetime(2026, 7, 23, 23, 30, tzinfo=UTC), 1, time(9), datetime(2026, 7, 27, 8, tzinfo=UTC)),
    ],
    ids=["tomorrow", "a week", "over Christmas", "an hour of summer", "from after midnight in summer"],
)
def test_working_days_are_counted_from_the_day_in_england_to_an_hour_of_england(
    at: datetime, count: int, hour: time, moment: datetime
) -> None:
    reached = working_day_after(at, count, hour)
    assert reached == moment
    assert reached.utcoffset() == timedelta(0), "what is stored and compared is in UTC"


def test_nobody_s_clock_but_england_s_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    tzset()
    try:
        assert working_moment(datetime(2026, 11, 25, 3, tzinfo=UTC)) == datetime(2026, 11, 25, 9, tzinfo=UTC)
        friday = datetime(2026, 11, 27, 18, tzinfo=UTC)  # a Saturday already in Auckland
        assert working_day_after(friday, 1) == datetime(2026, 11, 30, 9, tzinfo=UTC)
        assert working_day_after(datetime(2026, 11, 24, 18, tzinfo=UTC), 1) == datetime(2026, 11, 25, 9, tzinfo=UTC)
        assert working_day_after(datetime(2026, 11, 24, 18, tzinfo=UTC), 1).utcoffset() == timedelta(0)
    finally:
        monkeypatch.undo()
        tzset()
