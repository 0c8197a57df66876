"""Reads a closed vocabulary from its file, an entry a member: what is not as it must be is refused by name."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError


class Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


E = TypeVar("E", bound=Entry)


def read_entries(file: str, kind: type[E], written: Mapping[str, Any]) -> dict[str, E]:
    """Raises ValueError, which names the file and the entry."""
    found = {}
    for name, each in written.items():
        try:
            found[name] = kind.model_validate(each)
        except ValidationError as error:
            raise ValueError(f"{file}, {name}: {error}") from None
    return found
