"""A tired carer with five children texts all night: each reply is judged against what is so by then, by machine."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.carers import messages
from services.carers.policy.decision import Reply
from services.safeguarding.child_events import events
from services.safeguarding.duty.facts import Fact
from tests.support.outside.confirmation import CONFIRM
from tests.unit.carers.corpus import child_id
from tests.unit.carers.phone import FIVE, Phone, Turn

CONVERSATIONS = yaml.safe_load((Path(__file__).parent / "conversations.yaml").read_text(encoding="utf-8"))
CODES = r"((?:C2[1-5](?:, )?)+)"
MISSING = re.compile(
    rf"{CODES} recorded as missing|Cofnodwyd bod {CODES} ar goll|added to the report of {CODES}|ychwanegwyd at adroddiad {CODES}",
    re.IGNORECASE,
)
NOT_SOUGHT = re.compile(
    rf"missing, {CODES} not\.|ar goll, nid {CODES}\.|{CODES}: NOT reported|NO report of {CODES} is open|No report of {CODES} is open|{CODES} recorded as back"
)
SOUGHT = re.compile(
    rf"{CODES}: the search goes on|the search for {CODES} goes on|{CODES} noted as found, not back\. The search goes on"
)
ASKS = (events.TextNeedsHuman, events.ChildProvisional, events.ChildLuringSuspected, events.LocationEnquiryReceived)


def codes_in(pattern: re.Pattern[str], body: str) -> list[str]:
    return [
        code
        for found in pattern.finditer(body)
        for group in found.groups()
        if group
        for code in re.findall(r"C2\d", group)
    ]


def judge_words(body: str, phone: Phone) -> Iterator[str]:
    """By the words alone, as the carer reads them."""
    for code in codes_in(MISSING, body) + codes_in(SOUGHT, body):
        if not phone.is_open(child_id(code)):
            yield f"{code} is not searched for: {body}"
    for code in codes_in(NOT_SOUGHT, body):
        if phone.is_open(child_id(code)):
            yield f"{code} is searched for: {body}"
    for code, of in phone.live_codes().items():
        if code not in body and not any(each in body for each in phone.live_codes()):
            yield f"the code {code} of {of} waits, and is not said: {body}"
    asked = {found[0].split()[-1] for found in CONFIRM.finditer(body)}
    if asked - set(phone.live_codes()):
        yield f"a code is asked for that does not count: {body}"


def judge_facts(reply: Reply, turn: Turn, phone: Phone) -> Iterator[str]:
    """By what the reply presupposes, against the phone's own record."""
    about = reply.about
    anything = any(phone.is_open(child_id(code)) for code, _ in FIVE) or any(
        each.child is None for each in phone.reports
    )
    holds: dict[str, bool] = {
        Fact.REPORT_OPEN: all(map(phone.is_open, about)) if about else anything,
        Fact.NO_REPORT_OPEN: not any(map(phone.is_open, about)) if about else not anything,
        Fact.RETURNED: all(phone.states[each].state == "returned" for each in about if each in phone.states),
        Fact.SEARCH_RESTARTED: all(turn.before[code] == "returned" for code in reply.named),
        Fact.CHILD_NAMED: bool(reply.named),
        Fact.SEVERAL_CHILDREN: True,
        Fact.PERSON_ASKED: any(isinstance(act.content, ASKS) for act in turn.decision.acts)
        or (reply.answer == "none-missing" and phone.person_asked),
        Fact.CODE_LIVE: all(
            each.subject in set().union(*phone.live_codes().values()) for claim in reply.claims for each in claim.about
        ),
        Fact.QUESTION_OPEN: phone.question is not None,
        Fact.REFERENCE_HELD: any(isinstance(act.content, events.PoliceReferenceTexted) for act in turn.decision.acts),
    }
    for fact in messages.PRESUPPOSES[reply.answer].holds:
        if not holds.get(fact, False):
            yield f"{reply.answer}: {fact} does not hold"


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda each: each["name"])
def test_each_reply_of_a_conversation_is_so(conversation: dict[str, Any]) -> None:
    phone, asked, wrong = Phone(), "", list[str]()
    for told in conversation["turns"]:
        phone.now += timedelta(minutes=told.get("wait", 1))
        for _ in range(told.get("times", 1) if "says" in told else 0):
            turn = phone.text(told["says"].replace("CODE", asked))
            wrong += [each for body in turn.bodies for each in judge_words(body, phone)]
            wrong += [each for reply in turn.decision.replies for each in judge_facts(reply, turn, phone)]
            asked = next((found[0] for body in turn.bodies for found in CONFIRM.finditer(body)), asked)
        if "says" not in told:
            continue
        if "open" in told and {code for code, _ in FIVE if phone.is_open(child_id(code))} != set(told["open"]):
            wrong.append(f"{told['says']}: open are {phone.stands()}")
        if told.get("has", "") not in " ".join(turn.bodies) or told.get("silent", False) == bool(turn.bodies):
            wrong.append(f"{told['says']}: {turn.bodies}")
    assert wrong == []


def test_there_are_as_many_conversations_as_a_night_has_and_three_languages() -> None:
    assert len(CONVERSATIONS) > 20
