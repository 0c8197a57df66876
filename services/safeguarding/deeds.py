"""Lists every deed by name, from `deeds.yaml`: the fields of its form, and the event that records it.

Reads the answers to a form, and names every fault by its field.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Self, cast, get_args
from uuid import UUID

from services.safeguarding.child_events.events import Event, PoliceReply, Told, ToldOfEpisode
from services.safeguarding.contracts import contracts
from services.safeguarding.identifiers import AuthorityId, ForceId, PersonId, WordsId
from services.safeguarding.message import Message
from services.safeguarding.notice_fields import ASKED_OF_CARERS
from services.safeguarding.roles import DEEDS, Deed
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


@dataclass(frozen=True, slots=True)
class Matter:
    """What a deed is about, and who records it by which channel. The envelope's subject is the child."""

    authority: AuthorityId
    channel: str
    """As `Told.channel`: `page` by a link in a mail or a text, `console` by an operator."""
    episode: UUID | None = None
    force: ForceId | None = None
    said_by: PersonId | None = None
    corrects: UUID | None = None
    """The id of the event that recorded it before."""
    duty: UUID | None = None
    """Whose form it is."""


@dataclass(frozen=True, slots=True)
class DeedSpec:
    """`ends` are the triggers that its event may set off: the words that a rule of this deed has under `until`."""

    deed: Deed
    kind: type[Event]
    ends: tuple[str, ...]
    asks: tuple[Field, ...] = ()
    facts: Callable[[Answers], Mapping[str, Any]] = lambda answers: answers.facts
    """The fields of the event."""
    needs: Callable[[Answers], Mapping[str, Fault]] = lambda _answers: {}
    """Faults that lie between fields, such as a reason that is missing where the child declined."""
    within: timedelta | None = None
    """The deed's time limit, if it has one: its people are asked before it is over (decision 106)."""
    folds: bool = True
    """Whether the optional fields of a page behind a link are hidden until they are tapped."""

    def read(self, act: UUID, form: Mapping[str, str], now: datetime) -> Answers:
        """`now` is story time. Raises Faults."""
        answers = Answers.read(act, self.asks, form, now)
        if faults := self.needs(answers):
            raise Faults(dict(faults))
        return answers

    def is_about_police(self) -> bool:
        """Only of an episode whose force is known."""
        return issubclass(self.kind, PoliceReply)

    def event(self, matter: Matter, answers: Answers) -> Event:
        """Takes answers whose words are in the register already."""
        words = tuple(each for ids in answers.words.values() for each in ids)
        told: dict[str, Any] = {"authority": matter.authority, "words": words} | dict(self.facts(answers))
        if issubclass(self.kind, Told):
            told |= {"channel": matter.channel, "said_by": matter.said_by, "corrects_event": matter.corrects}
        if issubclass(self.kind, ToldOfEpisode | PoliceReply):
            told["episode"] = matter.episode
        if "duty" in self.kind.model_fields:
            told["duty"] = matter.duty
        if issubclass(self.kind, PoliceReply):
            told |= {"force": matter.force, "reply": str(answers.act)}
        return self.kind.model_validate(told)


def _read(
    deed: str,
    *,
    ends: Sequence[str],
    event: str = "care-step.recorded",
    steps: Sequence[str] = (),
    asked_as: str | None = None,
    asks: Mapping[str, Any] | None = None,
    note: bool = True,
    needs: Mapping[str, Mapping[str, object]] | None = None,
    within_hours: int | None = None,
) -> DeedSpec:
    """Each word of the file is an argument, so that an unknown word is refused."""
    contract = cast("type[Event]", contracts()[f"{event}.v1"])
    return DeedSpec(
        Deed(deed),
        contract,
        tuple(ends),
        (
            *([] if asked_as is None else [ask_choice(asked_as, *steps)]),
            *(read_field(name, asked, contract) for name, asked in (asks or {}).items()),
            *([NOTE] if note else []),
        ),
        facts=partial(_step_facts, asked_as, steps) if steps else lambda answers: answers.facts,
        needs=partial(_needs, needs or {}),
        within=None if within_hours is None else timedelta(hours=within_hours),
    )


def read_field(name: str, asked: Any, event: type[Event]) -> Field:
    """As a file of forms writes it. `event` knows the choices of a field that it has."""
    short = {"choices": asked} if isinstance(asked, list) else {"kind": asked}
    return _field(name, event, **(asked if isinstance(asked, dict) else short))


def _field(
    name: str, event: type[Event], *, kind: str = Kind.CHOICE, required: bool = True, choices: Sequence[str] = ()
) -> Field:
    known = (
        ("yes", "no") if kind == Kind.YES_NO else _choices(getattr(event.model_fields.get(name), "annotation", None))
    )
    return Field(name, Kind(kind), required, tuple(choices) or known)


def _choices(annotation: Any) -> tuple[str, ...]:
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return tuple(annotation)
    return next(filter(None, map(_choices, get_args(annotation))), ())


def _step_facts(name: str | None, steps: Sequence[str], answers: Answers) -> Mapping[str, Any]:
    return {"step": steps[0] if name is None else answers.facts[name]}


def _needs(after: Mapping[str, Mapping[str, object]], answers: Answers) -> Mapping[str, Fault]:
    left_out = (name for name in after if name not in answers.facts and name not in answers.said)
    return {name: Fault.MISSING for name in left_out if after[name].items() <= answers.facts.items()}


def _leave_facts(answers: Answers) -> Mapping[str, Any]:
    return {"expires_on": answers.facts["expires_on"]} if answers.facts["lasts"] == "until-a-day" else {}


def _profile_facts(answers: Answers) -> Mapping[str, Any]:
    return {"changed": answers.facts["profile"] == "filled-in", "photograph": answers.facts["photograph"]}


def _profile_needs(answers: Answers) -> Mapping[str, Fault]:
    is_empty = answers.facts["profile"] == "filled-in" and not answers.said
    return {ASKED_OF_CARERS[0]: Fault.MISSING} if is_empty else {}


def _describe_profile(written: DeedSpec) -> DeedSpec:
    """With a field for each question to carers, in the middle."""
    first, *rest = written.asks
    asks = (first, *(Field(name, Kind.WORDS, required=False) for name in ASKED_OF_CARERS), *rest)
    return replace(written, asks=asks, facts=_profile_facts, needs=_profile_needs, folds=False)


_READ = {Deed(name): _read(name, **about) for name, about in DEEDS.items()}
DEED_SPECS: Mapping[Deed, DeedSpec] = _READ | {
    Deed("leave"): replace(_READ[Deed("leave")], facts=_leave_facts),
    Deed("profile"): _describe_profile(_READ[Deed("profile")]),
}
EVENTS_OF_DEEDS = frozenset(each.kind for each in DEED_SPECS.values())


def deed_of(event: Message | None) -> Deed | None:
    """The deed that the event records. None: no form does."""
    step = str(getattr(event, "step", "")).replace("-", ".")
    of_kind = [each for each in DEED_SPECS.values() if isinstance(event, each.kind)]
    return next(
        (each.deed for each in of_kind if not step or step in {end.replace("-", ".") for end in each.ends}), None
    )
