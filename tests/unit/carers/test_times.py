"""When a child was last seen: only what the text says beyond doubt."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.carers.understanding.times import find_last_seen

NIGHT = datetime(2026, 11, 25, 2, 10, tzinfo=UTC)
SUMMER = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
"""Half past eleven in London."""
EVENING = datetime(2026, 11, 24, 22, 40, tzinfo=UTC)
PIECES = (
    "last seen", "left", "noticed gone", "found bed empty", "due back", "signed out till", "curfew", "at", "9", "2130", "half", "nine",
    "thirty", "quarter to", "9.30", "pm", "ago", "2 hours", "yesterday", "last night", "this morning", "and", ",", "24", "midnight", "an hour",
)  # fmt: skip


def on_the_day(hour: int, minute: int = 0) -> datetime:
    return EVENING.replace(hour=hour, minute=minute)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("C17 missing, last seen half ten last night", datetime(2026, 11, 24, 22, 30, tzinfo=UTC)),
        ("he left at 10pm", datetime(2026, 11, 24, 22, 0, tzinfo=UTC)),
        ("missing since 21:45", datetime(2026, 11, 24, 21, 45, tzinfo=UTC)),
        ("she's gone, last saw her at quarter to nine", datetime(2026, 11, 24, 20, 45, tzinfo=UTC)),
        ("ran off two hours ago", datetime(2026, 11, 25, 0, 10, tzinfo=UTC)),
        ("went out half an hour ago", datetime(2026, 11, 25, 1, 40, tzinfo=UTC)),
        ("not seen since 1", datetime(2026, 11, 25, 1, 0, tzinfo=UTC)),
        ("ran off 20 minutes ago", datetime(2026, 11, 25, 1, 50, tzinfo=UTC)),
        ("left an hour ago", datetime(2026, 11, 25, 1, 10, tzinfo=UTC)),
        ("gone a couple of hours ago", datetime(2026, 11, 25, 0, 10, tzinfo=UTC)),
        ("last seen 24 hours ago", datetime(2026, 11, 24, 2, 10, tzinfo=UTC)),
        ("he left at 8am", datetime(2026, 11, 24, 8, 0, tzinfo=UTC)),
        ("last seen at 8 in the morning", datetime(2026, 11, 24, 8, 0, tzinfo=UTC)),
        ("went out at twenty past nine", datetime(2026, 11, 24, 21, 20, tzinfo=UTC)),
        ("went out at quarter to eight this evening", datetime(2026, 11, 24, 19, 45, tzinfo=UTC)),
        ("left at 3pm", datetime(2026, 11, 24, 15, 0, tzinfo=UTC)),
        ("left at 3", datetime(2026, 11, 24, 15, 0, tzinfo=UTC)),
    ],
)
def test_a_time_at_which_the_child_was_last_seen_is_understood(text: str, seen: datetime) -> None:
    assert find_last_seen(text, NIGHT) == seen


def test_summer_time_is_londons() -> None:
    assert find_last_seen("last seen at 9pm", SUMMER) == datetime(2026, 7, 1, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "text", "seen"),
    [
        (datetime(2026, 10, 25, 3, tzinfo=UTC), "left at 11pm", datetime(2026, 10, 24, 22, tzinfo=UTC)),
        (datetime(2027, 3, 28, 3, tzinfo=UTC), "left at 11pm", datetime(2027, 3, 27, 23, tzinfo=UTC)),
        (datetime(2026, 10, 25, 3, tzinfo=UTC), "ran off 2 hours ago", datetime(2026, 10, 25, 1, tzinfo=UTC)),
        (datetime(2026, 10, 25, 0, 40, tzinfo=UTC), "left at 1.30am", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (datetime(2026, 10, 25, 1, 40, tzinfo=UTC), "left at 1.30am", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ],
)
def test_the_night_on_which_the_clocks_change(now: datetime, text: str, seen: datetime) -> None:
    assert find_last_seen(text, now) == seen


@pytest.mark.parametrize(
    "text",
    [
        "MISSING",
        "he was due back at 10 and is missing",
        "missing, should have been home by half nine",
        "C17 missing",
        "left at 8 or went at 9",
        "gone with 2 boys",
        "missing 15 years old",
        "last seen 3 days ago",
        "last seen 30 hours ago",
        "went out ten nine",
        "last seen 25:10",
        "went to bus stop 10",
        "half the night gone",
    ],
)
def test_where_it_is_not_sure_nothing_is_said(text: str) -> None:
    assert find_last_seen(text, NIGHT) is None


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [
        ("MISSING C17 last seen 2130", 21, 30),
        ("last seen at 2130hrs wearing black hoodie", 21, 30),
        ("he left at half nine", 21, 30),
        ("she went out at twenty to ten", 21, 40),
        ("last seen at about twenty five past nine", 21, 25),
        ("last seen nine thirty", 21, 30),
        ("last seen at nine oh five", 21, 5),
        ("last seen 9 ish", 21, 0),
        ("left about 9ish tonight", 21, 0),
        ("left nineish", 21, 0),
        ("he went at ten past 8 pm", 20, 10),
        ("she left at quarter past eight p.m.", 20, 15),
        ("last seen 9.30", 21, 30),
        ("last seen at 930", 21, 30),
        ("last seen at 930pm", 21, 30),
        ("walked out 9 30 pm", 21, 30),
        ("was in her room at ten o'clock", 22, 0),
        ("he was here till 9", 21, 0),
        ("missing since 9", 21, 0),
        ("gone since half 8", 20, 30),
        ("last seen: 9pm", 21, 0),
        ("last seen by the shops, 9pm", 21, 0),
        ("ten thirty last night she left", 22, 30),
        ("forty five minutes ago he ran off", 21, 55),
        ("left an hour and a half ago", 21, 10),
        ("been gone 2 hours", 20, 40),
        ("last seen at midnight", 0, 0),
        ("got on the 42 bus at 8.15", 20, 15),
        ("went out with 2 boys at 8", 20, 0),
    ],
)
def test_times_as_they_are_typed_and_dictated(text: str, hour: int, minute: int) -> None:
    assert find_last_seen(text, EVENING) == on_the_day(hour, minute)


@pytest.mark.parametrize(
    "text",
    [
        "noticed at 7 pm that hes gone",
        "noticed he was gone at 7",
        "found bed empty at 6am",
        "at 9pm found the window open",
        "I went up at 9 and she was gone",
        "wasn't in her room at 9",
        "saw the bed was empty at 9",
        "due back at 9",
        "was due back 2100 and hes missing",
        "signed out till 8",
        "out until 9",
        "curfew 10",
        "10pm curfew and no sign",
        "should have been home by half nine",
        "said she would be back by 9",
        "missing, due in at 11",
        "curfew is 10 and its half 10 now",
    ],
)
def test_the_hour_at_which_somebody_noticed_or_the_child_was_due_is_not_when_it_was_seen(text: str) -> None:
    assert find_last_seen(text, EVENING) is None


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("found bed empty at 10pm, last seen at 9pm", 21),
        ("Found bed empty at 6 this morning, last seen 8 tonight", 20),
        ("signed out at 6 till 9", 18),
        ("left at 6 due home at 8", 18),
        ("Left 9ish. due in 10. noticed 1015pm", 21),
    ],
)
def test_of_several_times_that_of_the_last_sight_counts(text: str, hour: int) -> None:
    assert find_last_seen(text, EVENING) == on_the_day(hour)


@pytest.mark.parametrize(
    "text",
    [
        "gone at 9",
        "missing 2130",
        "MISSING CHILD REPORT C17 23:15",
        "he noticed she left at 9",
        "I went to bed at 10",
        "rang me at 9",
        "last seen online at 9",
        "left at 9pm or 10pm",
        "seen at 8 then again at 9",
        "left before 9",
        "usually home by 9",
        "left at 999",
        "left at 21:99",
        "last seen 9 station road",
        "went for the 8.15 train",
        "due back at 9 tomorrow",
        "due back at 5",
        "police came at 9",
    ],
)
def test_what_may_mean_either_is_nothing(text: str) -> None:
    assert find_last_seen(text, EVENING) is None


@given(
    st.lists(st.sampled_from(PIECES), max_size=9).map(" ".join),
    st.datetimes(datetime(2026, 1, 2), datetime(2026, 12, 30), timezones=st.just(UTC)),
)
def test_nothing_was_seen_after_the_text_nor_a_day_before(text: str, at: datetime) -> None:
    seen = find_last_seen(text, at)
    assert seen is None or at - timedelta(days=1) <= seen <= at
