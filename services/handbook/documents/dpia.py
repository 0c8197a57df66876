"""Renders `docs/dpia.md` from what the system runs by: a draft of what article 35 of the UK GDPR asks for."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from services.handbook.documents.safety_case import ROOT, hazards
from services.handbook.templates import render
from services.platform.store.disposal.schedule import Action, schedule
from services.safeguarding.notice_fields import NoticeField

PROCESSORS = Path(__file__).with_name("processors.yaml")
SECURITY = ROOT / "docs/security.md"
DISCLOSES = re.compile(r"^\| I \| (?P<threat>[^|]+) \| (?P<held_by>[^|]+) \| (?P<tests>[^|]+) \|$")


class Threat(NamedTuple):
    """A threat by which somebody would learn what is not for them, as a line of `docs/security.md` has it."""

    boundary: str
    threat: str
    held_by: str
    tests: str


def page() -> str:
    """Markdown, the same bytes for the same files."""
    records = schedule().records.values()
    return render(
        "dpia.md",
        purposes={
            name: (words, [each.holds for each in records if each.basis == name])
            for name, words in schedule().bases.items()
        },
        lasting=sum(each.action is Action.NOTHING_YET for each in records),
        fields=[*NoticeField],
        processors=processors(),
        hazards=[each for each in hazards() if each.concerns_rights],
        threats=[*threats(SECURITY.read_text())],
    )


def processors() -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = yaml.load(PROCESSORS.read_text(), yaml.CSafeLoader)
    return read


def threats(security: str) -> Iterator[Threat]:
    """The threats of information disclosure in `security`, which is `docs/security.md`."""
    boundary = ""
    for line in security.splitlines():
        boundary = line.removeprefix("## ") if line.startswith("## ") else boundary
        if found := DISCLOSES.match(line):
            yield Threat(boundary, **found.groupdict())
