"""Reads the answers to a form, and names every fault by its field."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from services.safeguarding.identifiers import WordsId
from services.safeguarding.working_time import day_in_england, moment_of

LINE_AT_MOST, WORDS_AT_MOST, CALENDAR_AT_MOST = 120, 2000, 40_000
"""Characters."""
YEAR = timedelta(days=365)
DAYS_AT_MOST = timedelta(days=365 * 12)


class Kind(StrEnum):
    LINE = "line"
    """Words of one line, kept in the register."""
    WORDS = "words"
    """Words of several lines, kept in the register."""
    CHOICE = "choice"
    YES_NO = "yes-no"
    SEVERAL = "several"
    """Any number of the choices, joined by commas where a form sends them."""
    STEP = "step"
    """A choice among the duty's tellings."""
    MOMENT = "moment"
    """In the future, in local time, as a browser's `datetime-local` sends it."""
    PAST = "past"
    """A moment that has been."""
    CODE = "code"
    """A child's code, or our reference. Whoever reads the form looks it up."""
    DAY_TO_COME = "day-to-come"
    """Today or later, as a browser's `date` sends it."""
    PAST_DAY = "past-day"
    """Today or earlier."""
    CALENDAR = "calendar"
    """The text of a calendar (iCalendar). Whoever reads the form parses it."""


OF_WORDS = frozenset({Kind.LINE, Kind.WORDS})
AT_MOST = {Kind.WORDS: WORDS_AT_MOST, Kind.CALENDAR: CALENDAR_AT_MOST}
MOMENTS = frozenset({Kind.MOMENT, Kind.PAST})
CHOSEN = frozenset({Kind.CHOICE, Kind.STEP, Kind.CODE})


class Fault(StrEnum):
    MISSING = "missing"
    TOO_LONG = "too-long"
    NOT_OFFERED = "not-offered"
    NO_MOMENT = "no-moment"
    NO_DAY = "no-day"
    PAST = "past"
    FUTURE = "future"
    FAR = "far"
    """A moment more than a year away, or a day more than twelve: a typing error."""
    BEFORE_START = "before-start"
    EARLY = "early"
    """Before the child was reported."""
    NO_WAY = "no-way"
    """No number or address by which somebody is reached."""
    TAKEN = "taken"
    UNKNOWN = "unknown"
    """A code or a reference that nothing has."""


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    kind: Kind
    required: bool = True
    choices: tuple[str, ...] = ()

    def offering(self, choices: tuple[str, ...]) -> "Field":
        return replace(self, choices=choices)

    def fault(self, answer: str, now: datetime) -> Fault | None:
        if not answer:
            return Fault.MISSING if self.required else None
        match self.kind:
            case Kind.LINE | Kind.WORDS | Kind.CODE | Kind.CALENDAR:
                return Fault.TOO_LONG if len(answer) > AT_MOST.get(self.kind, LINE_AT_MOST) else None
            case Kind.MOMENT | Kind.PAST:
                return _fault_of(_moment(answer, now), now, past=self.kind is Kind.PAST)
            case Kind.DAY_TO_COME | Kind.PAST_DAY:
                return _fault_of_day(_day(answer), day_in_england(now), past=self.kind is Kind.PAST_DAY)
            case Kind.SEVERAL:
                return None if set(answer.split(",")) <= set(self.choices) else Fault.NOT_OFFERED
            case _:
                return None if answer in self.choices else Fault.NOT_OFFERED


def ask_choice(name: str, *choices: str, required: bool = True) -> Field:
    return Field(name, Kind.CHOICE, required, choices)


NOTE = Field("note", Kind.WORDS, required=False)


class Faults(Exception):
    """`by_field` in the order of the form."""

    def __init__(self, by_field: dict[str, Fault]) -> None:
        super().__init__(", ".join(by_field))
        self.by_field = by_field


@dataclass(frozen=True, slots=True)
class Answers:
    """`act` is the form's id: sent twice, one act. `said` are words to keep, `words` their ids in the register.

    `facts` are the answers that are no words, by field.
    """

    act: UUID
    chosen: Mapping[str, str] = field(default_factory=dict)
    moments: Mapping[str, datetime] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, tuple[WordsId, ...]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, act: UUID, asked: Iterable[Field], form: Mapping[str, str], now: datetime) -> Self:
        """`now` is story time. Raises Faults."""
        given = [(each, form.get(each.name, "")) for each in asked]
        faults = {each.name: fault for each, answer in given if (fault := each.fault(answer, now)) is not None}
        if faults:
            raise Faults(faults)
        answered = [(each, answer) for each, answer in given if answer]
        moments = {each.name: _moment(answer, now) for each, answer in answered if each.kind in MOMENTS}
        return cls(
            act,
            {each.name: answer for each, answer in answered if each.kind in CHOSEN},
            {name: moment for name, moment in moments.items() if moment is not None},
            {each.name: answer for each, answer in answered if each.kind in OF_WORDS},
            facts={each.name: _fact(each.kind, answer, now) for each, answer in answered if each.kind not in OF_WORDS},
        )


def fill_in(asked: Iterable[Field], recorded: Mapping[str, Any]) -> dict[str, str]:
    """The answers that were recorded, as a form sends them. Words and moments are left to be given again."""
    return {each.name: _as_sent(recorded.get(each.name)) for each in asked if each.kind not in {*OF_WORDS, *MOMENTS}}


def _as_sent(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(value) if isinstance(value, list) else str(value or "")


def _fact(kind: Kind, answer: str, now: datetime) -> Any:
    match kind:
        case Kind.YES_NO:
            return answer == "yes"
        case Kind.SEVERAL:
            return tuple(answer.split(","))
        case Kind.MOMENT | Kind.PAST:
            return _moment(answer, now)
        case Kind.DAY_TO_COME | Kind.PAST_DAY:
            return _day(answer)
        case _:
            return answer


def _moment(answer: str, now: datetime) -> datetime | None:
    try:
        moment = datetime.fromisoformat(answer)
    except ValueError:
        return None
    return moment_of(moment, now) if moment.tzinfo is None else None


def _day(answer: str) -> date | None:
    try:
        return date.fromisoformat(answer)
    except ValueError:
        return None


def _fault_of(moment: datetime | None, now: datetime, *, past: bool) -> Fault | None:
    if moment is None:
        return Fault.NO_MOMENT
    if (moment <= now) != past:
        return Fault.FUTURE if past else Fault.PAST
    return Fault.FAR if abs(moment - now) > YEAR else None


def _fault_of_day(day: date | None, today: date, *, past: bool) -> Fault | None:
    if day is None:
        return Fault.NO_DAY
    if past and day > today:
        return Fault.FUTURE
    if not past and day < today:
        return Fault.PAST
    return Fault.FAR if abs(day - today) > DAYS_AT_MOST else None
