"""Holds what may be cited and the law's numbers, as shipped and as files add to it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from services.protocol.law.sources import Source, Sources
from services.protocol.law.values import Value, Values

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
