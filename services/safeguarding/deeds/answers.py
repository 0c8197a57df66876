"""Reads the answers to a form, and names every fault by its field."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID

from services.safeguarding.identifiers import WordsId
from services.safeguarding.working_time import ENGLAND

LINE_AT_MOST, WORDS_AT_MOST = 120, 2000
YEAR = timedelta(days=365)


class Kind(StrEnum):
    LINE = "line"
    """Words of one line, kept in the register."""
    WORDS = "words"
    """Words of several lines, kept in the register."""
    CHOICE = "choice"
    STEP = "step"
    """A choice among the duty's tellings."""
    MOMENT = "moment"
    """In the future, in local time, as a browser's `datetime-local` sends it."""


class Fault(StrEnum):
    MISSING = "missing"
    TOO_LONG = "too-long"
    NOT_OFFERED = "not-offered"
    NO_MOMENT = "no-moment"
    PAST = "past"
    FAR = "far"
    """More than a year ahead: a typing error."""
    BEFORE_START = "before-start"


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
            case Kind.LINE | Kind.WORDS:
                most = LINE_AT_MOST if self.kind is Kind.LINE else WORDS_AT_MOST
                return Fault.TOO_LONG if len(answer) > most else None
            case Kind.MOMENT:
                return _fault_of(_moment(answer), now)
            case _:
                return None if answer in self.choices else Fault.NOT_OFFERED


class Faults(Exception):
    """`by_field` in the order of the form."""

    def __init__(self, by_field: dict[str, Fault]) -> None:
        super().__init__(", ".join(by_field))
        self.by_field = by_field


@dataclass(frozen=True, slots=True)
class Answers:
    """`act` is the form's id: sent twice, one act. `said` are words to keep, `words` their ids in the register."""

    act: UUID
    chosen: Mapping[str, str] = field(default_factory=dict)
    moments: Mapping[str, datetime] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, tuple[WordsId, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, act: UUID, asked: Iterable[Field], form: Mapping[str, str], now: datetime) -> Self:
        """`now` is story time. Raises Faults."""
        given = [(each, form.get(each.name, "")) for each in asked]
        faults = {each.name: fault for each, answer in given if (fault := each.fault(answer, now)) is not None}
        if faults:
            raise Faults(faults)
        moments = {each.name: _moment(answer) for each, answer in given if each.kind is Kind.MOMENT}
        return cls(
            act,
            {each.name: answer for each, answer in given if each.kind in {Kind.CHOICE, Kind.STEP}},
            {name: moment for name, moment in moments.items() if moment is not None},
            {each.name: answer for each, answer in given if each.kind in {Kind.LINE, Kind.WORDS} and answer},
        )


def _moment(answer: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(answer)
    except ValueError:
        return None
    return moment.replace(tzinfo=ENGLAND) if moment.tzinfo is None else None


def _fault_of(moment: datetime | None, now: datetime) -> Fault | None:
    if moment is None:
        return Fault.NO_MOMENT
    if moment <= now:
        return Fault.PAST
    return Fault.FAR if moment > now + YEAR else None
