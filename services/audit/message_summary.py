"""Summarises a message in plain words for the page: its kind, and the few fields that a reader asks for."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from services.audit.policy.evidence import Fact
from services.safeguarding.identifiers import code_of, telling
from services.safeguarding.working_time import in_england
from services.wording import read_words

MOMENT = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)$")
VERSION = re.compile(r"\.v[0-9]+$")
WORDS = read_words(Path(__file__).with_suffix(".yaml"))
SPOKEN: dict[str, str] = WORDS["kinds"]
SHOWN = WORDS["fields"].split()


def plain(kind: str) -> str:
    """`child.reported-missing.v1` is "child reported missing"."""
    return SPOKEN.get(kind) or re.sub(r"[.-]", " ", VERSION.sub("", kind))


def detail(fact: Fact) -> list[tuple[str, str]]:
    """Names and values. A duty is named by the code that its recipient would text back."""
    content = fact.content
    shown = [
        (name.replace("_", " "), _in_words(content[name]))
        for name in SHOWN
        if content.get(name) not in (None, "", [], ())
    ]
    if "duty" in content and "step" in content:
        shown.insert(0, ("telling", code_of(telling(UUID(content["duty"]), content["step"]))))
    return shown


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_in_words(each) for each in value)
    if isinstance(value, str) and MOMENT.match(value):
        return format_time(datetime.fromisoformat(value))
    return WORDS["values"].get(str(value)) or VERSION.sub("", str(value))


def format_time(at: datetime) -> str:
    return in_england(at).strftime("%-d %b %Y %H:%M:%S")
