"""Holds what rules may cite and the law's numbers, as shipped and as files add to it.

A source is a text that rules cite: title, edition, the days on which each was in force, its last check. A rule names
a number (`{ value: appeal-time, less: 7d }`) and gets that day's. What is written with `from` and `to` holds on both
days.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, cached_property
from itertools import combinations, product
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

FIRST_DAY = date(1900, 1, 1)
TO_BE_CONFIRMED = "to-be-confirmed"
State = Literal["found", "to-be-confirmed"]
"""`found`: somebody has read the source. `to-be-confirmed`: nobody has, so it is off."""
Period = tuple[date | None, date | None]
"""First and last day. None: without limit."""


def day_of(written: object) -> date | None:
    """A day as YAML or JSON gives it. Raises ValueError for anything but a day."""
    if written is None or (isinstance(written, date) and not isinstance(written, datetime)):
        return written
    try:
        return date.fromisoformat(str(written))
    except ValueError:
        raise ValueError(f"{written!r} is no day: write 2026-12-01") from None


def period_of(written: Mapping[str, Any], since: date | None = None) -> Period:
    """`since` is the first day where the mapping itself names none. Raises ValueError for what is no day."""
    return day_of(written.get("from")) or since, day_of(written.get("to"))


def holds(period: Period, on: date) -> bool:
    first, last = period
    return (first is None or first <= on) and (last is None or on <= last)


def overlap(one: Period, other: Period) -> bool:
    starts, ends = max(one[0] or date.min, other[0] or date.min), min(one[1] or date.max, other[1] or date.max)
    return starts <= ends


def turning_days(periods: Iterable[Period]) -> tuple[date, ...]:
    """Days on which something begins or ends, after one before them all. Nothing changes between two of them."""
    both = list(periods)
    begins = {first for first, _ in both if first is not None}
    ended = {last + timedelta(days=1) for _, last in both if last is not None}
    return (FIRST_DAY, *sorted((begins | ended) - {FIRST_DAY}))


CHECKED_WITHIN = timedelta(days=180)
SOURCE_ID = r"^[A-Za-z0-9]+([ .-][A-Za-z0-9]+)*$"


class Source(BaseModel):
    """One text, in one edition. A rule cites it by its id, or by a paragraph that its pattern describes."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    id: str = Field(pattern=SOURCE_ID)
    title: str = Field(min_length=1)
    edition: str = Field(min_length=1)
    """What a reader writes to name it, such as `DfE, March 2017`."""
    kind: Literal["guidance", "law", "practice", "local"] = "practice"
    """`guidance` is statutory: followed unless there are exceptional reasons. `local` is an authority's own."""
    pattern: str | None = None
    """A regular expression for its paragraphs, such as `S[0-9]+`. None: it is cited by its id alone."""
    since: date | None = Field(None, alias="from")
    """First day in force. None: not known, or no matter."""
    to: date | None = None
    """Last day in force."""
    checked_on: date | None = Field(None, alias="checked-on")
    """When somebody last looked whether this is still the text. None: never."""
    replaced_by: str | None = Field(None, alias="replaced-by")
    """The id of the source that takes its place."""
    state: State = "found"
    url: str | None = None
    note: str | None = None

    @field_validator("pattern")
    @classmethod
    def _is_a_pattern(cls, written: str | None) -> str | None:
        try:
            re.compile(written or "")
        except re.error as error:
            raise ValueError(f"{written!r} is no regular expression: {error}") from None
        return written

    @cached_property
    def _cites(self) -> re.Pattern[str]:
        return re.compile(self.pattern or re.escape(self.id))

    def is_cited_by(self, cite: str) -> bool:
        return cite == self.id or self._cites.fullmatch(cite) is not None


@dataclass(frozen=True)
class Sources:
    """All that may be cited."""

    all: tuple[Source, ...] = ()

    def of(self, cite: str) -> Source | None:
        return next((each for each in self.all if each.is_cited_by(cite)), None)

    def is_guidance(self, cite: str) -> bool:
        source = self.of(cite)
        return source is not None and source.kind == "guidance"

    def with_others(self, others: Iterable[Source]) -> "Sources":
        """`others` replace ours of the same ids."""
        by_id = {each.id: each for each in (*self.all, *others)}
        return Sources(tuple(by_id.values()))

    def doubts(self, cited: Iterable[str], today: date) -> Iterator[str]:
        """A sentence for each source among the cited that a person should look at again."""
        found = {source.id: source for source in map(self.of, cited) if source is not None}
        for source in found.values():
            yield from self._doubts_of(source, today)

    def _doubts_of(self, source: Source, today: date) -> Iterator[str]:
        name = f"{source.id} ({source.edition})"
        if source.checked_on is None:
            yield f"{name} was never checked; look whether it is still the text, and write `checked-on`"
        elif today - source.checked_on > CHECKED_WITHIN:
            days = (today - source.checked_on).days
            yield f"{name} was last checked {days} days ago; look whether it is still the text, and write `checked-on`"
        if source.replaced_by is not None:
            newer = self.of(source.replaced_by)
            known = source.replaced_by if newer is None else f"{newer.id} ({newer.edition})"
            yield f"{name} is replaced by {known}; compare the two, and cite the newer"
        elif not holds((source.since, source.to), today):
            yield f"{name} is not in force on {today}; cite what is"
        if source.state == TO_BE_CONFIRMED:
            yield f"{name} is still to be confirmed; read it, and write `state: found`"


