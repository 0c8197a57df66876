"""Renders pages of `docs/` from rules, stories and code: the protocol, records of processing, disclosure, a draft DPIA,
the guidance's requirements with their rules and stories, and the safety case: each hazard to a child, its controls,
and the tests that hold them.

`docs/disclosure.md` says which service and which agency is given which field, `docs/dpia.md` what article 35 of the
UK GDPR asks for.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from math import prod
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field

from services.handbook import phrases
from services.handbook.charts.chart import draw, follow
from services.handbook.stories.golden_stories import play_all
from services.platform.store.disposal import Action, Record, schedule
from services.protocol.law.law import Law
from services.protocol.loader import DEFAULT, LADDERS_FOR, Library, files
from services.protocol.policy.rule_language.grammar import Protocol, Step, format_period
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.safeguarding.contracts import contracts
from services.safeguarding.message import Message
from services.safeguarding.notice_fields import NoticeField
from services.schemas.messages import HEARS

REQUIREMENTS_WRITTEN = Path(__file__).parent / "requirements.yaml"
ROOT = Path(__file__).parents[3]
STORIES_SHOWN = 3
Paragraph = Annotated[str, Field(pattern=r"^S([1-9]|[1-7][0-9])$")]


class Requirement(BaseModel):
    """One of the guidance's requirements, in our own words."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    id: str = Field(pattern=r"^G[1-9][0-9]?$")
    basis: tuple[Paragraph, ...] = Field(min_length=1)
    asks: str = Field(min_length=1)
    rules: tuple[str, ...]
    though: str | None = None
    """What a reader of the rules alone would ask: why they cite other paragraphs, or where the duty ends."""
    stories: tuple[str, ...] = ()
    """Those that show it best, where its rules tell somebody in many."""
    also: tuple[str, ...] = ()
    """Files that keep what no rule can."""
    not_yet: str | None = Field(default=None, alias="not-yet")
    partial: str | None = None
    """What of it is not done, though rules and stories do the rest."""


@cache
def written() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(REQUIREMENTS_WRITTEN.read_text(), yaml.CSafeLoader)
    return loaded


@cache
def requirements() -> tuple[Requirement, ...]:
    """Raises ValueError (pydantic's) for a requirement that is not written as it must be."""
    return tuple(Requirement.model_validate(each) for each in written()["requirements"])


def stories_of(requirement: Requirement, told_by: Mapping[str, frozenset[str]]) -> list[str]:
    """The stories in which one of its rules tells somebody: chosen ones, then those with the fewest other rules."""
    mine, chosen = set(requirement.rules), requirement.stories
    found = (name for name, rules in told_by.items() if rules & mine)
    return sorted(found, key=lambda name: (name not in chosen, len(told_by[name]), name))


