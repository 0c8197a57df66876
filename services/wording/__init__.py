"""Loads the words that people read: a YAML file for each language, in the folder of the service that says them.

Each service checks its own schema. English takes the place of a language without a file.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict

from services.safeguarding.roles import PLAN_OWNERS, ROLES, Role, RoleWords
from services.safeguarding.working_time import TimeForm, format_time

ENGLISH = "en"
T = TypeVar("T")


class Words(BaseModel):
    """The words of a file, or of a part of it. Their names have hyphens there, where a field has underscores."""

    model_config = ConfigDict(frozen=True, alias_generator=lambda name: name.replace("_", "-"))


@cache
def read_words(file: Path) -> dict[str, Any]:
    """The content of a file. It is read once and shared: callers must not change it."""
    content: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return content


def languages_in(folder: Path) -> dict[str, dict[str, Any]]:
    """The content of each file of a folder, by its language."""
    return {file.stem: read_words(file) for file in sorted(folder.glob("*.yaml"))}


def in_language(by_language: Mapping[str, T], language: str | None) -> T:
    """English, if there is no such language or none is known."""
    return by_language.get(language or ENGLISH, by_language[ENGLISH])


def role_names(language: str | None) -> dict[str, str]:
    """What a page calls a role. Those whom no mail reaches have no name."""
    return {role: (says := role_words(role, language).name)[:1].upper() + says[1:] for role in PLAN_OWNERS}


def role_words(role: Role, language: str | None) -> RoleWords:
    return in_language(ROLES[role].says, language)


def require_no_field(language: str, texts: Iterable[str]) -> None:
    """Raises ValueError for a text with a field: something about a child could be filled into it."""
    for text in texts:
        if any(field is not None for _, field, _, _ in Formatter().parse(text)):
            raise ValueError(f"{language}: {text!r} has a field")


def day_and_time(at: datetime) -> str:
    """In England's time, such as "Mon 1 Jun 2026, 09:30"."""
    return format_time(at, TimeForm.FULL)
