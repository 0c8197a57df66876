"""The moments at which a wrong reckoning of days shows, and which of them a day draws. All are just before what makes them awkward."""

from calendar import isleap, monthrange
from collections.abc import Callable
from datetime import datetime, time, timedelta
from types import MappingProxyType

from services.safeguarding.working_time import ENGLAND

JUST_BEFORE_MIDNIGHT = time(23, 58)
SUNDAY = 6


def _on(weekday: int) -> Callable[[datetime], bool]:
    return lambda day: day.weekday() == weekday


def _ends_its_month(day: datetime) -> bool:
    return day.month != 12 and day.day == monthrange(day.year, day.month)[1]


def _is_before_leap_day(day: datetime) -> bool:
    return isleap(day.year) and (day.month, day.day) == (2, 28)


def _changes_clocks(month: int) -> Callable[[datetime], bool]:
    return lambda day: day.month == month and day.weekday() == SUNDAY and day.day > 24


MOMENTS = MappingProxyType({
    "a Monday before work": (_on(0), time(0, 10)),
    "a Tuesday before the stories begin": (_on(1), time(9, 55)),
    "a Wednesday at noon": (_on(2), time(12)),
    "a Thursday before the end of work": (_on(3), time(17, 25)),
    "a Friday after the stories end": (_on(4), time(14, 5)),
    "a Saturday before midnight": (_on(5), JUST_BEFORE_MIDNIGHT),
    "a Sunday morning": (_on(SUNDAY), time(6)),
    "the end of a month": (_ends_its_month, JUST_BEFORE_MIDNIGHT),
    "the turn of the year": (lambda day: (day.month, day.day) == (12, 31), JUST_BEFORE_MIDNIGHT),
    "29 February": (_is_before_leap_day, JUST_BEFORE_MIDNIGHT),
    "the clocks going forward": (_changes_clocks(3), time(0, 58)),
    "the clocks going back": (_changes_clocks(10), time(1, 58)),
})  # fmt: skip
"""By name: which days, in England, and at what time. Twelve share no factor with a week: each weekday draws each in turn."""


def next_of(name: str, now: datetime) -> datetime:
    """The next such moment, on a later day than today."""
    belongs, at = MOMENTS[name]
    day = now.astimezone(ENGLAND).replace(hour=at.hour, minute=at.minute, second=0, microsecond=0, fold=0)
    while True:
        day += timedelta(days=1)
        if belongs(day):
            return day


def drawn_on(now: datetime) -> str:
    """The same all day, another the next day, and each within twelve days."""
    return list(MOMENTS)[now.astimezone(ENGLAND).toordinal() % len(MOMENTS)]
