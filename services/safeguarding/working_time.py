"""Defines moments and days as people and their systems report them, within plausible years.

Many systems write an empty date as the year 1, and "for ever" as the year 9999. Neither is a date: no calendar can
count from there, and readers are misled. So it is refused where it is told, with the correct form.

Hours as England keeps them: Europe/London, weekdays, bank holidays, an authority's rota, and who is on duty when.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import holidays
from pydantic import AfterValidator, AwareDatetime, ValidationInfo, WithJsonSchema

from services.safeguarding.identifiers import AuthorityId, PersonId

AS_IT_WAS_SAID: Final = "as it was said"
"""The validation context for reading accepted data again: no date in it is refused now."""
D = TypeVar("D", bound=date)


def _of_years(first: int, last: int, wanted: str) -> Callable[[D, ValidationInfo], D]:
    """Checks the year as it is written, so that the schema's pattern says the same."""

    def checked(value: D, info: ValidationInfo) -> D:
        if first <= value.year <= last or info.context == AS_IT_WAS_SAID:
            return value
        raise ValueError(f"{wanted} from {first} to {last} is needed; what is not known is left out")

    return checked


def _schema(of: str, pattern: str) -> dict[str, Any]:
    return {"type": "string", "format": of, "pattern": pattern}


Moment = Annotated[
    AwareDatetime,
    AfterValidator(_of_years(2000, 2099, "a time with its zone,")),
    WithJsonSchema(_schema("date-time", "^20[0-9]{2}-")),
]
"""A time in the life of a child now in care or leaving it: none of them was born before 2000."""
Day = Annotated[
    date,
    AfterValidator(_of_years(1900, 2199, "a day, YYYY-MM-DD,")),
    WithJsonSchema(_schema("date", "^(19|20|21)[0-9]{2}-")),
]
"""A birth date that somebody disputes may be long ago, and a day on which something ends long to come."""
ADULT = 18


def birthday(born: date, years: int) -> date:
    """The day on which an age is attained. A person born on 29 February attains it on 1 March of a common year."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 3, 1)


ENGLAND = ZoneInfo("Europe/London")
SATURDAY = 5
BANK_HOLIDAYS = holidays.country_holidays("GB", subdiv="ENG")
"""Substitute days included."""
SEVEN, NINE, FOUR, FIVE = time(7), time(9), time(16), time(17)
EVENING, EVENING_ENDS = time(20, 30), time(22)
"""When carers are asked whether everybody is in, and until when they may be asked late."""
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

    A turn with `from_at` and `to_at` is a change for that time alone, whatever the days: of a person who takes the
    turns of `in_place_of`, who is `away`, or who is on duty beside the weekly lines.
    """

    person: str
    order: int
    days: Days = Days.EVERY_DAY
    starts: time = time(0)
    ends: time = time(0)
    bank_holidays: bool = True
    """True: also on bank holidays of any weekday. False: on none."""
    from_at: datetime | None = None
    to_at: datetime | None = None
    in_place_of: str | None = None
    away: bool = False

    def covers(self, at: datetime) -> bool:
        """`at` must be aware."""
        if self.from_at is not None and self.to_at is not None:
            return self.from_at <= at < self.to_at
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
        if day in BANK_HOLIDAYS:
            return self.bank_holidays
        return self.days.include(day)


def in_england(at: datetime) -> datetime:
    """For display. `at` must be aware; where the calendar ends before England's time of day, shown as it was told."""
    try:
        return at.astimezone(ENGLAND)
    except OverflowError:
        return at


class TimeForm(StrEnum):
    """Every way in which people read a time; the value is a pattern of `strftime`."""

    HOUR = "%H:%M"
    SECOND = "%H:%M:%S"
    DATED_HOUR = "%-d %b %H:%M"
    DATED_SECOND = "%-d %b %H:%M:%S"
    WEEKDAY = "%a %-d %b %H:%M"
    FULL = "%a %-d %b %Y, %H:%M"
    RECORD = "%-d %b %Y %H:%M:%S"
    SHEET = "%d/%m/%Y %H:%M"
    """As a spreadsheet takes it for a time, but in the hour that comes twice."""


