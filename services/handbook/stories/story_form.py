"""Builds a story from a form. The form has choices alone, so a story can be neither long nor strange."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from services.handbook.phrases import sentence, words_of
from services.protocol.policy.facts import Facts
from services.protocol.policy.rule_language.grammar import Protocol
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.protocol.stories import Happening, Story
from services.safeguarding.dates import ADULT
from services.safeguarding.working_time import ENGLAND

ON_THE_DAY = date(2026, 11, 24)
MISSING = "child.reported-missing"
NEVER = "never"
AT_ONCE = "0m"

CHOICES: dict[str, dict[str, list[Any]]] = yaml.load(Path(__file__).with_suffix(".yaml").read_text(), yaml.CSafeLoader)
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
