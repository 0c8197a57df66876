"""Plays every golden story, compares two protocols by them, and counts what readers are sent, and what was needless."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import yaml

from services.protocol.checks.downgrade import GIVEN_UP
from services.protocol.checks.spelling import Finding
from services.protocol.loader import DEFAULT, Library, files, read_rules
from services.protocol.policy.rule_language.grammar import Protocol, format_period
from services.protocol.simulate import AUTHORITY, Story, Timeline, Told, read_story, story_of, tell
from services.safeguarding.duty.duties import Because, Duty, DutyAcknowledged
from services.safeguarding.roles import CARERS, ON_DUTY, Channel, Role, Wording
from services.safeguarding.working_time import in_night

STORIES = Path(__file__).parents[3] / "tests" / "scenarios"


def story_files(folder: Path = STORIES) -> list[Path]:
    """Raises FileNotFoundError if there are none: stories are files of the repository, not part of the package."""
    found = sorted(folder.rglob("*.yaml"))
    if not found:
        raise FileNotFoundError(f"{folder} holds no stories")
    return found


def name_of(path: Path, folder: Path = STORIES) -> str:
    return path.relative_to(folder).as_posix()


@cache
def play_all() -> dict[str, frozenset[str]]:
    """By the story's file: the rules that told somebody. On the default rules, all of them."""
    library = Library(files())
    told = {name_of(path): tell(read_story(path), library).told for path in story_files()}
    return {name: frozenset(each.duty.rule for each in all_ if each.duty.act == "tell") for name, all_ in told.items()}


LEFT_OUT = {"protocol", "because"}
"""Fields of a rule that change nothing for anybody: where it stands, and why."""


@dataclass(frozen=True, order=True)
class Change:
    """For one recipient in one story. `before` or `now` is None where nothing was or is told."""

    who: str
    what: str
    before: timedelta | None
    now: timedelta | None
    story: str

    @property
    def words(self) -> str:
        if self.before is None:
            return f"is told now: {self.what}, at {_at(self.now)}"
        if self.now is None:
            return f"is told no longer: {self.what}, at {_at(self.before)}"
        later = "later" if self.now > self.before else "sooner"
        return f"is told {later}: {self.what}, at {_at(self.now)} instead of {_at(self.before)}"


def rules_in(place: Path) -> Library:
    """A file or folder of rules. Without default rules it stands upon ours. Raises ValueError for other files."""
    paths = sorted(place.glob("*.yaml")) if place.is_dir() else [place]
    if not paths:
        raise ValueError(f"{place} holds no rules: a folder of *.yaml, or one such file")
    own = [read_rules(path) for path in paths]
    has_default = any(each.authority == DEFAULT for each in own)
    return Library([*([] if has_default else files()), *own])


def difference(old: Library, new: Library, authority: str, stories: Path = STORIES) -> str:
    """Sentences: which rules differ, and for whom in which stories. Raises FileNotFoundError without stories."""
    changed = [*_rules(old.current(authority), new.current(authority))]
    if not changed:
        return f"For {authority} nothing changes.\n"
    lines = [f"For {authority}, these rules differ:", "", *changed, ""]
    paths = story_files(stories)
    changes = [change for path in paths for change in _in_story(path, old, new, authority, stories)]
    told = {change.story for change in changes}
    lines.append(
        f"Somebody is told otherwise in {len(told)} of {len(paths)} stories."
        if told
        else f"In none of {len(paths)} stories is anybody told otherwise."
    )
    return "\n".join([*lines, *_for_whom(changes)]).rstrip() + "\n"


