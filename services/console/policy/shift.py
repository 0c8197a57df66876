"""Shows who is on call now and in the days to come, and lists the acts of a shift: what each asks, who may send it,
what it brings about.

Writes who is on call as a calendar to subscribe to, reads a calendar whose events become dated shifts, and writes
what a shift leaves to the next.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import chain
from typing import Any
from uuid import UUID

from dateutil.rrule import rrulestr
from icalendar import Calendar, Event

from services.console.policy.access import May, Operator
from services.console.policy.status import CaseLine, DutyLine, RecordedMessage
from services.safeguarding.calendars import parse_calendar
from services.safeguarding.child_events.events import ShiftAccepted, ShiftHandedOver
from services.safeguarding.deeds import WORDS_AT_MOST, Answers, Fault, Faults, Field, Kind
from services.safeguarding.duty.decisions import StepRecord
from services.safeguarding.identifiers import AuthorityId, PersonId, derived
from services.safeguarding.operators import OperatorAct
from services.safeguarding.roles import DUTY
from services.safeguarding.working_time import ENGLAND, RotaChange, RotaLine, Shift, TimeForm, Turn, format_time, shifts

SHOWN = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class RoleBoard:
    """A duty role of one authority. The first of the shifts is the one that runs now."""

    authority: AuthorityId
    role: str
    shifts: tuple[Shift, ...]

    @property
    def now(self) -> Shift:
        return self.shifts[0]


@dataclass(frozen=True, slots=True)
class Board:
    roles: tuple[RoleBoard, ...]
    changes: tuple[RotaLine, ...]
    """Those that stand or are to come, the next first."""
    names: Mapping[PersonId, str]

    @property
    def people(self) -> list[PersonId]:
        """Who is on call at some time of it, by name."""
        found = {person for role in self.roles for shift in role.shifts for person in shift.people}
        return sorted(found, key=lambda person: (self.names[person], person))


def board(listed: Iterable[RotaLine], now: datetime, shown: timedelta = SHOWN) -> Board:
    """`now` is story time."""
    lines = list(listed)
    by_role: dict[tuple[AuthorityId, str], list[Turn]] = {}
    for line in lines:
        if line.role is not None and is_of_duty(line.role):
            by_role.setdefault((line.authority, line.role), []).append(line.turn)
    away = [line.turn for line in lines if line.role is None]
    roles = (
        RoleBoard(authority, role, tuple(shifts([*turns, *away], now, now + shown)))
        for (authority, role), turns in by_role.items()
    )
    changes = sorted(
        (line for line in lines if line.change is not None), key=lambda line: (line.turn.from_at, line.turn.person)
    )
    return Board(tuple(roles), tuple(changes), names_of(lines))


def is_of_duty(role: str) -> bool:
    """Also `duty.social-worker`, which is on the directory and no `Role`."""
    return role.startswith(DUTY)


def names_of(listed: Iterable[RotaLine]) -> dict[PersonId, str]:
    return {line.person: line.name or "name erased" for line in listed}


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


@dataclass(frozen=True, slots=True)
class Effect:
    """It is recorded about `person`, in whose authority all of it lies."""

    person: PersonId
    changes: tuple[RotaChange, ...] = ()
    ends: UUID | None = None
    """A change of the rota."""
    says: type[ShiftHandedOver] | type[ShiftAccepted] | None = None
    corrects: Mapping[str, str] = field(default_factory=dict)
    """How the person is reached: `mobile`, `email`."""
    calendar_of: str = ""
    """The role: `changes` take the place of those that an earlier calendar gave it."""
    unread: tuple[Unread, ...] = ()
    """What the calendar holds beside them."""


@dataclass(frozen=True, slots=True)
class ShiftAct:
    act: OperatorAct
    needs: May
    asks: tuple[Field, ...]
    effect: Callable[[Answers, datetime, Mapping[PersonId, str]], Effect]
    """Takes story time too, and the names of the directory. Raises Faults."""
    has_page: bool = True
    """False: a button of the shift's own page."""


FROM, UNTIL = Field("from", Kind.MOMENT, required=False), Field("until", Kind.MOMENT)
TAKER, PLACE, PERSON, ROLE, CHANGE, TO = (
    Field(name, Kind.CHOICE) for name in ("taker", "place", "person", "role", "change", "to")
)
BACK_FROM, BACK_UNTIL = (Field(name, Kind.MOMENT, required=False) for name in ("back_from", "back_until"))
WAYS = tuple(Field(name, Kind.LINE, required=False) for name in ("mobile", "email"))


