"""Tells whether something written with `from` and `to` holds on a day. Both days are included."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Literal

FIRST_DAY = date(1900, 1, 1)
TO_BE_CONFIRMED = "to-be-confirmed"
State = Literal["found", "to-be-confirmed"]
"""`found`: somebody has read the source. `to-be-confirmed`: nobody has, so it is off."""
Period = tuple[date | None, date | None]
"""First and last day. None: without limit."""


def day_of(written: object) -> date | None:
    """A day as YAML or JSON gives it. Raises ValueError for anything but a day."""
    if written is None or (isinstance(written, date) and not isinstance(written, datetime)):
        return written
    try:
        return date.fromisoformat(str(written))
    except ValueError:
        raise ValueError(f"{written!r} is no day: write 2026-12-01") from None


def period_of(written: Mapping[str, Any], since: date | None = None) -> Period:
    """`since` is the first day where the mapping itself names none. Raises ValueError for what is no day."""
    return day_of(written.get("from")) or since, day_of(written.get("to"))


def holds(period: Period, on: date) -> bool:
    first, last = period
    return (first is None or first <= on) and (last is None or on <= last)


def overlap(one: Period, other: Period) -> bool:
    starts, ends = max(one[0] or date.min, other[0] or date.min), min(one[1] or date.max, other[1] or date.max)
    return starts <= ends


def turning_days(periods: Iterable[Period]) -> tuple[date, ...]:
    """Days on which something begins or ends, after one before them all. Nothing changes between two of them."""
    both = list(periods)
    begins = {first for first, _ in both if first is not None}
    ended = {last + timedelta(days=1) for _, last in both if last is not None}
    return (FIRST_DAY, *sorted((begins | ended) - {FIRST_DAY}))