def _rules(old: Protocol, new: Protocol) -> Iterator[str]:
    for name in sorted(old.by_id.keys() | new.by_id.keys()):
        before, now = old.by_id.get(name), new.by_id.get(name)
        if before is None or now is None:
            yield f"  {name}: {'new' if before is None else 'gone'}"
            continue
        for key, was in _fields(before).items():
            if was != (is_now := _fields(now)[key]):
                yield f"  {name}: {key} was {_written(was)}, is now {_written(is_now)}"
    for key in ("closing", "watch_on"):
        if (was := set(getattr(old, key))) != (is_now := set(getattr(new, key))):
            yield f"  {key.replace('_', '-')}: was {_written(sorted(was))}, is now {_written(sorted(is_now))}"

    if (before_text := old.stand_down.by_text) != (now_text := new.stand_down.by_text):
        gives_up = f": {GIVEN_UP}" if now_text == "word" else ""
        yield f"  stand-down: by-text was {before_text}, is now {now_text}{gives_up}"


def _fields(rule: Any) -> dict[str, Any]:
    return {key: value for key, value in rule if key not in LEFT_OUT}


def _written(value: Any) -> str:
    if value is None or value in ((), []):
        return "nothing"
    if isinstance(value, timedelta):
        return format_period(value)
    if isinstance(value, list | tuple):
        return "; ".join(map(_written, value))
    if hasattr(value, "model_dump"):
        given = ((key, each) for key, each in value if each not in (None, False, ()))
        return " ".join(f"{key} {_written(each)}" for key, each in given) or "always"
    return str(getattr(value, "words", value))


def _in_story(path: Path, old: Library, new: Library, authority: str, stories: Path) -> Iterator[Change]:
    story = read_story(path)
    if story.child.authority == AUTHORITY:
        story = story.model_copy(update={"child": story.child.model_copy(update={"authority": authority})})
    before, now = (_by_recipient(tell(story, library).told) for library in (old, new))
    for key in sorted(before.keys() | now.keys()):
        yield from _paired(*key, before.get(key, []), now.get(key, []), name_of(path, stories))


def _by_recipient(told: Iterable[Told]) -> dict[tuple[str, str], list[timedelta]]:
    found: dict[tuple[str, str], list[timedelta]] = defaultdict(list)
    for each in told:
        what = f"{each.duty.wording} by {each.duty.channel}" + (", withdrawn" if each.duty.act == "withdraw" else "")
        found[each.duty.role, what].append(each.after)
    return found


def _paired(who: str, what: str, before: list[timedelta], now: list[timedelta], story: str) -> Iterator[Change]:
    """Matches tellings at equal times, then pairs the rest in order."""
    was = [at for at in before if at not in now]
    is_now = [at for at in now if at not in before]
    for index in range(max(len(was), len(is_now))):
        first, then = (times[index] if index < len(times) else None for times in (was, is_now))
        yield Change(who, what, first, then, story)


def _for_whom(changes: list[Change]) -> Iterator[str]:
    by_role: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for each in changes:
        by_role[each.who][each.words].append(each.story)
    for role in sorted(by_role):
        yield f"\n{role}"
        for words, stories in by_role[role].items():
            yield f"  {words}  ({', '.join(Path(story).stem for story in dict.fromkeys(stories))})"


def _at(span: timedelta | None) -> str:
    return "the same moment" if span == timedelta(0) else format_period(span or timedelta())


BUDGET = Path(__file__).parent / "message_budget.yaml"
SAID_LATELY = timedelta(hours=1)
SEVERAL = frozenset({*CARERS, Role.DIRECTORY_CONTACT})
"""Roles that several people hold at once, each a reader."""
Matter: TypeAlias = tuple[UUID | None, Wording]
KINDS = {Channel.WEBHOOK: "notices", Channel.TEXT: "texts", Channel.EMAIL: "mails", Channel.INVITATION: "invitations"}
ESCALATES = frozenset({Because.NOT_ACCEPTED, Because.NOT_ACKNOWLEDGED, Because.FAILED, Because.NOBODY_IN_ROLE})


@dataclass
class MessageCount:
    """What one reader of a story was sent, in order."""

    role: Role
    sent: list[Told] = field(default_factory=list)
    needless: list[Told] = field(default_factory=list)
    """Messages that repeat one of the last hour, or say that nobody has answered though somebody on duty has."""

    def __str__(self) -> str:
        counts = [(sum(each.duty.channel == channel for each in self.sent), kind) for channel, kind in KINDS.items()]
        said = ", ".join(f"{count} {kind if count > 1 else kind[:-1]}" for count, kind in counts if count)
        needless = ", ".join(str(each) for each in self.needless)
        return f"  {self.role}: {said}" + (f"; {len(self.needless)} needless ({needless})" if needless else "")


