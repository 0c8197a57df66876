"""Builds a story from a form, and renders a played story as one HTML file.

The form has choices alone, so a story can be neither long nor strange. The file has a row for each moment, columns
for events and for each kind of recipient.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from jinja2 import Environment, StrictUndefined

from services.handbook.phrases import sentence, who, words_of
from services.protocol.policy.case import Facts
from services.protocol.policy.rule_language.grammar import Protocol
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.protocol.simulate import Happening, Heard, Story, Timeline, Told
from services.safeguarding.child_events.events import Due
from services.safeguarding.duty.duties import DutyAccepted, DutyDelivered, Outcome
from services.safeguarding.roles import CARERS, ON_DUTY, Role
from services.safeguarding.working_time import ADULT, ENGLAND

ON_THE_DAY = date(2026, 11, 24)
MISSING = "child.reported-missing"
NEVER = "never"
AT_ONCE = "0m"

CHOICES: dict[str, dict[str, list[Any]]] = yaml.load(
    Path(__file__).with_name("story_form.yaml").read_text(), yaml.CSafeLoader
)
"""By name, each with its words and its meaning."""
BEGINS, KNOWN, ANSWERS, ROLES, LATER, UNTIL = CHOICES.values()
AGES: dict[str, list[Any]] = {**{str(age): [str(age), age] for age in range(6, 18)}, "unknown": ["Not known", None]}
THEN = {"child.returned": "The child is back", "child.located": "The child is found, not yet back"}


@dataclass(frozen=True)
class Question:
    """`choices`: the possible answers with their words. Until one is chosen the first counts, or `usual`."""

    name: str
    label: str
    choices: Mapping[str, str]
    usual: str


def questions(protocol: Protocol) -> list[Question]:
    """An event is offered if it sets something off and the form has all that it needs."""
    events = {str(each): sentence(words_of(each)) for each in Trigger if protocol.on(each) and _can_be_played(each)}
    return [
        Question("event", "What is reported", events, MISSING),
        Question("begins", "When", _words(BEGINS), "evening"),
        Question("age", "How old the child is", _words(AGES), "15"),
        Question("unaccompanied", "Unaccompanied", _words(KNOWN), "yes"),
        Question("slavery", "Concern about modern slavery", _words(KNOWN), "unknown"),
        *(Question(name, f"{words} ...", _words(ANSWERS), "silent") for name, (words, _role) in ROLES.items()),
        Question("then", "What comes later", THEN, "child.returned"),
        Question("later", "When it comes", _words(LATER), NEVER),
        Question("until", "How long to play", _words(UNTIL), "six"),
    ]


def wrong(asked: list[Question], chosen: Mapping[str, str]) -> list[str]:
    """Names of questions whose answer is missing or not offered."""
    return [each.name for each in asked if chosen.get(each.name) not in each.choices]


def story(chosen: Mapping[str, str], authority: str) -> Story:
    """`chosen` answers every question (see `wrong`)."""
    first = chosen["event"]
    happens = [_happening(first, AT_ONCE)]
    later = LATER[chosen["later"]][1]
    if later is not None:
        happens.append(_happening(chosen["then"], later))
    age = AGES[chosen["age"]][1]
    child = Facts(
        authority=authority,
        force="north-force",
        adult_on=None if age is None else ON_THE_DAY.replace(year=ON_THE_DAY.year - age + ADULT, month=3),
        unaccompanied=KNOWN[chosen["unaccompanied"]][1],
        modern_slavery_concern=KNOWN[chosen["slavery"]][1],
    )
    written = {
        "story": f"{sentence(words_of(first))}: {BEGINS[chosen['begins']][0]}",
        "begins": datetime.fromisoformat(BEGINS[chosen["begins"]][1]).replace(tzinfo=ENGLAND),
        "child": child,
        "answers": {role: ANSWERS[chosen[name]][1] for name, (_words, role) in ROLES.items()},
        "happens": happens,
        "until": UNTIL[chosen["until"]][1],
        "told": [],
    }
    return Story.model_validate(written)


def _happening(event: str, at: str) -> Happening:
    proof = {"proof": "handset"} if event in {"child.returned", "child.located"} else {}
    return Happening.model_validate({"at": at, "event": event, "by": "ann", **proof})


def _can_be_played(event: str) -> bool:
    try:
        _happening(event, AT_ONCE).content()
    except ValueError:
        return False
    return True


def _words(of: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    return {name: words for name, (words, _value) in of.items()}


TEMPLATE = Path(__file__).parent / "timeline.html"
COLUMNS = ("Police", "On duty", "Carers", "The child's professionals", "Other agencies")
UNREMARKABLE = (DutyAccepted, DutyDelivered)
"""Answers of systems, shown at the telling that they answer and not as a row of their own."""


def page(timeline: Timeline) -> str:
    """Names nobody: a story has roles alone."""
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return template.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        story=timeline.story.story, columns=COLUMNS, rows=moments(timeline), ends=timeline.ends()
    )


def moments(timeline: Timeline) -> list[dict[str, Any]]:
    """In order, each with what happened and who was told, by `COLUMNS`."""
    tellings = {(each.duty.duty, each.duty.step): each for each in timeline.told if each.duty.act == "tell"}
    happened: dict[timedelta, list[dict[str, str]]] = defaultdict(list)
    cells: dict[timedelta, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for heard in timeline.heard:
        if not isinstance(heard.content, (Due, *UNREMARKABLE)):
            happened[heard.after].append(_happened(heard, tellings))
    taken = _taken(timeline)
    for told in timeline.told:
        cells[told.after][_column(told.duty.role)].append(_card(told, taken))
    return [
        {
            "after": _clock(after),
            "at": f"{timeline.story.begins + after:%a %d %b %H:%M}",
            "happened": happened[after],
            "cells": [cells[after][column] for column in COLUMNS],
        }
        for after in sorted({*happened, *cells})
    ]


def _column(role: Role) -> str:
    if role.startswith("police."):
        return COLUMNS[0]
    if role in ON_DUTY:
        return COLUMNS[1]
    if role in CARERS:
        return COLUMNS[2]
    return COLUMNS[3] if role.startswith("child.") else COLUMNS[4]


def _taken(timeline: Timeline) -> dict[tuple[UUID, int], str]:
    """How each telling ended: answered, or at least taken by the other end."""
    found: dict[tuple[UUID, int], str] = {}
    for heard in timeline.heard:
        if isinstance(heard.content, Outcome):
            became = heard.content.kind.split(".")[1]
            key = (heard.content.duty, heard.content.step)
            if found.get(key) != "acknowledged":
                found[key] = became
    return found


def _card(told: Told, taken: dict[tuple[UUID, int], str]) -> dict[str, str]:
    duty = told.duty
    withdrawn = duty.act == "withdraw"
    return {
        "who": sentence(who(duty.role)),
        "says": f"{duty.channel}: {words_of(duty.wording)}",
        "why": f"{duty.rule}, {words_of(duty.because)} ({', '.join(duty.cites)})",
        "state": "withdrawn" if withdrawn else taken.get((duty.duty, duty.step), "not taken"),
        "exercise": "exercise" if told.exercise else "",
    }


def _happened(heard: Heard, tellings: dict[tuple[UUID, int], Told]) -> dict[str, str]:
    content = heard.content
    if isinstance(content, Outcome):
        told = tellings.get((content.duty, content.step))
        name = "somebody" if told is None else who(told.duty.role)
        what = {"acknowledged": "answers: has it", "failed": "could not be reached"}
        state = content.kind.split(".")[1]
        about = "" if told is None else words_of(told.duty.wording)
        return {"says": f"{sentence(name)} {what.get(state, state)}", "about": about, "kind": state}
    said = {"text": "by a carer's text", "force": "by police", "agency": "by an agency", "console": "in the console"}
    about = said.get(getattr(content, "channel", ""), "")
    return {"says": sentence(words_of(content.kind.rsplit(".v", 1)[0])), "about": about, "kind": "event"}


def _clock(after: timedelta) -> str:
    """`+0:05`, `+26:00`, with seconds where there are any: `+0:00:02`."""
    seconds = int(after.total_seconds())
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"+{hours}:{minutes:02}" + (f":{rest:02}" if rest else "")
