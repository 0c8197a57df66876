"""Renders pages of `docs/` from rules, stories and code: the protocol, records of processing, disclosure, a draft DPIA.

`docs/disclosure.md` says which service and which agency is given which field, `docs/dpia.md` what article 35 of the
UK GDPR asks for.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from services.handbook import phrases
from services.handbook.charts.chart import draw
from services.handbook.documents import requirements, safety_case
from services.handbook.documents.safety_case import ROOT, hazards
from services.handbook.explain import follow
from services.handbook.templates import render
from services.platform.store.disposal.retention import Action, Record, schedule
from services.protocol.law.law import Law
from services.protocol.loader import DEFAULT, LADDERS_FOR, Library, files
from services.protocol.policy.rule_language.grammar import Protocol, Step, format_period
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.safeguarding.contracts import contracts
from services.safeguarding.message import Message
from services.safeguarding.notice_fields import NoticeField
from services.schemas.messages import HEARS

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


def disclosure_page() -> str:
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


PROCESSORS = Path(__file__).with_name("processors.yaml")
SECURITY = ROOT / "docs/security.md"
DISCLOSES = re.compile(r"^\| I \| (?P<threat>[^|]+) \| (?P<held_by>[^|]+) \| (?P<tests>[^|]+) \|$")


class Threat(NamedTuple):
    """A threat by which somebody would learn what is not for them, as a line of `docs/security.md` has it."""

    boundary: str
    threat: str
    held_by: str
    tests: str


def dpia_page() -> str:
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


FOLDER = Path(__file__).parents[3] / "docs"
DRAWN = ("child.reported-missing",)
"""Events whose picture lies in `docs/protocol/`."""
ENDS_OF_RECORDS = {
    Action.ROWS_DELETED: "rows are deleted by {by}",
    Action.MONTH_DROPPED: "a month at a time is dropped by {by}",
    Action.KAFKA_FORGETS: "Kafka forgets it",
}


def documents() -> dict[str, str]:
    """Each page's text by its path under `docs/`."""
    library = Library(files())
    protocol = library.current(DEFAULT)
    drawn = {f"protocol/{event}.svg": draw(event, library, DEFAULT) for event in DRAWN}
    return {
        "disclosure.md": disclosure_page(),
        "dpia.md": dpia_page(),
        "ladders.md": ladders_page(library),
        "protocol.md": protocol_page(protocol, library.law),
        "records-of-processing.md": records_page(),
        "requirements.md": requirements.page(protocol),
        "safety-case.md": safety_case.page(protocol),
        **drawn,
    }


def protocol_page(protocol: Protocol, law: Law) -> str:
    """For each event who is told, when, why and by which paragraph."""
    asked = [
        {
            "name": phrases.words_of(trigger),
            "told": dict.fromkeys(phrases.who(rule.tell, rule.among) for rule in rules),
            "opens_watch": trigger in protocol.watch_on,
            "ended": [rule.id for rule in protocol.rules if trigger in rule.until],
            "rules": follow(rules, protocol),
        }
        for trigger in Trigger
        if (rules := protocol.on(trigger))
    ]
    closing = phrases.sentence(", ".join(phrases.words_of(each) for each in protocol.closing))
    return render("protocol.md", asked=asked, closing=closing, law=law, say=phrases, spoken=format_period)


def ladders_page(library: Library) -> str:
    """Each ladder's steps, and the default rules that name it."""
    users: dict[str, list[str]] = defaultdict(list)
    for rule, ladder in ((rule, its) for file in library.read_files for rule, its in file.ladder_of.items()):
        users[ladder].append(rule)
    groups = {
        of: [(name, [Step.model_validate(each) for each in steps], users[name]) for name, steps in ladders.items()]
        for of, ladders in LADDERS_FOR.items()
    }
    return render("ladders.md", groups=groups, say=phrases, spoken=format_period)


def records_page() -> str:
    """How long each record is kept, why, and what ends it, as `retention.yaml` says."""
    records = [(name, each, each.period) for name, each in schedule().records.items()]
    groups = {
        "ending": [(*each, _end(each[1])) for each in records if each[1].action in ENDS_OF_RECORDS],
        "lasting": [each for each in records if each[1].action is Action.NOTHING_YET],
        "nobodys": [each for each in records if each[1].action is Action.NOBODYS],
    }
    return render("records_of_processing.md", bases=schedule().bases, **groups)


def _end(record: Record) -> str:
    by = record.by or ", ".join(sorted({service for each in record.sweeps for service in each.services}))
    return ENDS_OF_RECORDS[record.action].format(by=by)