def count_messages(timeline: Timeline) -> list[MessageCount]:
    """For each reader, in the order in which they first hear. A withdrawal is no message."""
    found: dict[tuple[Role, str | None], MessageCount] = {}
    firsts = {each.duty.duty: each.duty for each in reversed(timeline.told)}
    answered = _answers_of_duty_staff(timeline, firsts)
    for each in timeline.told:
        role, person = each.duty.role, each.duty.person
        if each.duty.act == "tell":
            reader = found.setdefault((role, person if role in SEVERAL else None), MessageCount(role))
            if _is_repeated(each, reader.sent) or _is_answered(each, firsts, answered):
                reader.needless.append(each)
            reader.sent.append(each)
    return list(found.values())


def _answers_of_duty_staff(timeline: Timeline, firsts: dict[UUID, Duty]) -> dict[Matter, timedelta]:
    """When somebody on duty first said of a matter that they have it."""
    roles = {(each.duty.duty, each.duty.step): each.duty.role for each in timeline.told}
    found: dict[Matter, timedelta] = {}
    for each in timeline.heard:
        answer = each.content
        if isinstance(answer, DutyAcknowledged) and roles[answer.duty, answer.step] in ON_DUTY:
            found.setdefault(_matter(firsts[answer.duty]), each.after)
    return found


def _matter(duty: Duty) -> Matter:
    return duty.episode, duty.wording


def _is_repeated(told: Told, before: list[Told]) -> bool:
    same = (each for each in before if each.duty.wording == told.duty.wording)
    return any(told.after - each.after < SAID_LATELY for each in same)


def _is_answered(told: Told, firsts: dict[UUID, Duty], answered: dict[Matter, timedelta]) -> bool:
    """An invitation is each reader's own: nobody on duty answers it for them."""
    first = firsts[told.duty.duty]
    if told.duty.because not in ESCALATES or first.channel is Channel.INVITATION:
        return False
    return answered.get(_matter(first), told.after) < told.after


def budgeted_stories() -> list[Story]:
    return [story_of(each) for each in yaml.load(BUDGET.read_text(), yaml.CSafeLoader)]


def over_budget(story: Story, counts: Sequence[MessageCount]) -> Iterator[tuple[str, int, int]]:
    """Who gets more than the story grants them: `duty.worker text`, how many, and the most."""
    for reader, most in story.most.items():
        role, _, which = reader.partition(" ")
        sent = [each for count in counts if role in {count.role, "all"} for each in count.sent]
        got = sum(which in {"", each.duty.channel, _part_of_day(story, each)} for each in sent)
        if got > most:
            yield reader, got, most


def _part_of_day(story: Story, told: Told) -> str:
    return "night" if in_night(story.begins + told.after) else "day"


def wakes_needlessly(timeline: Timeline) -> list[Told]:
    """Texts by night of rules that can wait."""
    sent = (each for each in timeline.told if each.duty.act == "tell" and each.duty.channel is Channel.TEXT)
    return [each for each in sent if not each.duty.urgent and _part_of_day(timeline.story, each) == "night"]


def budget_faults() -> list[Finding]:
    """Readers who get more than the budget from the shipped rules, or are woken for what can wait."""
    library = Library(files())
    return [
        Finding(BUDGET, None, None, f"{says} in {story.story!r}", instead)
        for story in budgeted_stories()
        for says, instead in _faults_of(tell(story, library))
    ]


def _faults_of(timeline: Timeline) -> Iterator[tuple[str, str]]:
    for reader, got, most in over_budget(timeline.story, count_messages(timeline)):
        yield f"{reader} gets {got} messages", f"rules that send {most} at most"
    for each in wakes_needlessly(timeline):
        yield f"{each} wakes somebody, and can wait", "`urgent: true`, where it cannot"