def format_time(at: datetime, form: TimeForm) -> str:
    """England's time of `at`, which must be aware. Where the clock shows this hour twice that night, it says which:
    "01:30 BST" or "01:30 GMT".
    """
    local = in_england(at)
    other = local.replace(fold=1 - local.fold)
    return f"{local:{form}} {local:%Z}" if local.utcoffset() != other.utcoffset() else f"{local:{form}}"


def format_near_time(at: datetime, now: datetime, today: TimeForm, otherwise: TimeForm) -> str:
    """In the form `today` on England's date of `now`."""
    return format_time(at, today if day_in_england(at) == day_in_england(now) else otherwise)


def moment_of(local: datetime, now: datetime) -> datetime:
    """When England's clock showed `local`, which has no zone. Of an hour that comes twice: the second, once it came."""
    again = local.replace(tzinfo=ENGLAND, fold=1)
    return again if again.astimezone(UTC) <= now else again.replace(fold=0)


def day_in_england(at: datetime) -> date:
    """The day by whose law and rules something that happens at `at` is judged. `at` must be aware."""
    return in_england(at).date()


def on_duty(rota: Iterable[Turn], at: datetime) -> list[Turn]:
    """Those on duty at `at`, in the order in which they are to be asked: the first, then deputies. A stand-in has the
    place of the one who is stood in for, and of two the one who began last. Who is away is never asked.
    """
    now = [turn for turn in rota if turn.covers(at)]
    away = {turn.person for turn in now if turn.away}
    here = [turn for turn in now if turn.person not in away]
    changes = sorted((turn for turn in here if turn.in_place_of), key=lambda turn: (turn.from_at, turn.person))
    stand_ins = {turn.in_place_of: turn for turn in changes}
    places = [turn for turn in now if not turn.away and turn.in_place_of is None]
    asked = [(place.order, _stand_in(place, stand_ins)) for place in places]
    asked.sort(key=lambda each: (each[0], each[1].person))
    return [turn for _, turn in asked if turn.person not in away]


def _stand_in(place: Turn, stand_ins: Mapping[str | None, Turn]) -> Turn:
    """Who has the place, also where a stand-in has one. Two who change places end with each other's."""
    turn, passed = place, {place.person}
    while (following := stand_ins.get(turn.person)) is not None and following.person not in passed:
        turn = following
        passed.add(turn.person)
    return turn


def in_night(at: datetime) -> bool:
    """From ten to seven, when people sleep. `at` must be aware."""
    return not SEVEN <= at.astimezone(ENGLAND).time() < EVENING_ENDS


def in_working_hours(at: datetime) -> bool:
    """Monday to Friday, nine to five, no bank holiday. `at` must be aware."""
    local = at.astimezone(ENGLAND)
    return is_working_day(local.date()) and NINE <= local.time() < FIVE


def working_moment(at: datetime) -> datetime:
    """`at` itself within working hours, else the next working day's nine o'clock, in UTC. `at` must be aware."""
    if in_working_hours(at):
        return at
    return working_day_after(at, 0 if at.astimezone(ENGLAND).time() < NINE else 1)


def last_working_moment(at: datetime) -> datetime:
    """`at` itself within working hours, else four o'clock of the last working day before, while there is still time to
    act on it, in UTC. `at` must be aware.
    """
    local = at.astimezone(ENGLAND)
    if in_working_hours(at):
        return at
    is_over = is_working_day(local.date()) and local.time() >= FIVE
    day = local.date() if is_over else BANK_HOLIDAYS.get_nth_working_day(local.date(), -1)
    return datetime.combine(day, FOUR, ENGLAND).astimezone(UTC)


