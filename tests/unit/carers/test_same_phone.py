"""One phone reports twice: the second report may carry the child of the first, and SAME joins them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.carers import messages
from services.carers.conversation.context import _find_recent
from services.carers.policy.context import Child, Provisional, Question, Standing, TextContext
from services.carers.policy.decision import Answer, Decision
from services.carers.policy.sender_policy import decide
from services.carers.understanding.grammar import understand
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.child_events.events import ChildProvisional
from services.safeguarding.identifiers import provisional_child
from tests.unit.carers.corpus import child_id

AT = datetime(2026, 11, 24, 22, 15, tzinfo=UTC)
FIRST = Child(child_id("C23"), "C23", standing=Standing("missing"))
SECOND = Child(child_id("C24"), "C24")
NAMELESS = Provisional(provisional_child("the second text"), reported_at=AT, authority="kestrel")
SCENE = TextContext(
    kind="carer",
    authority="kestrel",
    provisional=provisional_child("a text"),
    children=(FIRST, SECOND),
    texts_this_hour=1,
    recent=(FIRST.child, AT),
)


def made(text: str, context: TextContext = SCENE) -> Decision:
    return decide(understand(text), context)


@pytest.mark.parametrize(
    ("about", "found"),
    [
        ([{FIRST.child}], True),
        ([{SECOND.child}], False),
        ([{FIRST.child, SECOND.child}], False),
        ([{SECOND.child}, {FIRST.child}], True),
        ([], False),
    ],
    ids=["of it", "of one whom nobody seeks", "of all, so of nobody", "of both in turn", "nothing"],
)
def test_the_child_texted_about_is_one_who_is_sought_and_was_meant(about: list[set[str]], found: bool) -> None:
    recent = [(frozenset(each), AT - timedelta(minutes=number)) for number, each in enumerate(about)]
    assert (_find_recent(SCENE, recent) is not None) is found


@pytest.mark.parametrize("recent", [None, (FIRST.child, AT), (child_id("of another home"), AT)])
def test_a_report_without_a_name_carries_the_child_of_its_own_side_alone(recent: tuple[str, datetime] | None) -> None:
    decision = made("another child is missing", replace(SCENE, recent=recent))
    told = [act.content for act in decision.acts if isinstance(act.content, ChildProvisional)]
    expected = recent if recent is not None and recent[0] == FIRST.child else (None, None)
    assert {(each.same_phone, each.same_phone_at) for each in told} == {expected}


@pytest.mark.parametrize(
    ("text", "language", "word"),
    [("another child is missing", "en", "SAME"), ("mae plentyn arall ar goll", "cy", "YR UN")],
)
def test_the_reply_to_a_report_without_a_name_asks_whether_it_is_the_child_of_a_moment_ago_and_its_word_joins_them(
    text: str, language: str, word: str
) -> None:
    decision = made(text)
    assert (decision.answer, decision.question is not None) == (Answer.MISSING_SAME, True)
    [body] = messages.write_replies(decision, (), language, None)
    assert "C23? T" in body
    assert f" {word}." in body
    joined = made(word, replace(SCENE, provisionals=(NAMELESS,), question=decision.question))
    assert joined.identified == ((NAMELESS.provisional, FIRST.child),)
    other = made("C24", replace(SCENE, provisionals=(NAMELESS,), question=Question("report", NAMELESS.provisional)))
    assert other.identified == ((NAMELESS.provisional, SECOND.child),), "its code says that it is another"


@pytest.mark.parametrize(
    "context",
    [
        replace(SCENE, recent=None),
        replace(SCENE, provisionals=(NAMELESS,)),
        replace(SCENE, recent=(child_id("of another home"), AT)),
    ],
    ids=["nobody before it", "one without a name already", "another authority's"],
)
def test_nobody_is_asked_for_a_word_that_would_join_nothing(context: TextContext) -> None:
    assert made("another child is missing", context).answer is Answer.MISSING_WHICH


@pytest.mark.parametrize("text", ["SAME", "same.", "Same child", "Yr un"])
def test_same_joins_the_two_reports(text: str) -> None:
    decision = made(text, replace(SCENE, provisionals=(NAMELESS,)))
    identified = [(act.subject, act.content.child) for act in decision.acts if isinstance(act.content, ChildIdentified)]
    assert identified == [(NAMELESS.provisional, FIRST.child)]
    assert decision.identified == ((NAMELESS.provisional, FIRST.child),)
    assert decision.answer is Answer.MISSING_NAMED


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("SAME", SCENE),
        ("SAME", replace(SCENE, provisionals=(NAMELESS,), recent=None)),
        ("SAME", replace(SCENE, provisionals=(NAMELESS, replace(NAMELESS, provisional=provisional_child("x"))))),
        ("SAME", replace(SCENE, provisionals=(replace(NAMELESS, child=SECOND.child),))),
        ("not the same", replace(SCENE, provisionals=(NAMELESS,))),
        ("same?", replace(SCENE, provisionals=(NAMELESS,), asks=True)),
    ],
    ids=["no report", "nobody before it", "two reports", "named by now", "not", "a question"],
)
def test_nothing_is_joined_where_it_is_not_plain_what_is_the_same(text: str, context: TextContext) -> None:
    assert [act for act in made(text, context).acts if isinstance(act.content, ChildIdentified)] == []
