"""Reads lengths of time as the protocol writes them: `30s`, `5m`, `24h`, `28d`."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainValidator

LENGTH = re.compile(r"^(?P<count>[1-9][0-9]{0,4}|0)(?P<unit>[smhd])$")
CALENDAR = re.compile(r"^(?P<after>\+?)(?P<count>[0-9]{1,4})(?P<unit>mo|d)$")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def length(written: object) -> timedelta:
    """Raises ValueError for anything but a whole number and one of s, m, h, d."""
    match = LENGTH.match(written) if isinstance(written, str) else None
    if match is None:
        raise ValueError(f"{written!r} is no length of time: write 30s, 5m, 24h or 28d")
    return timedelta(**{UNITS[match["unit"]]: int(match["count"])})


def format_period(span: timedelta) -> str:
    """`1 minute`, `24 hours`, `4 days`: the largest unit that divides it, but hours, not days, up to 72 hours."""
    seconds = int(span.total_seconds())
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if unit == "day" and seconds <= 72 * 3600:
            continue
        if seconds % size == 0 and seconds >= size:
            count = seconds // size
            return f"{count} {unit}" + ("" if count == 1 else "s")
    return "0 seconds"


@dataclass(frozen=True, slots=True)
class Calendar:
    """A length in calendar months or days, counted back from a date. `+1d` is negative: the day after it."""

    months: int
    days: int
    written: str

    def before(self, day: date) -> date:
        """`1mo` before 31 March is the last day of February."""
        return _moved(day, -self.months, -self.days)

    def after(self, day: date) -> date:
        """`1mo` after 31 January is the last day of February."""
        return _moved(day, self.months, self.days)


def _moved(day: date, months: int, days: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last)) + timedelta(days=days)


def calendar_length(written: object) -> Calendar:
    """Raises ValueError for anything but a whole number and `mo` or `d`."""
    match = CALENDAR.match(written) if isinstance(written, str) else None
    if match is None:
        raise ValueError(f"{written!r} is no length of days or months: write 28d or 6mo")
    count = int(match["count"]) * (-1 if match["after"] else 1)
    return Calendar(count if match["unit"] == "mo" else 0, count if match["unit"] == "d" else 0, match[0])


CalendarLength = Annotated[Calendar, PlainValidator(calendar_length)]
Length = Annotated[timedelta, BeforeValidator(length)]
