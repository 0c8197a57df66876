"""Writes who is on call as a calendar to subscribe to, and reads a calendar whose events become dated shifts."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from dateutil.rrule import rrulestr
from icalendar import Calendar, Event

from services.console.policy.shift import Board, RoleBoard
from services.safeguarding.calendars import parse_calendar
from services.safeguarding.identifiers import PersonId, derived
from services.safeguarding.working_time import ENGLAND, RotaChange

PRODUCT = "-//Safe Return//rota//EN"
AHEAD = timedelta(days=60)
"""How far a calendar is written, and how far one that is read repeats."""
SHIFTS_AT_MOST = 300
TOO_OFTEN = ("SECONDLY", "MINUTELY", "HOURLY", "BYSECOND", "BYMINUTE")
"""No shift repeats so: to count such repetitions would hold everybody's pages up."""
DAYS_OF_A_YEAR = ("BYMONTH", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "BYEASTER")
"""Nor by these every day or week: for each 30 February, eight thousand years would be searched."""
BY_MONTH_AT_MOST = 20
"""Repetitions by month or year that are counted: one that never comes, as a sixth Monday does, takes half a second."""
BEGAN_AT_MOST = timedelta(days=50 * 365)
"""Before now."""
WHOLE_DAY = timedelta(days=1)


class Why(StrEnum):
    """Why an event becomes no shift."""

    NO_CALENDAR = "no-calendar"
    NOBODY = "nobody"
    """It names nobody of the directory."""
    SEVERAL = "several"
    NO_TIME = "no-time"
    """It has no beginning or no end, or a repetition that cannot be read."""
    TOO_MANY = "too-many"


@dataclass(frozen=True, slots=True)
class Unread:
    line: str
    why: Why


def write_calendar(board: Board, now: datetime, in_words: Callable[[object, str], str], whose: str) -> bytes:
    """`whose`: a person's shifts, or all of a role. No child, and nothing about one. `now` is story time."""
    calendar = Calendar()
    for name, value in (("prodid", PRODUCT), ("version", "2.0"), ("x-published-ttl", "PT1H")):
        calendar.add(name, value)
    for role in board.roles:
        for shift, says in _shifts_of(role, board.names, in_words(role.role, "role"), whose):
            event = Event()
            uid = derived("shift", role.authority, role.role, whose, shift.from_at.isoformat())
            event.add("uid", f"{uid}@safe-return")
            event.add("dtstamp", now)
            event.add("dtstart", shift.from_at)
            event.add("dtend", shift.to_at)
            event.add("summary", says)
            event.add("class", "CONFIDENTIAL")
            calendar.add_component(event)
    return bytes(calendar.to_ical())


def _shifts_of(role: RoleBoard, names: Mapping[PersonId, str], called: str, whose: str) -> Iterator[tuple[Any, str]]:
    for shift in role.shifts:
        if role.role == whose:
            yield shift, f"{called}: {', then '.join(names[each] for each in shift.people) or 'nobody'}"
        elif whose in shift.people:
            place = shift.people.index(whose)
            yield shift, f"On call: {called}" if place == 0 else f"Deputy {place}: {called}"


def read_calendar(
    text: str, role: str, names: Mapping[PersonId, str], now: datetime
) -> tuple[tuple[RotaChange, ...], tuple[Unread, ...]]:
    """The shifts of the events that begin or go on after `now` (story time), and each event that is not understood. An
    event names somebody by the whole name, in its title or as an attendee. One without a time zone is in England's.
    """
    try:
        events = [each for each in parse_calendar(text).walk("VEVENT") if each.get("status") != "CANCELLED"]
        replaced = {(each.get("uid"), _moment(each.get("recurrence-id"))) for each in events if "recurrence-id" in each}
    except (ValueError, IndexError, AttributeError, OSError, OverflowError):
        return (), (Unread("", Why.NO_CALENDAR),)
    shifts: dict[tuple[PersonId, datetime, datetime], RotaChange] = {}
    unread: list[Unread] = []
    by_month = 0
    for event in events:
        people = _people_in(event, names)
        by_month += _is_by_month(event)
        spans = None if by_month > BY_MONTH_AT_MOST else _spans(event, replaced, now)
        if len(people) == 1 and spans is not None:
            for from_at, to_at in spans:
                shifts[people[0], from_at, to_at] = RotaChange(people[0], role, from_at, to_at)
        else:
            why = Why.NO_TIME if spans is None else Why.SEVERAL if people else Why.NOBODY
            line = f"{event.get('summary', '')} {getattr(event.get('dtstart'), 'dt', '')}".strip()
            unread.append(Unread(line, why))
    if len(shifts) > SHIFTS_AT_MOST:
        return (), (Unread(str(len(shifts)), Why.TOO_MANY),)
    return tuple(sorted(shifts.values(), key=lambda each: (each.from_at, each.person))), tuple(unread)


def _people_in(event: Any, names: Mapping[PersonId, str]) -> list[PersonId]:
    said = [event.get("summary", ""), *_as_list(event.get("attendee"))]
    words = [str(getattr(each, "params", {}).get("CN") or each).casefold() for each in said]
    return [person for person, name in names.items() if any(name.casefold() in each for each in words)]


def _spans(event: Any, replaced: Iterable[Any], now: datetime) -> list[tuple[datetime, datetime]] | None:
    """None where it cannot be read."""
    try:
        start = _moment(event["dtstart"])
        whole_day = WHOLE_DAY if not isinstance(event.decoded("dtstart"), datetime) else None
        end = _moment(event["dtend"]) if "dtend" in event else start + event.decoded("duration", whole_day)
        lasts, starts = end - start, [start]
        if "rrule" in event:
            left_out = {_moment(each) for dates in _as_list(event.get("exdate")) for each in dates.dts}
            repeats = event["rrule"].to_ical().decode()
            if not _can_be_counted(repeats, event["rrule"].get("interval", [1])) or now - start > BEGAN_AT_MOST:
                return None
            rule = rrulestr(repeats, dtstart=start)
            found = rule.between(now.astimezone(ENGLAND) - lasts, now.astimezone(ENGLAND) + AHEAD)
            starts = [each for each in found if each not in left_out and (event.get("uid"), each) not in replaced]
        return [(each, each + lasts) for each in starts if each + lasts > now] if lasts > timedelta(0) else None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError):
        return None


def _is_by_month(event: Any) -> bool:
    repeats = str(event.get("rrule", "")).upper()
    return "MONTHLY" in repeats or "YEARLY" in repeats


def _can_be_counted(repeats: str, intervals: Iterable[int]) -> bool:
    """By an interval of 0 a rule would never end."""
    counts_days = "DAILY" in repeats or "WEEKLY" in repeats
    refused = (*TOO_OFTEN, *DAYS_OF_A_YEAR) if counts_days else TOO_OFTEN
    return min(intervals) > 0 and not any(each in repeats for each in refused)


def _moment(value: Any) -> datetime:
    at: date = value.dt
    moment = at if isinstance(at, datetime) else datetime.combine(at, time(0))
    return moment.astimezone(ENGLAND) if moment.tzinfo else moment.replace(tzinfo=ENGLAND)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
