"""Plays every golden story, and compares two protocols, rule by rule and in every story: what changes, and for whom."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from services.protocol.checks.downgrade import GIVEN_UP
from services.protocol.loader import DEFAULT, Library, files, read_rules
from services.protocol.policy.rule_language.grammar import Protocol, format_period
from services.protocol.simulate import AUTHORITY, Told, read_story, tell

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
