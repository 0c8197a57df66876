"""Two machines may answer each other, and a phone may be stolen: limits, which never hold a report or a return."""

from base64 import b64encode
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr, ValidationError

from services.carers.policy.context import Capacity, OpenClaim, TextContext
from services.carers.policy.decision import Answer
from services.carers.policy.sender_policy import decide
from services.carers.policy.senders.carer import REPLIES_AN_HOUR, TO_STAFF_AN_HOUR
from services.carers.settings import CarersSettings
from services.carers.understanding.grammar import understand
from services.safeguarding.child_events.events import TextNeedsHuman
from tests.unit.carers.corpus import Case, child_id, scene_of

KEY = SecretStr(b64encode(b"k" * 32).decode())


def flooded(who: str, *, missing: bool = False) -> TextContext:
    given = (("C17", "missing"),) if missing else ()
    context = scene_of(Case(who, given, "", frozenset(), human=False))
    return replace(
        context, texts_this_hour=500, replies_this_hour=TO_STAFF_AN_HOUR if who == "staff" else REPLIES_AN_HOUR
    )


@pytest.mark.parametrize(
    ("words", "answer"),
    [("MISSING", Answer.MISSING), ("shes run off", Answer.MISSING), ("BACK", Answer.BACK_UNREPORTED)],
)
def test_a_report_and_a_return_are_carried_out_and_answered_however_many_texts_came_before(
    words: str, answer: Answer
) -> None:
    decision = decide(understand(words), flooded("one"))
    assert decision.acts
    assert decision.answer is answer


def test_a_return_after_a_flood_is_answered_too() -> None:
    assert decide(understand("BACK"), flooded("one", missing=True)).answer is Answer.BACK_CLAIMED


@pytest.mark.parametrize("who", ["one", "home", "staff", "officer"])
@pytest.mark.parametrize(("words", "pictures"), [("MISSING", 0), ("HELP", 0), ("", 1)])
def test_whose_authority_is_not_live_always_reads_that_nobody_was_told(who: str, words: str, pictures: int) -> None:
    decision = decide(understand(words), replace(flooded(who), live=False, pictures=pictures))
    assert (decision.answer, decision.acts) == (Answer.NOT_LIVE, ())
    assert decide(understand("thanks"), replace(flooded(who), live=False)).answer is None


@pytest.mark.parametrize("who", ["one", "home", "staff", "officer"])
@pytest.mark.parametrize("words", ["status", "I am away from my phone", "hello?", "join"])
def test_anything_else_is_done_and_no_longer_answered(who: str, words: str) -> None:
    before = decide(understand(words), replace(flooded(who), replies_this_hour=0))
    after = decide(understand(words), flooded(who))
    assert before.answer is not None
    assert after.answer is None
    assert after.acts == before.acts


@pytest.mark.parametrize("words", ["OK C31", "OK ALL", "STATUS", "NO", "NO C31", "I am away from my phone"])
def test_somebody_on_duty_is_answered_far_longer_also_where_they_are_a_carer_too(words: str) -> None:
    for count, answered in ((REPLIES_AN_HOUR, True), (TO_STAFF_AN_HOUR - 1, True), (TO_STAFF_AN_HOUR, False)):
        context = replace(scene_of(Case("staff", (), words, frozenset(), human=False)), replies_this_hour=count)
        assert (decide(understand(words), context).answer is not None) == answered
        there = (Capacity("staff", "lapwing", f"person-{UUID(int=8)}", professional=True),)
        both = replace(context, kind="carer", capacities=there)
        assert (decide(understand("STATUS"), both).answer is not None) == answered


@pytest.mark.parametrize("who", ["one", "home"])
def test_the_twentieth_answer_says_that_it_is_the_last_and_somebody_is_asked_to_ring(who: str) -> None:
    last = replace(flooded(who), replies_this_hour=REPLIES_AN_HOUR - 1)
    decision = decide(understand("status"), last)
    assert [each.answer for each in decision.replies] == [Answer.LAST_ANSWER]
    [asked] = decision.acts
    assert isinstance(asked.content, TextNeedsHuman)
    assert asked.content.reason == "replies-spent"
    report = decide(understand("MISSING"), last)
    assert [each.answer for each in report.replies][1:] == [Answer.LAST_ANSWER]
    assert report.answer in {Answer.MISSING, Answer.MISSING_WHICH}


def test_what_became_of_a_code_is_answered_however_many_texts_came_before() -> None:
    claim = OpenClaim("return", "K7M2", child_id("C17"), "kestrel", live=True)
    waits = replace(flooded("one", missing=True), claims=(claim,))
    for words, answer in (("BACK W2W3", Answer.CODE_WRONG), ("BACK K7M2", Answer.BACK)):
        assert decide(understand(words), waits).answer is answer
    held = replace(waits, wrong_codes_this_hour=5)
    assert decide(understand("BACK K7M2"), held).answer is Answer.CODES_HELD


@pytest.mark.parametrize("who", ["one", "home", "staff", "officer"])
@pytest.mark.parametrize("words", ["STOP", "stop texting me", "unsubscribe"])
def test_whoever_wants_no_more_texts_has_none_and_a_person_finds_another_way(who: str, words: str) -> None:
    decision = decide(understand(words), replace(flooded(who), replies_this_hour=0))
    [act] = decision.acts
    assert isinstance(act.content, TextNeedsHuman)
    assert act.content.reason == "opted-out"
    assert decision.answer is None


@pytest.mark.parametrize("who", ["one", "two", "home", "staff", "officer", "former", "stranger"])
def test_a_picture_without_words_reaches_a_person(who: str) -> None:
    context = replace(scene_of(Case(who, (), "", frozenset(), human=True)), pictures=1)
    assert any(isinstance(act.content, TextNeedsHuman) for act in decide(understand(""), context).acts)


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_carers_do_not_start(token: str | None) -> None:
    settings: dict[str, Any] = {
        "database_password": SecretStr("x"), "master_key": KEY, "phone_key": KEY, "http_port": 1,
        "twilio_account_sid": "AC1", "twilio_from": "+447700900500", "public_url": "https://texts.example", "spool_dir": "/nowhere",
    }  # fmt: skip
    given = settings if token is None else settings | {"twilio_auth_token": SecretStr(token)}
    with pytest.raises(ValidationError, match="twilio_auth_token"):
        CarersSettings(**given)
    assert CarersSettings(**settings, twilio_auth_token=SecretStr("a")).twilio_tokens() == ("a",)
