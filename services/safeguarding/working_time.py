"""Hours as England keeps them: Europe/London, weekdays, bank holidays, and who of a rota is on duty at a moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

import holidays

ENGLAND = ZoneInfo("Europe/London")
SATURDAY = 5
NINE, FIVE = time(9), time(17)
EVENING = time(20, 30)
"""When carers are asked whether everybody is in."""
FIRST_HOURS = timedelta(hours=72)
"""The first hours of care, in which a child is at greater risk (S36, S59)."""


class Days(StrEnum):
    MON_FRI = "mon-fri"
    SAT_SUN = "sat-sun"
    EVERY_DAY = "every-day"

    def include(self, day: date) -> bool:
        weekend = day.weekday() >= SATURDAY
        return self is Days.EVERY_DAY or weekend == (self is Days.SAT_SUN)


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of a rota, in local time. `starts` equal to `ends` is the whole day; `starts` after `ends` runs past
    midnight and belongs to the day on which it starts.
    """

    person: str
    order: int
    days: Days = Days.EVERY_DAY
    starts: time = time(0)
    ends: time = time(0)
    bank_holidays: bool = True
    """True: also on bank holidays of any weekday. False: on none."""

    def covers(self, at: datetime) -> bool:
        """`at` must be aware."""
        local = at.astimezone(ENGLAND)
        day, hour = local.date(), local.time()
        if self.starts == self.ends:
            return self._worked_on(day)
        if self.starts < self.ends:
            return self.starts <= hour < self.ends and self._worked_on(day)
        if hour >= self.starts:
            return self._worked_on(day)
        return hour < self.ends and self._worked_on(day - timedelta(days=1))

    def _worked_on(self, day: date) -> bool:
        if is_bank_holiday(day):
            return self.bank_holidays
        return self.days.include(day)


def in_england(at: datetime) -> datetime:
    """For display. `at` must be aware; where the calendar ends before England's time of day, shown as it was told."""
    try:
        return at.astimezone(ENGLAND)
    except OverflowError:
        return at


def day_in_england(at: datetime) -> date:
    """The day by whose law and rules something that happens at `at` is judged. `at` must be aware."""
    return in_england(at).date()


def on_duty(rota: Iterable[Turn], at: datetime) -> list[Turn]:
    """Those on duty at `at`, in the order in which they are to be asked: the first, then deputies."""
    return sorted((turn for turn in rota if turn.covers(at)), key=lambda turn: (turn.order, turn.person))


def in_working_hours(at: datetime) -> bool:
    """Monday to Friday, nine to five, no bank holiday. `at` must be aware."""
    local = at.astimezone(ENGLAND)
    return is_working_day(local.date()) and NINE <= local.time() < FIVE


def working_moment(at: datetime) -> datetime:
    """`at` itself within working hours, else the next working day's nine o'clock, in UTC. `at` must be aware."""
    if in_working_hours(at):
        return at
    local = at.astimezone(ENGLAND)
    day = local.date() if local.time() < NINE else local.date() + timedelta(days=1)
    while not is_working_day(day):
        day += timedelta(days=1)
    return datetime.combine(day, NINE, ENGLAND).astimezone(UTC)


def evening_moment(at: datetime) -> datetime:
    """The next evening's half past eight in England, in UTC: `at` itself if it is that. `at` must be aware."""
    local = at.astimezone(ENGLAND)
    day = local.date() + timedelta(days=local.time() > EVENING)
    return datetime.combine(day, EVENING, ENGLAND).astimezone(UTC)


def working_day_after(at: datetime, count: int, hour: time = NINE) -> datetime:
    """That hour of England on the `count`th working day after the day of `at`, in UTC. `at` must be aware."""
    day = at.astimezone(ENGLAND).date()
    for _ in range(count):
        day += timedelta(days=1)
        while not is_working_day(day):
            day += timedelta(days=1)
    return datetime.combine(day, hour, ENGLAND).astimezone(UTC)


def is_working_day(day: date) -> bool:
    return day.weekday() < SATURDAY and not is_bank_holiday(day)


def is_bank_holiday(day: date) -> bool:
    """Of England; substitute days included."""
    return day in _bank_holidays(day.year)


@cache
def _bank_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))


def in_first_hours(entered: datetime, at: datetime) -> bool:
    """Not before care begins: a register may know of that ahead."""
    return entered <= at < entered + FIRST_HOURS