def requirement_faults(protocol: Protocol, told_by: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """What is wrong in the file. Each names the requirement and what to write."""
    for each in requirements():
        unknown = [name for name in each.rules if name not in protocol.by_id]
        for name in unknown:
            yield f"{each.id}: there is no rule {name}; name the rule that does it now (services/handbook/documents/requirements.yaml)"
        cites = {cite for name in each.rules if name not in unknown for cite in protocol.by_id[name].because.cite}
        if each.rules and not cites & set(each.basis) and each.though is None:
            yield f"{each.id}: none of its rules cites one of {', '.join(each.basis)}; cite it there, or say `though`"
        for name in (name for name in each.also if not (ROOT / name).exists()):
            yield f"{each.id}: {name} does not exist"
        for name in (name for name in each.stories if name not in stories_of(each, told_by)):
            yield f"{each.id}: in the story {name} none of its rules tells anybody"
        shown = bool(each.rules and stories_of(each, told_by))
        if not shown and each.not_yet is None:
            yield f"{each.id}: no story in which its rules tell anybody; write one, or say `not-yet`"
        if shown and each.not_yet is not None:
            yield f"{each.id}: it has rules and stories; take `not-yet` away"


def requirements_page(protocol: Protocol) -> str:
    """Markdown, the same bytes for the same rules and stories."""
    told_by, used = play_all(), {name for each in requirements() for name in each.rules}
    return phrases.render(
        "requirements.md",
        asked=[(each, stories_of(each, told_by)) for each in requirements()],
        most=STORIES_SHOWN,
        not_yet=[each for each in requirements() if each.not_yet is not None],
        not_ours=written()["not-ours"],
        partly=[each for each in requirements() if each.partial is not None],
        others=[rule.id for rule in protocol.rules if rule.id not in used],
    )


HAZARDS_WRITTEN = Path(__file__).parent / "hazards.yaml"

Score = Annotated[int, Field(ge=1, le=5)]


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Control(_Written):
    """What stands in a hazard's way. A test or a story holds it."""

    does: str = Field(min_length=1)
    rules: tuple[str, ...] = ()
    stories: tuple[str, ...] = ()
    tests: tuple[Annotated[str, Field(pattern=r"^tests/[a-z0-9_/]+\.py::test_[a-z0-9_]+$")], ...] = ()
    alerts: tuple[str, ...] = ()


class Hazard(_Written):
    id: str = Field(pattern=r"^H[1-9][0-9]?$")
    hazard: str
    cause: str
    effect: str
    """On the child."""
    initial: tuple[Score, Score]
    """Severity and likelihood, without the controls."""
    residual: tuple[Score, Score]
    controls: tuple[Control, ...] = Field(min_length=1)
    left: str
    """What the controls do not cover."""
    concerns_rights: bool = False
    """Of a person, whose data it is: then it stands in the data protection impact assessment too."""


@cache
def hazards() -> tuple[Hazard, ...]:
    """Raises ValueError (pydantic's) for a hazard that is not written as it must be."""
    return tuple(
        Hazard.model_validate(each) for each in yaml.load(HAZARDS_WRITTEN.read_text(), yaml.CSafeLoader)["hazards"]
    )


def hazard_faults(protocol: Protocol) -> Iterator[str]:
    """What is wrong in the file. Each names the hazard and what is gone."""
    alerts = _alerts()
    for each in hazards():
        if prod(each.residual) > prod(each.initial):
            yield f"{each.id}: the risk with its controls is higher than without"
        for control in each.controls:
            gone = [f"rule {name}" for name in control.rules if name not in protocol.by_id]
            gone += [f"story {name}" for name in control.stories if not (ROOT / "tests/scenarios" / name).exists()]
            gone += [f"test {name}" for name in control.tests if not _is_there(name)]
            gone += [f"alert {name}" for name in control.alerts if name not in alerts]
            yield from (f"{each.id}: there is no {name}" for name in gone)
            if not control.tests and not control.stories:
                yield f"{each.id}: no test or story holds this control: {control.does}"


def _alerts() -> set[str]:
    rules = (ROOT / "infra/prometheus/rules").glob("*.yaml")
    return {name for each in rules for name in re.findall(r"alert: (\w+)", each.read_text())}


def _is_there(test: str) -> bool:
    path, _, name = test.partition("::")
    file = ROOT / path
    return file.exists() and re.search(rf"def {name}\(", file.read_text()) is not None


def safety_case_page(protocol: Protocol) -> str:
    """Markdown, the same bytes for the same hazards. Raises ValueError that names each control that no longer holds."""
    found = [*hazard_faults(protocol)]
    if found:
        raise ValueError("; ".join(found))
    return phrases.render("safety_case.md", hazards=hazards())


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
    return phrases.render(
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
    return phrases.render(
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
        "requirements.md": requirements_page(protocol),
        "safety-case.md": safety_case_page(protocol),
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
    return phrases.render("protocol.md", asked=asked, closing=closing, law=law, say=phrases, spoken=format_period)


def ladders_page(library: Library) -> str:
    """Each ladder's steps, and the default rules that name it."""
    users: dict[str, list[str]] = defaultdict(list)
    for rule, ladder in ((rule, its) for file in library.read_files for rule, its in file.ladder_of.items()):
        users[ladder].append(rule)
    groups = {
        of: [(name, [Step.model_validate(each) for each in steps], users[name]) for name, steps in ladders.items()]
        for of, ladders in LADDERS_FOR.items()
    }
    return phrases.render("ladders.md", groups=groups, say=phrases, spoken=format_period)


def records_page() -> str:
    """How long each record is kept, why, and what ends it, as `retention.yaml` says."""
    records = [(name, each, each.period) for name, each in schedule().records.items()]
    groups = {
        "ending": [(*each, _end(each[1])) for each in records if each[1].action in ENDS_OF_RECORDS],
        "lasting": [each for each in records if each[1].action is Action.NOTHING_YET],
        "nobodys": [each for each in records if each[1].action is Action.NOBODYS],
    }
    return phrases.render("records_of_processing.md", bases=schedule().bases, **groups)


def _end(record: Record) -> str:
    by = record.by or ", ".join(sorted({service for each in record.sweeps for service in each.services}))
    return ENDS_OF_RECORDS[record.action].format(by=by)
