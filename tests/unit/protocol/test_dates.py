"""Lengths and dates as the law counts them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.protocol.policy.rule_engine.waits import morning_of
from services.protocol.policy.rule_language.grammar import calendar_length, format_period, length
from services.safeguarding.working_time import birthday


@pytest.mark.parametrize(
    ("written", "day", "before"),
    [
        ("1mo", date(2027, 3, 31), date(2027, 2, 28)),
        ("1mo", date(2028, 3, 31), date(2028, 2, 29)),
        ("12mo", date(2028, 2, 29), date(2027, 2, 28)),
        ("3mo", date(2027, 1, 15), date(2026, 10, 15)),
        ("28d", date(2027, 3, 1), date(2027, 2, 1)),
        ("28d", date(2028, 3, 1), date(2028, 2, 2)),
        ("0d", date(2027, 3, 1), date(2027, 3, 1)),
    ],
)
def test_months_are_of_their_own_length(written: str, day: date, before: date) -> None:
    assert calendar_length(written).before(day) == before


@pytest.mark.parametrize(
    ("born", "adult"), [(date(2009, 6, 5), date(2027, 6, 5)), (date(2008, 2, 29), date(2026, 3, 1))]
)
def test_eighteen_is_attained_on_the_birthday_and_on_1_march_after_29_february(born: date, adult: date) -> None:
    assert birthday(born, 18) == adult


@pytest.mark.parametrize(
    ("day", "moment"),
    [
        (date(2027, 1, 15), datetime(2027, 1, 15, 9, tzinfo=UTC)),
        (date(2027, 7, 15), datetime(2027, 7, 15, 8, tzinfo=UTC)),
        (date(2027, 3, 28), datetime(2027, 3, 28, 8, tzinfo=UTC)),
        (date(2027, 10, 31), datetime(2027, 10, 31, 9, tzinfo=UTC)),
    ],
)
def test_nine_in_the_morning_is_england_s_in_summer_in_winter_and_on_the_days_between(
    day: date, moment: datetime
) -> None:
    assert morning_of(day) == moment


@pytest.mark.parametrize("written", ["", "5", "mo", "-5d", "5 d", "10000d", "5w", "24h", 5, None])
def test_what_is_no_length_of_the_calendar_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="write 28d or 6mo"):
        calendar_length(written)


@pytest.mark.parametrize("written", ["", "5", "m", "1.5h", "-5m", "5 m", "100000m", 5, None, "5w"])
def test_what_is_no_length_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="no length of time"):
        length(written)


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=72), "72 hours"),
        (timedelta(days=28), "28 days"),
        (timedelta(seconds=61), "61 seconds"),
        (timedelta(), "0 seconds"),
    ],
)
def test_a_length_is_spoken_in_its_largest_unit(span: timedelta, said: str) -> None:
    assert format_period(span) == said