def _cover(answers: Answers, now: datetime, _names: object) -> Effect:
    """In return, the one who is stood in for takes the stand-in's turns of the same role."""
    taker, (place, role) = answers.chosen["taker"], answers.chosen["place"].split(" ")
    if taker == place:
        raise Faults({"taker": Fault.NOT_OFFERED})
    cover = RotaChange(taker, role, *_span(answers, "from", "until", now), in_place_of=place)
    if "back_from" not in answers.moments and "back_until" not in answers.moments:
        return Effect(taker, (cover,))
    back = RotaChange(place, role, *_span(answers, "back_from", "back_until", now), in_place_of=taker)
    return Effect(taker, (cover, back))


def _leave(answers: Answers, now: datetime, _names: object) -> Effect:
    person = answers.chosen["person"]
    return Effect(person, (RotaChange(person, None, *_span(answers, "from", "until", now), away=True),))


def _add_shift(answers: Answers, now: datetime, _names: object) -> Effect:
    person = answers.chosen["person"]
    return Effect(person, (RotaChange(person, answers.chosen["role"], *_span(answers, "from", "until", now)),))


def _read_calendar(answers: Answers, now: datetime, names: Mapping[PersonId, str]) -> Effect:
    role = answers.chosen["role"]
    shifts, unread = read_calendar(answers.facts["calendar"], role, names, now)
    return Effect(shifts[0].person if shifts else "", shifts, calendar_of=role, unread=unread)


def _end(answers: Answers, _now: object, _names: object) -> Effect:
    change, person = answers.chosen["change"].split(" ")
    return Effect(person, ends=UUID(change))


def _correct(answers: Answers, _now: object, _names: object) -> Effect:
    if not answers.said:
        raise Faults({"mobile": Fault.MISSING})
    return Effect(answers.chosen["person"], corrects=answers.said)


def _span(answers: Answers, first: str, last: str, now: datetime) -> tuple[datetime, datetime]:
    """Raises Faults where it does not end, or ends before it begins."""
    from_at, to_at = answers.moments.get(first, now), answers.moments.get(last)
    if to_at is None:
        raise Faults({last: Fault.MISSING})
    if to_at <= from_at:
        raise Faults({last: Fault.BEFORE_START})
    return from_at, to_at


_ACTS = (
    ShiftAct(OperatorAct.SHIFT_COVERED, May.COVER, (TAKER, PLACE, FROM, UNTIL, BACK_FROM, BACK_UNTIL), _cover),
    ShiftAct(
        OperatorAct.SHIFT_HANDED_OVER,
        May.COVER,
        (TO, Field("hand_over", Kind.WORDS)),
        lambda answers, *_: Effect(answers.chosen["to"], says=ShiftHandedOver),
    ),
    ShiftAct(OperatorAct.LEAVE_ENTERED, May.CHANGE_ROTA, (PERSON, FROM, UNTIL), _leave),
    ShiftAct(OperatorAct.SHIFT_ADDED, May.CHANGE_ROTA, (PERSON, ROLE, FROM, UNTIL), _add_shift),
    ShiftAct(OperatorAct.CALENDAR_READ, May.CHANGE_ROTA, (ROLE, Field("calendar", Kind.CALENDAR)), _read_calendar),
    ShiftAct(OperatorAct.CONTACT_CORRECTED, May.CHANGE_ROTA, (PERSON, *WAYS), _correct),
    ShiftAct(
        OperatorAct.SHIFT_ACCEPTED,
        May.COVER,
        (TO,),
        lambda answers, *_: Effect(answers.chosen["to"], says=ShiftAccepted),
        has_page=False,
    ),
    ShiftAct(OperatorAct.ROTA_CHANGE_ENDED, May.COVER, (CHANGE,), _end, has_page=False),
)
SHIFT_ACTS: Mapping[OperatorAct, ShiftAct] = {each.act: each for each in _ACTS}


def may_end(operator: Operator, line: RotaLine) -> bool:
    """Whoever may take a shift over may end that; leave and added shifts are the manager's."""
    return operator.may(May.COVER if line.turn.in_place_of else May.CHANGE_ROTA)


