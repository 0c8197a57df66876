"""Plays a town's fortnight: many children, drawn from a seed, on the real engine. Counts whom it wakes, what is late.

Each child is played alone. What joins messages of several children (digests, one text for all that is open) is not.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.protocol.loader import Library, fault_of_yaml
from services.protocol.policy.rule_language.grammar import Length, Protocol, format_period, length
from services.protocol.simulate import AUTHORITY, Answers, Story, Timeline, Told, story_of, tell
from services.safeguarding.duty.duties import DutyAcknowledged
from services.safeguarding.roles import ON_DUTY, Channel, Role
from services.safeguarding.working_time import day_in_england, in_england, in_night

TOWNS = Path(__file__).parent / "towns"
AT_ONCE = timedelta(minutes=1)
WEEK = timedelta(days=7)
REPORTED = "child.reported-missing"
ENDS = frozenset({"child.returned", "child.missing-report-retracted"})
OF_POLICE = "tell-police-missing"
"""The rule that asks until police have a report."""


class Written(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Chance(Written):
    """What happens in a life, as a story writes it: `within` so long after its time, or perhaps not at all."""

    happens: dict[str, Any] = Field(alias="is")
    within: Length = timedelta(0)
    chance: float = Field(default=1, gt=0, le=1)


class Life(Written):
    """A kind of child and of days. `from` and `to`: the hour of day, in England, at which it may begin."""

    life: str
    weight: int = Field(gt=0)
    from_hour: int = Field(alias="from", ge=0, le=23)
    to_hour: int = Field(alias="to", ge=0, le=48)
    child: dict[str, Any] = {}
    perhaps: dict[str, float] = {}
    """Facts of the child that are true of so many in one."""
    answers: dict[Role, Answers] = {}
    happens: list[Chance] = Field(min_length=1)


class Most(Written):
    """What one reader may get in a night: for each child missing in it, for each of whom police have no report besides,
    and for all else.
    """

    a_child: int = Field(alias="a-child", default=0)
    unknown_to_police: int = Field(alias="unknown-to-police", default=0)
    otherwise: int = 0


def _list(written: Any) -> Any:
    return written if isinstance(written, list) else [written]


class Town(Written):
    """One file of `towns/`. `answers`: how the holders of a role behave; of several ways each child's has one."""

    town: str
    begins: datetime
    days: int = Field(gt=0, le=60)
    seed: int
    children: int = Field(gt=0)
    answers: dict[Role, Annotated[list[Answers], BeforeValidator(_list)]] = {}
    lives: list[Life] = Field(min_length=1)
    night: dict[Role, Most] = {}
    """Texts by night."""
    one_rule_a_week: int = Field(alias="one-rule-a-week")
    """Of one matter of a rule's to one person who answers."""
    silence: Length
    """So long at most hears nobody on duty that police do not have a report."""

    @property
    def ends(self) -> datetime:
        return self.begins + timedelta(days=self.days)


def read_town(path: Path) -> Town:
    """Raises ValueError that names the fault, with file and line of what is no YAML."""
    try:
        return Town.model_validate(yaml.load(path.read_text(), yaml.CSafeLoader))
    except yaml.YAMLError as error:
        raise ValueError(fault_of_yaml(path, error)) from error


def draw_stories(town: Town) -> list[Story]:
    """The same each time: the seed decides."""
    dice = random.Random(town.seed)  # noqa: S311 a draw that has to come out alike
    return [_draw(town, dice, number) for number in range(town.children)]


def _draw(town: Town, dice: random.Random, number: int) -> Story:
    [life] = dice.choices(town.lives, [each.weight for each in town.lives])
    hours = dice.randrange(town.days - 1) * 24 + dice.uniform(life.from_hour, life.to_hour)
    begins = town.begins + timedelta(minutes=int(hours * 60))
    facts = {name: dice.random() < share for name, share in life.perhaps.items()}
    answers = {role: dice.choice(ways) for role, ways in town.answers.items()} | life.answers
    happens = [
        each.happens | {"at": _later(each.happens["at"], dice.random() * each.within)}
        for each in life.happens
        if dice.random() < each.chance
    ]
    return story_of(
        {
            "story": f"{number + 1}: {life.life}",
            "begins": begins,
            "child": {"adult_on": date(2029, 3, 2), **life.child, **facts},
            "answers": answers,
            "happens": happens,
            "until": _in_minutes(town.ends - begins),
        }
    )


def _later(at: str, by: timedelta) -> str:
    return _in_minutes(length(at) + by)


def _in_minutes(span: timedelta) -> str:
    return f"{span // timedelta(minutes=1)}m"


class Sent(NamedTuple):
    """One telling, when it was sent, and whether somebody had said before that they have the matter."""

    child: int
    at: datetime
    told: Told
    first: bool
    answered: bool

    @property
    def wakes(self) -> bool:
        return self.told.duty.channel is Channel.TEXT and in_night(self.at)

    @property
    def night(self) -> date:
        return _night_of(self.at)


