"""When a child was last seen: only what the text says beyond doubt."""

from datetime import UTC, datetime

import pytest

from services.carers.understanding.times import last_seen

NIGHT = datetime(2026, 11, 25, 2, 10, tzinfo=UTC)
SUMMER = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
"""Half past eleven in London."""


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
    assert last_seen(text, NIGHT) == seen


def test_summer_time_is_londons() -> None:
    assert last_seen("last seen at 9pm", SUMMER) == datetime(2026, 7, 1, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "text", "seen"),
    [
        (datetime(2026, 10, 25, 3, tzinfo=UTC), "left at 11pm", datetime(2026, 10, 24, 22, tzinfo=UTC)),
        (datetime(2027, 3, 28, 3, tzinfo=UTC), "left at 11pm", datetime(2027, 3, 27, 23, tzinfo=UTC)),
        (datetime(2026, 10, 25, 3, tzinfo=UTC), "ran off 2 hours ago", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ],
)
def test_the_night_on_which_the_clocks_change(now: datetime, text: str, seen: datetime) -> None:
    assert last_seen(text, now) == seen


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
    assert last_seen(text, NIGHT) is None