def evening_moment(at: datetime) -> datetime:
    """The next evening's half past eight in England, in UTC: `at` itself if it is that. `at` must be aware."""
    local = at.astimezone(ENGLAND)
    day = local.date() + timedelta(days=local.time() > EVENING)
    return datetime.combine(day, EVENING, ENGLAND).astimezone(UTC)


def in_evening(at: datetime) -> bool:
    """`at` must be aware."""
    return EVENING <= at.astimezone(ENGLAND).time() < EVENING_ENDS


def working_day_after(at: datetime, count: int, hour: time = NINE) -> datetime:
    """That hour of England on the `count`th working day after the day of `at`, in UTC; of 0, on that day or the next
    that is one. `at` must be aware.
    """
    day = BANK_HOLIDAYS.get_nth_working_day(at.astimezone(ENGLAND).date(), count)
    return datetime.combine(day, hour, ENGLAND).astimezone(UTC)


def is_working_day(day: date) -> bool:
    return BANK_HOLIDAYS.is_working_day(day)


def in_first_hours(entered: datetime, at: datetime) -> bool:
    """Not before care begins: a register may know of that ahead."""
    return entered <= at < entered + FIRST_HOURS


@dataclass(frozen=True, slots=True)
class RotaLine:
    """One turn of one person. `code` is the child's, where the line is of one child alone. `change` names a change of
    the rota; who is away from every role has no `role`.
    """

    authority: AuthorityId
    role: str | None
    person: PersonId
    name: str | None
    code: str | None
    turn: Turn
    has_mobile: bool
    has_email: bool
    change: UUID | None = None


@dataclass(frozen=True, slots=True)
class RotaChange:
    """For a time: `person` takes the turns of `in_place_of`, is on duty beside the weekly lines, or is `away`."""

    person: PersonId
    role: str | None
    from_at: datetime
    to_at: datetime
    in_place_of: PersonId | None = None
    away: bool = False


@dataclass(frozen=True, slots=True)
class Shift:
    """`people` in the order in which they are asked. Nobody: a gap."""

    from_at: datetime
    to_at: datetime
    people: tuple[PersonId, ...]


def shifts(rota: Sequence[Turn], start: datetime, end: datetime) -> list[Shift]:
    """Who is on duty from `start` to `end`, without a break. A new shift begins where other people are asked."""
    inner = {moment for moment in _moments(rota, start, end) if start < moment < end}
    spans = [
        Shift(since, until, tuple(dict.fromkeys(turn.person for turn in on_duty(rota, since))))
        for since, until in pairwise([start, *sorted(inner), end])
    ]
    same = (list(group) for _, group in groupby(spans, key=lambda shift: shift.people))
    return [Shift(group[0].from_at, group[-1].to_at, group[0].people) for group in same]


def _moments(rota: Iterable[Turn], start: datetime, end: datetime) -> Iterable[datetime]:
    """Each time at which somebody may come on or go off."""
    days = range((day_in_england(end) - day_in_england(start)).days + 1)
    hours = {time(0)}
    for turn in rota:
        if turn.from_at is not None and turn.to_at is not None:
            yield from (turn.from_at, turn.to_at)
        else:
            hours |= {turn.starts, turn.ends}
    for day in days:
        for hour in hours:
            yield datetime.combine(day_in_england(start) + timedelta(days=day), hour, ENGLAND).astimezone(UTC)


def day_moment(at: datetime) -> datetime:
    """The first moment from `at` on between nine and ten in the evening, on any day. `at` must be aware."""
    local = at.astimezone(ENGLAND)
    if NINE <= local.time() < EVENING_ENDS:
        return at
    day = local.date() + timedelta(days=local.time() >= EVENING_ENDS)
    return datetime.combine(day, NINE, ENGLAND).astimezone(UTC)


MOMENTS: Mapping[str, Callable[[datetime], datetime]] = {
    "any": lambda at: at,
    "day": day_moment,
    "working": working_moment,
    "evening": evening_moment,
}
"""By the hours of a telling: the first allowed moment from a given one on."""