@dataclass(frozen=True)
class Fortnight:
    town: Town
    protocol: Protocol
    lives: Sequence[Timeline]

    @cached_property
    def messages(self) -> list[Sent]:
        return [each for number, life in enumerate(self.lives) for each in _messages(number, life)]

    @cached_property
    def missing(self) -> Mapping[date, int]:
        """By night: how many children were missing in it."""
        return Counter(night for life in self.lives for night in _nights(_absences(life.story, self.town.ends)))

    @cached_property
    def unknown(self) -> Mapping[date, int]:
        """By night: of how many of them police had no report at some time of it."""
        return Counter(night for life in self.lives for night in _nights(_unknown_to_police(life, self.town.ends)))

    def faults(self) -> list[str]:
        """Sentences: who gets more than the town grants them, and what came late or not at all."""
        return [*self._too_many(), *self._repeated(), *self._late()]

    def _too_many(self) -> Iterator[str]:
        for role, most in self.town.night.items():
            got = Counter(each.night for each in self.messages if each.wakes and each.told.duty.role == role)
            for night, count in sorted(got.items()):
                limit = most.otherwise + most.a_child * self.missing[night]
                limit += most.unknown_to_police * self.unknown[night]
                if count > limit:
                    yield f"{role} is woken {count} times in the night of {night:%d %B}: {limit} at most"

    def _repeated(self) -> Iterator[str]:
        by_person: dict[tuple[int, UUID, str, Role], list[datetime]] = defaultdict(list)
        for each in self.messages:
            answers = self.lives[each.child].story.answers.get(each.told.duty.role)
            if answers is not None and answers.acknowledges is not None and each.told.duty.rule != OF_POLICE:
                by_person[each.child, each.told.duty.duty, each.told.duty.rule, each.told.duty.role].append(each.at)
        for (child, _, rule, role), times in by_person.items():
            worst = max(sum(begins <= at < begins + WEEK for at in times) for begins in times)
            if worst > self.town.one_rule_a_week:
                yield f"{rule} asks {role} {worst} times in a week ({self.lives[child].story.story})"

    def _late(self) -> Iterator[str]:
        for life in self.lives:
            name, told = life.story.story, [each for each in life.told if each.duty.act == "tell"]
            for begins, _ in _absences(life.story, self.town.ends):
                after = begins - life.story.begins
                soon = {each.duty.role for each in told if after <= each.after <= after + AT_ONCE}
                if Role.POLICE_CONTROL_ROOM not in soon:
                    yield f"police are not told at once ({name})"
                if not soon & ON_DUTY:
                    yield f"nobody on duty is asked at once ({name})"
            for begins, ends in _unknown_to_police(life, self.town.ends):
                if (gap := _longest_silence(life, begins, ends)) > self.town.silence:
                    yield f"nobody hears for {format_period(gap)} that police have no report ({name})"
            for duty in life.case.duties.values():
                if duty.goes_on and (duty.next_at is None or duty.next_at < self.town.ends):
                    yield f"{duty.rule} is open without a next time ({name})"

    def __str__(self) -> str:
        sent, children = self.messages, len(self.lives)
        absences = sum(len(_absences(each.story, self.town.ends)) for each in self.lives)
        woken = sum(each.wakes for each in sent)
        lines = [
            f"{self.town.town}: {self.town.days} days, {children} children, {absences} absences",
            f"{len(sent)} messages, {len(sent) / children:.1f} a child; {woken} texts by night",
            "",
            f"{'':42}{'all':>7}{'texts':>7}{'mails':>7}{'by night':>10}{'worst night':>13}",
            *self._by_reader(),
            "",
            "By hour, in England: " + "  ".join(f"{hour:02} {count}" for hour, count in self._by_hour()),
            "",
            "Why people are woken, and what ends it:",
            *self._by_rule(),
            "",
            *self._by_kind(),
            "",
            "Open at the end, and asked for by so many messages:",
            *self._never_ended(),
            "",
        ]
        found = self.faults()
        counted = Counter(each.partition(" (")[0] for each in found)
        return "\n".join([*lines, f"Over budget, late or lost: {len(found) or 'nothing'}", *_counted(counted)])

    def _by_reader(self) -> Iterator[str]:
        roles = Counter(each.told.duty.role for each in self.messages)
        for role, count in roles.most_common():
            of_role = [each for each in self.messages if each.told.duty.role == role]
            channels = Counter(each.told.duty.channel for each in of_role)
            nights = Counter(each.night for each in of_role if each.wakes)
            worst = max(nights.values(), default=0)
            yield (
                f"  {role:40}{count:7}{channels[Channel.TEXT]:7}{channels[Channel.EMAIL]:7}"
                f"{sum(nights.values()):10}{worst:13}"
            )

    def _by_hour(self) -> list[tuple[int, int]]:
        return sorted(Counter(in_england(each.at).hour for each in self.messages).items())

    def _by_rule(self) -> Iterator[str]:
        woken = Counter((each.told.duty.rule, str(each.told.duty.role)) for each in self.messages if each.wakes)
        for (rule, role), count in woken.most_common(12):
            until = self.protocol.by_id[rule].until
            yield f"  {count:5}  {rule} to {role}: {', '.join(map(str, until)) or 'an answer'}"

    def _by_kind(self) -> list[str]:
        kinds = Counter("new" if each.first else "answered" if each.answered else "open" for each in self.messages)
        said = {
            "new": "say something new",
            "open": "repeat or pass on what nobody answered",
            "answered": "repeat or pass on what somebody answered",
        }
        return [f"{kinds[kind] / max(1, len(self.messages)):4.0%} {words}" for kind, words in said.items()]

    def _never_ended(self) -> Iterator[str]:
        open_now = {
            (child, each.duty): each.rule
            for child, life in enumerate(self.lives)
            for each in life.case.duties.values()
            if each.goes_on
        }
        asked = Counter(
            open_now[key] for each in self.messages if (key := (each.child, each.told.duty.duty)) in open_now
        )
        matters = Counter(open_now.values())
        for rule, count in asked.most_common(12):
            yield f"  {matters[rule]:5}  {rule}: {count} messages"


