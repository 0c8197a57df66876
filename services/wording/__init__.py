"""Words that people read, as data: a YAML file for each language, in the folder of the service that says them.

Each service checks its own schema. A language without a file is spoken in English.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, TypeVar

import yaml

from services.safeguarding.working_time import in_england

ENGLISH = "en"
T = TypeVar("T")


@cache
def read_words(file: Path) -> dict[str, Any]:
    """What a file says. Read once: not to be changed."""
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


def languages_in(folder: Path) -> dict[str, dict[str, Any]]:
    """What each file of a folder says, by its language."""
    return {file.stem: read_words(file) for file in sorted(folder.glob("*.yaml"))}


def in_language(spoken: Mapping[str, T], language: str) -> T:
    """English where this language is not spoken."""
    return spoken.get(language, spoken[ENGLISH])


def require_no_field(language: str, texts: Iterable[str]) -> None:
    """Raises ValueError for a text with a field, into which something of a child could be filled."""
    for text in texts:
        if any(field is not None for _, field, _, _ in Formatter().parse(text)):
            raise ValueError(f"{language}: {text!r} has a field")


def day_and_time(at: datetime) -> str:
    """In England, such as "Mon 1 Jun 2026, 09:30"."""
    return f"{in_england(at):%a %-d %b %Y, %H:%M}"
