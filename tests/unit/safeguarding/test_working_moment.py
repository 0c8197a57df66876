"""The next moment at which people who work in the day are at work."""

from datetime import UTC, datetime

import pytest

from services.safeguarding.working_time import working_moment


@pytest.mark.parametrize(
    ("at", "moment"),
    [
        (datetime(2026, 11, 24, 10, tzinfo=UTC), datetime(2026, 11, 24, 10, tzinfo=UTC)),
        (datetime(2026, 11, 24, 16, 59, tzinfo=UTC), datetime(2026, 11, 24, 16, 59, tzinfo=UTC)),
        (datetime(2026, 11, 24, 17, tzinfo=UTC), datetime(2026, 11, 25, 9, tzinfo=UTC)),
        (datetime(2026, 11, 25, 3, tzinfo=UTC), datetime(2026, 11, 25, 9, tzinfo=UTC)),
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
        "Friday",
        "Christmas",
        "summer",
        "summer morning",
        "Easter and the clocks",
    ],
)
def test_who_works_by_day_is_reached_at_once_or_at_nine_on_the_next_working_day(at: datetime, moment: datetime) -> None:
    assert working_moment(at) == moment
