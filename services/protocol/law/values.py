"""Looks up the law's numbers: a rule names one (`{ value: appeal-time, less: 7d }`) and gets that day's."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import combinations, product
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.protocol.law.periods import Period, State, holds, overlap

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
