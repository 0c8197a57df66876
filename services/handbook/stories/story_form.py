"""Builds a story from a form. The form has choices alone, so a story can be neither long nor strange."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from services.handbook.phrases import sentence, words_of
from services.protocol.policy.facts import Facts
from services.protocol.policy.rule_language.grammar import Protocol
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.protocol.stories import Happening, Story
from services.safeguarding.roles import Role
from services.safeguarding.working_time import ENGLAND

ON_THE_DAY = date(2026, 11, 24)
MISSING = "child.reported-missing"
NEVER = "never"
AT_ONCE = "0m"

BEGINS = {
    "day": ("A Tuesday, 10:00", datetime(2026, 11, 24, 10, tzinfo=ENGLAND)),
    "evening": ("A Tuesday, 18:30", datetime(2026, 11, 24, 18, 30, tzinfo=ENGLAND)),
    "night": ("A Wednesday, 03:00", datetime(2026, 11, 25, 3, tzinfo=ENGLAND)),
    "weekend": ("A Saturday, 14:00", datetime(2026, 11, 28, 14, tzinfo=ENGLAND)),
    "christmas": ("Christmas Day, 14:00", datetime(2026, 12, 25, 14, tzinfo=ENGLAND)),
}
KNOWN = {"yes": ("Yes", True), "no": ("No", False), "unknown": ("Not known", None)}
AGES = {**{str(age): (str(age), age) for age in range(6, 18)}, "unknown": ("Not known", None)}
ANSWERS = {
    "minute": ("answers within a minute", {"acknowledges": "1m"}),
    "ten": ("answers after ten minutes", {"acknowledges": "10m"}),
    "forty": ("answers after forty minutes", {"acknowledges": "40m"}),
    "silent": ("is reached and does not answer", "silent"),
    "unreachable": ("cannot be reached", {"accepts": None, "fails": "2m"}),
    "nobody": ("is nobody: the role is not held", "nobody"),
}
ROLES = {
    "police": ("The police control room", Role.POLICE_CONTROL_ROOM),
    "duty": ("The duty worker", Role.DUTY_WORKER),
    "manager": ("The senior manager on duty", Role.DUTY_SENIOR_MANAGER),
    "worker": ("The child's social worker", Role.CHILD_SOCIAL_WORKER),
}
LATER = {
    NEVER: ("Nothing more", None),
    "half": ("After half an hour", "30m"),
    "three": ("After three hours", "3h"),
    "twelve": ("After twelve hours", "12h"),
    "day": ("After a day", "24h"),
}
THEN = {"child.returned": "The child is back", "child.located": "The child is found, not yet back"}
UNTIL = {
    "six": ("Six hours", "6h"),
    "day": ("A day", "24h"),
    "three": ("Three days", "3d"),
    "week": ("A week", "7d"),
}


@dataclass(frozen=True)
class Question:
    """`choices`: the possible answers with their words. Until one is chosen the first counts, or `usual`."""

    name: str
    label: str
    choices: Mapping[str, str]
    usual: str


def questions(protocol: Protocol) -> list[Question]:
    """Of events those that set something off by themselves and need nothing that only a real one has."""
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
    """Names of questions without one of their answers."""
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
        date_of_birth=None if age is None else ON_THE_DAY.replace(year=ON_THE_DAY.year - age, month=3),
        unaccompanied=KNOWN[chosen["unaccompanied"]][1],
        modern_slavery_concern=KNOWN[chosen["slavery"]][1],
    )
    written = {
        "story": f"{sentence(words_of(first))}: {BEGINS[chosen['begins']][0]}",
        "begins": BEGINS[chosen["begins"]][1],
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


def _words(of: Mapping[str, tuple[str, object]]) -> dict[str, str]:
    return {name: words for name, (words, _value) in of.items()}
