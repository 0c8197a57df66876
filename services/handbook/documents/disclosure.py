"""Renders `docs/disclosure.md` from the code: which service and which agency is given which field."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from services.handbook.templates import render
from services.safeguarding.contracts import contracts
from services.safeguarding.message import Message
from services.safeguarding.notice_fields import NoticeField
from services.schemas.traffic import HEARS

MIGRATIONS = Path(__file__).parents[2] / "platform/store/migrations"
VIEWS = (MIGRATIONS / "baseline/register_views.sql", *sorted((MIGRATIONS / "versions").glob("0*.py")))
VIEW = re.compile(r"VIEW register\.(\w+)[^;]*? AS\s+(?:WITH .*?\)\s+)?SELECT (.*?)\s+FROM\s.*?;", re.DOTALL)
GRANT = re.compile(r"GRANT SELECT ON register\.(\w+) TO ([\w, ]+);")
EVERYTHING = frozenset({"audit", "console"})
"""Hear every kind: told once, not in each row."""


class View(NamedTuple):
    name: str
    services: str
    columns: tuple[str, ...]


def page() -> str:
    """Markdown, the same bytes for the same code."""
    heard_by = {name: heard for name, heard in HEARS.items() if name not in EVERYTHING}
    return render(
        "disclosure.md",
        fields=[*NoticeField],
        views=views(),
        every=Message,
        kinds=[
            (each, [name for name, heard in heard_by.items() if each in heard])
            for each in sorted(contracts().values(), key=lambda each: each.kind)
        ],
    )


def views(sql: str | None = None) -> list[View]:
    """As the last migration leaves each. Raises ValueError where the columns of one cannot be read."""
    text = "".join(each.read_text() for each in VIEWS) if sql is None else sql
    columns = {name: tuple(_columns(listed)) for name, listed in VIEW.findall(text)}
    granted: dict[str, set[str]] = defaultdict(set)
    for name, services in GRANT.findall(text):
        granted[name] |= {*services.split(", ")}
    if unread := granted.keys() - columns.keys():
        raise ValueError(f"the columns of {', '.join(sorted(unread))} cannot be read")
    return [View(name, ", ".join(sorted(services)), columns[name]) for name, services in granted.items()]


def _columns(listed: str) -> Iterator[str]:
    """`listed` is what stands between SELECT and FROM. A column is called by its alias, else by its own name."""
    depth, each = 0, ""
    for letter in listed + ",":
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            yield each.rsplit(maxsplit=1)[-1].rpartition(".")[2]
            each = ""
        else:
            each += letter
