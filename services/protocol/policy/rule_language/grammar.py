"""Defines the protocol's grammar. It is closed: an unknown word is refused, and there is no expression language.

Lengths of time are read as the protocol writes them: `30s`, `5m`, `24h`, `28d`.
"""

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, model_validator

from services.protocol.policy.rule_language.vocabulary import NUMBERED, Condition, DateOf, Mark, Question, Trigger
from services.safeguarding.child_events.care_events import LeaveKind
from services.safeguarding.deeds import DEED_SPECS
from services.safeguarding.meetings import Meets
from services.safeguarding.roles import ON_DUTY, Channel, Deed, Role, Wording

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


INVITES = frozenset({Wording("strategy-discussion"), Wording("full-meeting")})
"""Messages of an invitation to a discussion."""
RULE_ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"


class Grammar(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Asked(Grammar):
    """A question, and its number where it takes one: `child.unaccompanied`, `child.age-under: 16`."""

    question: Question
    number: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _as_written(cls, written: Any) -> Any:
        if isinstance(written, str):
            return {"question": written}
        if isinstance(written, dict) and len(written) == 1 and "question" not in written:
            ((question, number),) = written.items()
            return {"question": question, "number": number}
        return written

    @model_validator(mode="after")
    def _number_where_needed(self) -> "Asked":
        if (self.question in NUMBERED) != (self.number is not None):
            raise ValueError(f"{', '.join(sorted(NUMBERED))} take a number, and no other question takes one")
        return self

    @property
    def words(self) -> str:
        return str(self.question) if self.number is None else f"{self.question} {self.number}"


class When(Grammar):
    """Each line given must hold: at least one of `any`, each of `all`, not one of `none`."""

    any: tuple[Asked, ...] = ()
    all: tuple[Asked, ...] = ()
    none: tuple[Asked, ...] = ()


ALWAYS = When()


class DutyBecomes(Grammar):
    """A change of another rule's duty."""

    duty: str = Field(pattern=RULE_ID)
    becomes: Literal["accepted", "acknowledged", "failed"]


class Step(Grammar):
    """Whom to tell next while nobody has answered. `after` counts from the duty's creation."""

    after: Length
    unless: Literal["accepted"] | None = None
    again: bool = False
    """Tells the first recipient once more, if their system took the first telling; otherwise it is still tried."""
    tell: Role | None = None
    by: Channel | None = None
    message: Wording | None = None
    """None: the rule's own message."""
    repeat: Length | None = None
    """The last human is asked again this often, so that the duty never falls silent."""

    @model_validator(mode="after")
    def _someone_to_tell(self) -> "Step":
        if self.again == (self.tell is not None) or (self.tell is None) != (self.by is None):
            raise ValueError("a step either says `again: true`, or whom to `tell` and `by` what")
        return self


class Before(Grammar):
    """The rule's time comes so long before a date, at nine in the morning in England. `0d` is the day itself."""

    date: DateOf
    after: CalendarLength | None = None
    """What is counted down to is so long after the date."""
    by: tuple[CalendarLength, ...] = Field(min_length=1)
    late: CalendarLength | None = None
    """How long after the date it is still told, where we learnt of the date too late. None: without limit."""


class Letter(Grammar):
    """What the law says of a grant of leave, which its letter is set against: the last day by its kind, so long from
    the grant, or until an age if that is sooner.
    """

    lasts: dict[LeaveKind, CalendarLength]
    until_age: dict[LeaveKind, CalendarLength] = Field({}, alias="until-age")


class Reason(Grammar):
    """Why the rule exists: `S36` is a paragraph of the guidance, anything else a source of the practice digest."""

    cite: tuple[str, ...] = Field(min_length=1)
    kind: Literal["guidance", "default", "local"]
    note: str = Field(min_length=1)


def _listed(written: Any) -> Any:
    return written if isinstance(written, list | tuple) else [written]


def _with_lengths(written: Any) -> Any:
    """Reads `60m` and `24h`, as everywhere in a rule."""
    lengths = {"day", "night", "lasts", "warn", "answer", "notice"}
    if not isinstance(written, dict):
        return written
    return {name: length(each) if name in lengths else each for name, each in written.items()}


class Approval(Grammar):
    """Guidance is followed unless there are exceptional reasons (S6): who decided so, and why."""

    by: str = Field(min_length=1)
    reasons: str = Field(min_length=1)


class Rule(Grammar):
    """On this, under these conditions, tell this role by this channel, and if nobody answers, the next."""

    id: str = Field(pattern=RULE_ID)
    since: date | None = Field(None, alias="from")
    """The first day on which it holds. What it set off before its last day goes on."""
    to: date | None = None
    """The last day. Another rule of the same id may follow it."""
    state: Literal["found", "to-be-confirmed"] = "found"
    """`to-be-confirmed`: nobody has read its source, and it is off until an authority says it in a file of its own."""
    on: Annotated[tuple[Trigger | DutyBecomes, ...], BeforeValidator(_listed)] = Field(min_length=1)
    when: When = When()
    unknown: Literal["counts-as-yes", "counts-as-no"] = "counts-as-yes"
    """An unknown fact protects: it counts as yes, and is a gap. `no` only where telling would be more than needed."""
    wait: Length | None = None
    """The rule comes to its time this long after the decision."""
    period: Length | None = None
    """The rule comes to its time this long after what happened, whenever we learnt of it."""
    workdays: int | None = Field(default=None, ge=1, le=60)
    """The rule comes to its time at nine on the working day that comes so many after what happened."""
    every: Length | None = None
    """After its time it comes again this often, until something under `until`. One series an episode, or a child."""
    hours: Literal["any", "working", "evening"] = "any"
    """`working`: at once in working hours, else at nine on the next working day. For people who are not on duty at
    night; with `every`, each time. `evening`: at half past eight, that day's or the next. A late one comes at once, but
    after ten the next evening, unless another question has its turn then.
    """
    before: Before | None = None
    """The rule comes to its time once for each length before the date. Of the times that are past when we learn of the
    date, the last is told at once.
    """
    about: Literal["child", "episode"] = "child"
    """Of a rule with `before`: whether it is told of the child, or of the episode that is open then."""
    letter: Letter | None = None
    """Of a grant of leave: only where its letter says another last day than the law."""
    whose: Literal["responsible", "former", "giving"] = "responsible"
    """Which authority's people: of a child who was transferred, those of the authority before; `giving`, the same where
    the event is the transfer itself.
    """
    marks: Mark | None = None
    """What is so of the child once this rule has told somebody."""
    watch: Literal["opens"] | None = None
    """Once it has told somebody a watch is open."""
    episode: Literal["opens"] | None = None
    """Once it has told somebody the child counts as reported missing."""
    tell: Role
    by: Channel | None = None
    """Left out for `everyone-told`: each is told by the channel by which they were told before."""
    among: Literal["police", "people", "team", "duty", "workers", "others", "speaker"] | None = None
    """Of `everyone-told`, only these. People are those on duty and the others: the child's workers (social worker,
    guardian, ...) and the desks of the Home Office and the host authority. `team`: people without the desks. Of
    `carer.reporting`, `others`: those who reported, but for whoever says this now; `speaker`: whoever does, alone.
    """
    message: Wording
    meets: Annotated[Meets, BeforeValidator(_with_lengths)] | None = None
    """Of an invitation: when the discussion meets. Rules that invite to one discussion say the same."""
    urgent: bool = True
    """False: nobody is told, asked again or followed by the next person but in working hours; about an absence, whoever
    is on duty by day, weekends included. A mail to somebody on duty wakes nobody.
    """
    within: Length | None = None
    """By when the other end should have accepted. A measure, not a step."""
    enough: Literal["acknowledged", "accepted", "done"] = "acknowledged"
    """What ends the duty: a named person's answer; where it only informs, that the other end has taken it; where an
    answer is not the thing done, only what stands under `until`.
    """
    deed: Deed | None = None
    """What is to be done. `enough` is then `done`: whoever answers is asked again after the rest, and then the next."""
    rests: Length | None = None
    """How long an answer that does not end the duty lets it rest before its next step. Where `enough` is `done`, that
    is any answer. Else it is an answer by somebody told in another's place, who has not rung that other either.
    """
    otherwise: tuple[Step, ...] = ()
    until: tuple[Trigger, ...] = ()
    day: Literal["ends"] | None = None
    """Once the day that the event names is over, nobody is asked any more."""
    because: Reason
    approved: Approval | None = None
    """Needed where an authority's rule asks less than the default it replaces."""
    protocol: str
    """Name and version of the file it comes from."""

    @model_validator(mode="before")
    @classmethod
    def _done_where_a_deed_is(cls, written: Any) -> Any:
        return {"enough": "done", **written} if isinstance(written, dict) and "deed" in written else written

    @model_validator(mode="after")
    def _words_go_together(self) -> "Rule":
        if self.since is not None and self.to is not None and self.to < self.since:
            raise ValueError("`to` is the last day, and no earlier than `from`")
        if (self.by is None) != (self.tell == Role.EVERYONE_TOLD):
            raise ValueError("`by` is needed, except for everyone-told, who are told as before")
        of_carers = self.tell == Role.CARER_REPORTING and self.among in {"others", "speaker"}
        of_some = of_carers or (self.tell == Role.EVERYONE_TOLD and self.among != "speaker")
        if self.among is not None and not of_some:
            msg = "`among` says which of everyone-told are meant, or of carer.reporting the `others` or the `speaker`"
            raise ValueError(msg)
        timed = sum(each is not None for each in (self.wait, self.period, self.before, self.workdays))
        timed += self.hours == "working" and self.wait is None and self.period is None
        if timed > 1:
            msg = "a rule has one of `wait`, `period`, `workdays`, `before`; `hours: working` goes with `wait` and `period`"
            raise ValueError(msg)
        if (self.meets is not None) != (self.by == Channel.INVITATION and self.message in INVITES):
            raise ValueError("an invitation to a discussion says when it `meets`, and nothing else does")
        if self.enough == "accepted" and self.rests is not None:
            raise ValueError("a duty that ends when it is taken never `rests`")
        if self.deed is not None and self.enough != "done":
            raise ValueError("a `deed` ends its duty when it is done: no answer is `enough`")
        if self.enough == "done" and (self.rests is None or not self.until):
            msg = "`enough: done` needs `until`, which says what that is, and `rests`, for an answer before it"
            raise ValueError(msg)
        if self.every is not None and self.wait is None and self.period is None:
            raise ValueError("`every` says how often again; `wait` or `period` says when first")
        return self

    @property
    def latest(self) -> timedelta | None:
        """How long after its cause the rule is told at the latest, where its deed has a time limit (decision 106)."""
        within = None if self.deed is None or self.every is not None else DEED_SPECS[self.deed].within
        return within if within and self.hours == "working" and self.period and self.period <= within else None

    @property
    def first_hours(self) -> str:
        """The `hours` of its first telling."""
        return self.hours_of(self.tell, self.by) if self.hours == "any" else self.hours

    def hours_of(self, role: Role, channel: Channel | None) -> str:
        """When whoever has this role may be told: at any hour where it is urgent."""
        if self.urgent or (role in ON_DUTY and channel != Channel.TEXT):
            return "any"
        return "day" if role in ON_DUTY and Trigger.MISSING_RETRACTED in self.until else "working"

    @property
    def waits(self) -> bool:
        return any(each is not None for each in (self.wait, self.period, self.before, self.workdays))


class StandDown(Grammar):
    """What ends a search. `code`: a code sent back from the carer's handset. `word`: the word of the child's carer."""

    by_text: Literal["code", "word"] = Field("code", alias="by-text")


class MassReport(Grammar):
    """Of so many children reported by one source within so long, people are told by one message with a count."""

    children: int = Field(ge=2, le=100)
    within: Length


class Protocol(Grammar):
    """All rules that hold for one authority, merged. `hash` names this text for ever."""

    authority: str
    hash: str
    closing: tuple[Condition, ...]
    watch_on: tuple[Trigger, ...] = ()
    """What opens a watch: heightened risk, told to police as raised risk without its cause."""
    stand_down: StandDown = StandDown()
    mass_report: MassReport | None = None
    rules: tuple[Rule, ...]

    @property
    def label(self) -> str:
        return f"{self.authority} {self.hash[:12]}"

    @cached_property
    def by_id(self) -> dict[str, Rule]:
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def _by_trigger(self) -> dict[Trigger, tuple[Rule, ...]]:
        return _grouped((on, rule) for rule in self.rules for on in rule.on if isinstance(on, Trigger))

    @cached_property
    def _by_duty(self) -> dict[tuple[str, str], tuple[Rule, ...]]:
        return _grouped(
            ((on.duty, on.becomes), rule) for rule in self.rules for on in rule.on if isinstance(on, DutyBecomes)
        )

    def on(self, trigger: Trigger) -> tuple[Rule, ...]:
        return self._by_trigger.get(trigger, ())

    def on_duty(self, rule: str, becomes: str) -> tuple[Rule, ...]:
        return self._by_duty.get((rule, becomes), ())


def _grouped(pairs: Iterable[tuple[Any, Rule]]) -> dict[Any, tuple[Rule, ...]]:
    groups: dict[Any, tuple[Rule, ...]] = {}
    for key, rule in pairs:
        groups[key] = (*groups.get(key, ()), rule)
    return groups