def play_town(town: Town, library: Library) -> Fortnight:
    protocol = library.current(AUTHORITY, day_in_england(town.begins))
    return Fortnight(town, protocol, [tell(each, library) for each in draw_stories(town)])


def _absences(story: Story, until: datetime) -> list[tuple[datetime, datetime]]:
    """From each report of a child who is not missing yet until the return."""
    found: list[tuple[datetime, datetime]] = []
    begins = None
    for each in sorted(story.happens, key=lambda happening: happening.at):
        at = story.begins + each.at
        if at >= until:
            break
        if each.event == REPORTED:
            begins = begins or at
        elif each.event in ENDS and begins is not None:
            found.append((begins, at))
            begins = None
    return found if begins is None else [*found, (begins, until)]


def _nights(spans: Sequence[tuple[datetime, datetime]]) -> set[date]:
    """Each by the day on whose evening it began."""
    found = set()
    for begins, ends in spans:
        at = begins
        while at < ends:
            if in_night(at):
                found.add(_night_of(at))
            at += timedelta(minutes=30)
    return found


def _night_of(at: datetime) -> date:
    return day_in_england(at - timedelta(hours=12))


def _unknown_to_police(life: Timeline, until: datetime) -> list[tuple[datetime, datetime]]:
    """Of each absence the part until an officer answers, or a reference is known."""
    known = sorted(life.story.begins + each.after for each in life.heard if _says_police_have_it(life, each.content))
    return [
        (begins, min(ends, next((at for at in known if at >= begins), ends)))
        for begins, ends in _absences(life.story, until)
    ]


def _longest_silence(life: Timeline, begins: datetime, ends: datetime) -> timedelta:
    """Of all on duty, about the report that police do not have."""
    told = (
        life.story.begins + each.after
        for each in life.told
        if each.duty.act == "tell" and each.duty.role in ON_DUTY and each.duty.rule == OF_POLICE
    )
    times = [begins, *(at for at in told if begins <= at < ends), ends]
    return max(later - at for at, later in pairwise(times))


def _says_police_have_it(life: Timeline, content: Any) -> bool:
    """A reference, a grade, an officer's answer, or somebody's word that they have rung. An OK to "ring" is none."""
    if content.kind.startswith(("police.reference", "police.risk-graded")):
        return True
    if not isinstance(content, DutyAcknowledged):
        return False
    told = (
        (each.duty.rule, each.duty.role)
        for each in life.told
        if each.duty.duty == content.duty and each.duty.step == content.step
    )
    return any(
        rule == OF_POLICE and (content.how == "phoned" or role == Role.POLICE_CONTROL_ROOM) for rule, role in told
    )


def _messages(number: int, life: Timeline) -> Iterator[Sent]:
    answered: dict[Any, timedelta] = {}
    for each in life.heard:
        if isinstance(each.content, DutyAcknowledged):
            answered.setdefault(each.content.duty, each.after)
    seen = set()
    for told in life.told:
        if told.duty.act != "tell":
            continue
        before = answered.get(told.duty.duty, told.after) < told.after
        yield Sent(number, life.story.begins + told.after, told, told.duty.duty not in seen, before)
        seen.add(told.duty.duty)


def _counted(sentences: Counter[str]) -> list[str]:
    return [f"  {count:5}  {sentence}" for sentence, count in sentences.most_common(30)]
