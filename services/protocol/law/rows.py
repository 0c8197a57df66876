"""Reads the rows of `sources` and `values`, in the files shipped and in rules files."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

T = TypeVar("T", bound=BaseModel)


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
