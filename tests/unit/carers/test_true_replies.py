"""No reply says what is not so: each meaning, and each pair of meanings, against each standing and each family."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import combinations, product
from typing import Any
from uuid import UUID

import pytest

from services.carers import messages
from services.carers.policy import facts
from services.carers.policy.context import (
    Capacity,
    Child,
    OpenClaim,
    PoliceStand,
    Provisional,
    Question,
    Standing,
    State,
    Telling,
    TextContext,
)
from services.carers.policy.decision import Answer, Decision, Reply
from services.carers.policy.sender_policy import decide
from services.carers.understanding.grammar import understand
from services.carers.understanding.meaning import Intent, Meaning, Statement
from services.safeguarding.child_events.events import TextNeedsHuman
from services.safeguarding.duty.facts import choose_sentence
from services.safeguarding.identifiers import provisional_child
from services.wording.presuppositions import GAVE_WAY, choose_true
from tests.unit.carers.corpus import PLACEMENT, child_id

AMARA, YUSUF = child_id("C17"), child_id("C18")
NAMELESS = provisional_child("an earlier text")
EPISODE = UUID(int=2)
STATES: tuple[State | None, ...] = (None, "missing", "located", "returned")
STANDINGS = [
    Standing(state, police, answered, EPISODE if state else None)
    for state, police, answered in product(STATES, PoliceStand, (False, True))
]
TODAY = Standing("missing", episode=UUID(int=3))
FAMILIES = (
    "one", "two, other known", "two, other open", "same phone", "nameless open", "claim live", "question asked", "whether asked",
    "last answer", "claimed by another", "staff, code", "staff, told",
)  # fmt: skip
PERSON = f"person-{UUID(int=7)}"
WORDS = {
    "": "", "C17": " c17", "Yusuf": " yusuf", "both": " c17 c18",
}  # fmt: skip
"""Whom the text names."""


def said(*intents: Intent, named: str, reference: bool = True) -> Meaning:
    """As the grammar would give it, whatever the words."""
    words = [f"{each.value}{named}" for each in intents]
    return Meaning(
        tuple(Statement(each, line, at=at) for at, (each, line) in enumerate(zip(intents, words, strict=True))),
        " ".join(words),
        reference=reference and Intent.REFERENCE in intents,
        clauses=tuple(words),
        enquiry="where" if Intent.ENQUIRY in intents else None,
    )


ALONE = [said(intent, named=named) for intent, named in product(Intent, WORDS.values())]
PAIRS = [said(*intents, named=named) for intents, named in product(combinations(Intent, 2), WORDS.values())]
PLAYED = [
    *product(ALONE, STANDINGS),
    *product(PAIRS, (Standing(state, episode=EPISODE if state else None) for state in STATES)),
]
"""Of a pair the standing at police changes nothing that one of its two does not show."""


def build(family: str, standing: Standing) -> TextContext:
    amara = Child(AMARA, "C17", ("Amara",), standing=standing, authority="kestrel", placement=PLACEMENT)
    yusuf = Child(YUSUF, "C18", ("Yusuf",), standing=Standing(), authority="kestrel", placement=PLACEMENT)
    nameless = Provisional(NAMELESS, authority="kestrel", placement=PLACEMENT, standing=TODAY)
    told = Telling(UUID(int=1), 0, AMARA, "kestrel", EPISODE, None, code="4K7PX", standing=standing)
    duty = {"kind": "staff", "children": (), "capacities": (Capacity("staff", "kestrel", PERSON, professional=True),)}
    pair = TextContext("carer", "kestrel", provisional_child("a text"), person=PERSON, children=(amara, yusuf))
    changes: dict[str, dict[str, Any]] = {
        "one": {"children": (amara,)},
        "two, other known": {},
        "two, other open": {"children": (amara, replace(yusuf, standing=TODAY))},
        "same phone": {
            "recent": (YUSUF, datetime(2026, 11, 24, 22, tzinfo=UTC)),
            "children": (amara, replace(yusuf, standing=TODAY)),
        },
        "nameless open": {"provisionals": (nameless,)},
        "claim live": {"claims": (OpenClaim("return", "K7M2", AMARA, "kestrel", live=True, episode=EPISODE),)},
        "question asked": {"question": Question("report", NAMELESS), "provisionals": (nameless,)},
        "whether asked": {"question": Question("whether", pair.provisional)},
        "last answer": {"replies_this_hour": 19},
        "claimed by another": {"claimed_by_others": frozenset({AMARA})},
        "staff, code": {**duty, "coded": (replace(amara, names=()), replace(yusuf, names=()))},
        "staff, told": {**duty, "telling": told},
    }
    return replace(pair, **changes[family])


def untrue(decision: Decision, context: TextContext) -> Iterator[tuple[Answer, list[StrEnum]]]:
    for reply in decision.replies:
        line = messages.PRESUPPOSES[reply.answer]
        if not line.holds <= facts.facts_of(reply, decision, context):
            yield reply.answer, sorted(line.holds - facts.facts_of(reply, decision, context))


@pytest.mark.parametrize("family", FAMILIES)
def test_no_reply_says_what_is_not_so(family: str) -> None:
    found: dict[str, Any] = {}
    for meaning, standing in PLAYED:
        context = build(family, standing)
        for answer, missing in untrue(decide(meaning, context), context):
            found.setdefault(f"{answer} {missing}", (meaning.intents, meaning.words, standing.state))
    assert found == {}


def test_the_table_is_as_large_as_its_name_says() -> None:
    assert len(PLAYED) * len(FAMILIES) > 40_000


def test_each_reply_of_each_language_has_its_line_and_each_line_its_reply() -> None:
    for language in messages.LANGUAGES:
        assert set(messages.templates(language)["replies"]) == set(messages.PRESUPPOSES)


def test_what_is_not_so_gives_way_is_counted_and_the_last_resort_asks_a_person() -> None:
    context = build("one", Standing())
    false = Decision(answer=Answer.BACK, replies=(Reply(Answer.BACK, (AMARA,)),))
    before = GAVE_WAY.labels("back", "kept")._value.get()
    settled = facts.settle_replies(false, context, messages.PRESUPPOSES, choose_true)
    assert [each.answer for each in settled.replies] == [Answer.KEPT]
    assert any(isinstance(act.content, TextNeedsHuman) for act in settled.acts)
    assert GAVE_WAY.labels("back", "kept")._value.get() == before + 1
    true = decide(understand("MISSING"), context)
    assert facts.settle_replies(true, context, messages.PRESUPPOSES, choose_sentence) == true
