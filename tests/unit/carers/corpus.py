"""Reads the corpus, and says what the policy makes of a text in the corpus's own short words."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import yaml

from services.carers.policy.context import Child, Standing, Telling, TextContext
from services.carers.policy.decision import Answer, Decision
from services.carers.policy.sender_policy import decide
from services.carers.understanding import child_names
from services.carers.understanding.grammar import understand
from services.safeguarding.child_events import events
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.duty.duties import DutyAcknowledged
from services.safeguarding.identifiers import NAMESPACE, provisional_child
from services.safeguarding.message import Message

HERE = Path(__file__).parent
SOMEBODY = provisional_child("a text")
CODE = "4K7PX"
CODE_OF_UNKNOWN = "VBHJZ"
"""Of a telling about a child whom nobody could name."""
ONE = (("C17", "Amara"),)
TWO = (*ONE, ("C18", "Yusuf"))
HOME = (("C21", "Omar"), ("C22", "Linh"), ("C23", "Selam"), ("C24", "Ardit"), ("C25", "Blessing"), ("C26", "Omid"))
GIRLS = frozenset({"C17", "C22", "C23", "C25"})
CHILDREN = {"one": ONE, "two": TWO, "home": HOME, "staff": (), "officer": (), "former": (), "stranger": ()}
BY_CODE = ("C31", "C32")
"""Whom duty staff know, by code alone."""
KINDS: dict[str, Any] = {
    "one": "carer", "two": "carer", "home": "residential", "staff": "staff", "officer": "officer", "former": "former-carer", "stranger": "unknown",
}  # fmt: skip


PLACEMENT = f"placement-{UUID(int=9)}"


def child_id(code: str) -> str:
    return f"child-{uuid5(NAMESPACE, code)}"


EPISODE = UUID(int=2)
UNKNOWN = Telling(UUID(int=3), 0, SOMEBODY, "kestrel", EPISODE, None, standing=Standing("missing", episode=EPISODE))
TOLD = Telling(UUID(int=1), 0, child_id("C17"), "kestrel", EPISODE, None, standing=Standing("missing", episode=EPISODE))


@dataclass(frozen=True)
class Case:
    who: str
    given: tuple[tuple[str, str], ...]
    text: str
    means: frozenset[str]
    human: bool
    answers: frozenset[str] = frozenset()
    """The replies that fit; none given, any."""

    def __str__(self) -> str:
        return f"{self.who} {dict(self.given) or ''} {self.text!r}"


def cases(name: str) -> list[Case]:
    return list(_cases(yaml.safe_load((HERE / name).read_text(encoding="utf-8"))))


def _cases(groups: list[dict[str, Any]]) -> Iterator[Case]:
    for group in groups:
        given = tuple(sorted((group.get("given") or {}).items()))
        means = frozenset(part.strip() for part in group["means"].split(","))
        answer = group.get("answer", [])
        answers = frozenset([answer] if isinstance(answer, str) else answer)
        for text in group["texts"]:
            yield Case(group["who"], given, str(text), means, group.get("human", False), answers)


def scene_of(case: Case) -> TextContext:
    given = dict(case.given)
    children = tuple(
        Child(
            child_id(code),
            code,
            (name,),
            "girl" if code in GIRLS else "boy",
            standing=Standing(given.get(code)),  # type: ignore[arg-type]
            texted_about=code in given,
        )
        for code, name in CHILDREN[case.who]
    )
    telling: Telling | None = None
    coded: tuple[Child, ...] = ()
    if case.who == "staff":
        meaning = understand(case.text)
        told = UNKNOWN if any(part.startswith("identified") for part in case.means) else TOLD
        telling = told if CODE in meaning.codes else UNKNOWN if CODE_OF_UNKNOWN in meaning.codes else None
        coded = tuple(
            Child(child_id(code), code, standing=Standing(given.get(code)), authority="kestrel", placement=PLACEMENT)  # type: ignore[arg-type]
            for code in BY_CODE
            if code[1:] in child_names.find_code_numbers(meaning.words)
        )
    known = case.who != "stranger"
    return TextContext(
        kind=KINDS[case.who],
        authority="kestrel",
        provisional=SOMEBODY,
        person=f"person-{UUID(int=7)}" if known else None,
        children=children,
        telling=telling,
        coded=coded,
        asks="?" in case.text,
        texts_this_hour=1,
    )


@cache
def made_of(case: Case) -> Decision:
    return decide(understand(case.text), scene_of(case))


def effects(decision: Decision) -> frozenset[str]:
    codes = {child_id(code): code for children in CHILDREN.values() for code, _ in children}
    codes |= {child_id(code): code for code in BY_CODE}
    said = {
        f"identified {codes.get(act.content.child, '?')}"
        if isinstance(act.content, ChildIdentified)
        else _short(act.content, codes.get(act.subject, "?"))
        for act in decision.acts
    }
    if said:
        return frozenset(said)
    return frozenset({"answer" if decision.answer else "nothing"})


def _short(content: Message, child: str) -> str:
    match content:
        case events.TextNeedsHuman() | events.ChildProvisional():
            return "human"
        case events.LocationEnquiryReceived():
            return "enquiry"
        case events.ReportRetracted():
            return f"retracted-{content.retracts} {child}"
        case events.MissingRetractionClaimed():
            return f"retracted-missing {child}"
        case DutyAcknowledged(how="phoned"):
            return f"rung {child}"
        case _:
            return f"{SHORT[type(content)]} {child}"


SHORT: dict[type[Message], str] = {
    events.ChildReportedMissing: "missing",
    events.ChildReturnClaimed: "back",
    events.ChildLocationClaimed: "located",
    events.ChildInformationReceived: "info",
    events.ChildLuringSuspected: "lure",
    events.PoliceReferenceTexted: "reference",
    DutyAcknowledged: "ack",
}


def reaches(case: Case, decision: Decision) -> bool:
    """A case or a human; what asks for nothing needs neither, and a question about how things stand is answered."""
    if decision.acts:
        return True
    if not case.human and case.means == {"nothing"}:
        return True
    return decision.answer in {
        Answer.STATUS, Answer.STATUS_NOTHING_OPEN, Answer.CODE_UNKNOWN, Answer.NOTHING_OPEN, Answer.REFERENCE_WITHOUT_NUMBER,
        Answer.STATUS_TO_STAFF, Answer.STATUS_BY_CODE, Answer.BACK_ALREADY,
    } and case.means == {"answer"}  # fmt: skip


def wrong_children(case: Case, decision: Decision) -> set[str]:
    """Children for whom something is opened or ended though the writer did not mean them."""
    meant = {part.split()[-1] for part in case.means if " " in part}
    touched = {part.split()[-1] for part in effects(decision) if " " in part and not part.startswith("info")}
    return {code for code in touched - meant if code != "?"}


def sent_to_a_person_without_need(cases_: list[Case]) -> float:
    """The share of plain English texts."""
    plain = [case for case in cases_ if not case.human and case.text.isascii() and not understand(case.text).welsh]
    return sum("human" in effects(made_of(case)) for case in plain) / len(plain)