AMOUNT = re.compile(r"^(?P<count>[0-9]{1,4})(?P<unit>s|m|h|d|wd|mo|y)$")
REFERENCE = ({"value"}, {"value", "less"})
WORKDAYS = "wd"


class NoValue(ValueError):
    """No such value holds on that day."""


class Value(BaseModel):
    """A number of the law, and the days on which it holds. Several of one id follow each other."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    amount: str = Field(alias="is", pattern=AMOUNT.pattern.replace("?P<count>", "").replace("?P<unit>", ""))
    """`14d`, `24h`, `30mo`, `5y`, or `15wd` for working days."""
    cite: tuple[str, ...] = Field(min_length=1)
    since: date | None = Field(None, alias="from")
    to: date | None = None
    state: State = "found"
    note: str | None = None

    @property
    def period(self) -> Period:
        return self.since, self.to


@dataclass(frozen=True)
class Values:
    """All versions of every value."""

    all: tuple[Value, ...] = ()

    def versions(self, name: str) -> list[Value]:
        return [each for each in self.all if each.id == name]

    def on(self, name: str, day: date) -> Value | None:
        """The one in force. None: there is none, or it is still to be confirmed."""
        in_force = (each for each in self.versions(name) if each.state == "found" and holds(each.period, day))
        return next(in_force, None)

    def is_off(self, name: str) -> bool:
        """Nobody has confirmed any version: rules that need it are off."""
        return bool(versions := self.versions(name)) and all(each.state != "found" for each in versions)

    def with_others(self, others: Iterable[Value]) -> "Values":
        """`others` replace all versions that we have of the same ids."""
        new = tuple(others)
        names = {each.id for each in new}
        return Values((*(each for each in self.all if each.id not in names), *new))

    def resolved(self, written: Any, day: date) -> Any:
        """The same with that day's values in place of references. Raises NoValue; ValueError for unfit units."""
        if isinstance(written, list):
            return [self.resolved(each, day) for each in written]
        if not isinstance(written, dict):
            return written
        if set(written) in REFERENCE:
            return self._amount(str(written["value"]), written.get("less"), day)
        return {key: self.resolved(each, day) for key, each in written.items()}

    def every_reading(self, written: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """As `resolved`, once for each version of each value, in force or not. Nothing where a value is not known."""
        names = dict.fromkeys(names_in(written))
        for chosen in product(*map(self.versions, names)):
            always = {"since": None, "to": None, "state": "found"}
            yield Values(tuple(each.model_copy(update=always) for each in chosen)).resolved(written, date.min)

    def _amount(self, name: str, less: object, day: date) -> str | int:
        value = self.on(name, day)
        if value is None:
            raise NoValue(f"no value {name} holds on {day}")
        count, unit = _parts(value.amount)
        if less is not None:
            taken, its_unit = _parts(str(less))
            if its_unit != unit or taken > count:
                raise ValueError(f"{less} cannot be taken from {value.amount}: write less, in the same unit")
            count -= taken
        return count if unit == WORKDAYS else f"{count * 12}mo" if unit == "y" else f"{count}{unit}"

    def faults(self) -> Iterator[str]:
        """Two versions of one value on one day."""
        for one, other in combinations(self.all, 2):
            if one.id == other.id and overlap(one.period, other.period):
                yield f"value {one.id} is both {one.amount} and {other.amount} on some days; write `from` and `to`"


def names_in(written: Any) -> Iterator[str]:
    """The values that a rule, as written, refers to."""
    if isinstance(written, list):
        for each in written:
            yield from names_in(each)
    elif isinstance(written, dict):
        if set(written) in REFERENCE:
            yield str(written["value"])
        else:
            yield from names_in(list(written.values()))


def _parts(amount: str) -> tuple[int, str]:
    match = AMOUNT.match(amount)
    if match is None:
        raise ValueError(f"{amount!r} is no amount: write 7d, 24h or 5wd")
    return int(match["count"]), match["unit"]


HERE = Path(__file__).parent
T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Law:
    sources: Sources
    values: Values

    @property
    def checked_on(self) -> date:
        """The newest check of any source: the law is not known later than this."""
        return max((each.checked_on for each in self.sources.all if each.checked_on is not None), default=date.min)


@cache
def shipped() -> Law:
    """Raises ValueError (pydantic's) for a row that is not written as it must be."""
    sources = yaml.load((HERE / "sources.yaml").read_text(), yaml.CSafeLoader)["sources"]
    values = yaml.load((HERE / "values.yaml").read_text(), yaml.CSafeLoader)["values"]
    return Law(Sources(rows_of(Source, sources)), Values(rows_of(Value, values)))


def rows_of(row: type[T], written: Iterable[Mapping[str, Any]]) -> tuple[T, ...]:
    """Raises ValueError (pydantic's) for one that is not written as it must be."""
    return tuple(row.model_validate(each) for each in written)


def wrong_rows(row: type[BaseModel], written: object) -> Iterator[str]:
    """What keeps a file's `sources` or `values` from being read."""
    name = row.__name__.lower()
    if not isinstance(written, list) or not all(isinstance(each, dict) for each in written):
        yield f"{name}s is a list, each beginning with `id`"
        return
    for each in written:
        try:
            row.model_validate(each)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            yield f"{name} {each.get('id', 'without an id')}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