def choices(
    listed: Sequence[RotaLine], in_words: Callable[[object, str], str], operator: Operator
) -> dict[str, dict[str, str]]:
    """What each field offers, with its words: nobody beside those in `listed`. Only somebody who has a duty line may
    take one over, so that no change of the rota gives a right over other children.
    """
    lines = [line for line in listed if line.role is not None]
    names = names_of(listed)
    on_duty = {line.person: names[line.person] for line in lines if is_of_duty(str(line.role))}
    role_of = {str(line.role): in_words(line.role, "role") for line in lines}
    return {
        "taker": on_duty,
        "to": on_duty,
        "person": names,
        "role": {role: words for role, words in role_of.items() if is_of_duty(role)},
        "place": {
            f"{line.person} {line.role}": f"{names[line.person]}, {role_of[str(line.role)]}"
            for line in lines
            if line.change is None
        },
        "change": {f"{line.change} {line.person}": "" for line in listed if line.change and may_end(operator, line)},
    }


InWords = Callable[[object, str], str]
"""The words for a value of a field."""
ROOM_TO_WRITE = 400
NOTHING = "Nothing is open."


@dataclass(frozen=True, slots=True)
class HandOver:
    at: datetime
    made: ShiftHandedOver
    accepted: RecordedMessage[ShiftAccepted] | None
    """The first word after it of somebody who has it."""


def hand_overs(said: Iterable[RecordedMessage[Any]]) -> list[HandOver]:
    """The newest first."""
    found: list[HandOver] = []
    accepted: dict[PersonId, RecordedMessage[ShiftAccepted]] = {}
    for each in sorted(said, key=lambda each: each.at, reverse=True):
        if isinstance(each.content, ShiftAccepted):
            accepted[each.content.contact] = each
        else:
            found.append(HandOver(each.at, each.content, accepted.pop(each.content.contact, None)))
    return found


def write_note(cases: Sequence[CaseLine], in_words: InWords) -> str:
    """Names children by their codes. Leaves room to write; what finds none is counted."""
    blocks = describe_cases(cases, in_words)
    note: list[str] = []
    for at, block in enumerate(blocks):
        if sum(map(len, note)) + len(block) > WORDS_AT_MOST - ROOM_TO_WRITE:
            note.append(f"And {len(blocks) - at} more: see the console.")
            break
        note.append(block)
    return "\n\n".join(note) or NOTHING


def describe_cases(cases: Sequence[CaseLine], in_words: InWords) -> list[str]:
    """A case each: how it stands, then a line for each of its most pressing duties."""
    return ["\n".join(_block(each, in_words)) for each in cases]


def _block(line: CaseLine, in_words: InWords) -> Iterable[str]:
    episode = line.episode.content
    name = line.code or "Not yet identified"
    yield f"{name} ({line.reference}): {in_words(episode.state, 'state')} since {_hour(episode.returned_at or episode.opened_at)}."
    yield from chain.from_iterable(_duty(each, in_words) for each in line.asked)
    if line.waiting > len(line.asked):
        yield f"- And {line.waiting - len(line.asked)} more wait for an answer: see the console."
    if episode.open_conditions:
        still = ", ".join(in_words(each, "open_conditions") for each in episode.open_conditions)
        yield f"- Before it closes: {still}."


def _duty(line: DutyLine, in_words: InWords) -> Iterable[str]:
    duty = line.duty.content
    if not duty.steps:
        return
    matter, promised = in_words(duty.wording, "wording"), _promise(duty.steps)
    then = "" if duty.next_step_at is None else f"; asked again {_hour(duty.next_step_at)}"
    if promised is not None:
        yield f"- {matter}: {in_words(promised.role, 'role')} has it since {_hour(promised.changed_at)}{then}."
    else:
        last = duty.steps[-1]
        yield f"- {matter}: waits for {in_words(last.role, 'role')}, told {_hour(last.told_at)}{then}."


def _promise(steps: Iterable[StepRecord]) -> StepRecord | None:
    """The newest word of somebody that they have it."""
    said = [each for each in steps if each.state == "acknowledged"]
    return max(said, key=lambda each: each.changed_at, default=None)


def _hour(at: datetime) -> str:
    return format_time(at, TimeForm.WEEKDAY)
