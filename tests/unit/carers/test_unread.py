"""Words that nothing reads report a child of the sender's whom nobody seeks, unless they are plainly harmless."""

import pytest

from services.carers.policy.decision import Answer, Decision
from services.carers.policy.sender_policy import decide
from services.carers.understanding.grammar import understand
from services.safeguarding.child_events.events import ChildReportedMissing, TextNeedsHuman
from tests.unit.carers.corpus import Case, scene_of
from tests.unit.carers.harms import CODES


def made(text: str, who: str, **given: str) -> Decision:
    return decide(understand(text), scene_of(Case(who, tuple(given.items()), text, frozenset(), human=False)))


def sought(decision: Decision) -> set[str]:
    reports = [act.subject for act in decision.acts if isinstance(act.content, ChildReportedMissing)]
    return {CODES.get(subject, "?") for subject in reports}


@pytest.mark.parametrize(
    ("text", "who", "child"),
    [
        ("ive got that horrible feeling again. amara. 3 hrs", "one", "C17"),
        ("Amara told me she was at Chloe's. Chloe's mum says she isn't", "one", "C17"),
        ("got yusuf, havent got amara", "two", "C17"),
        ("Ardit's bed empty", "home", "C24"),
        ("Omar says Selam got in a car with some men at the corner", "home", "C23"),
        ("ardit, 23:15, alarm on fire door went, no show on the field", "home", "C24"),
        ("Ardit nu e in camera lui, a iesit pe geam, nu raspunde", "home", "C24"),
        ("Both were in at nine. Now only Yusuf is. Amara's window is wide open.", "two", "C17"),
        ("School finished at 3 and she wasn't at the gate", "one", "C17"),
        ("I thought she was at her mum's. no amara here", "one", "C17"),
        ("Amara did not make curfew (22:00). Mobile unanswered.", "one", "C17"),
        ("Her bed's not been slept in and the back door was unlocked when I got up", "one", "C17"),
        ("Very quiet in the house. Went up. No girl.", "one", "C17"),
        ("She got on a bus to town with my tenner and that was ten this morning", "one", "C17"),
        ("i am so worried she is out there in this weather", "one", "C17"),
        ("She's took the dog round the block and neither's come back", "one", "C17"),
        ("With me at lunch, out through the garage by four", "one", "C17"),
    ],
)
def test_what_nobody_reads_reports_the_child(text: str, who: str, child: str) -> None:
    assert sought(made(text, who)) == {child}


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("Amara has a dentist appointment at 2 tomorrow", "one"),
        ("Amara got a merit for art!!", "one"),
        ("Amara is in bed and all is quiet tonight", "one"),
        ("Selam gone shopping with her key worker", "home"),
        ("Omar upset after contact with mum but settled now", "home"),
        ("Happy new year to all the team", "one"),
        ("amara might run away", "one"),
        ("her social worker hasn't returned my calls", "one"),
        ("Selam's passport has not arrived from the Home Office", "home"),
        ("the boiler man did not turn up", "one"),
        ("Running late from school, traffic, Amara's with me", "one"),
    ],
)
def test_what_is_plainly_harmless_reports_nobody(text: str, who: str) -> None:
    assert sought(made(text, who)) == set()


def test_a_clause_with_news_of_one_child_says_nothing_of_another() -> None:
    assert sought(made("Omid gone out with staff in the van to look for Omar", "home", C21="missing")) == set()
    assert sought(made("Ardit has left for college as normal. no news on Omar", "home", C21="missing")) == set()
    assert sought(made("Yusuf's bike is gone from Amara's shed", "two", C18="missing")) == set()


def test_who_is_gone_as_well_is_reported_beside_one_who_is_sought() -> None:
    assert "C25" in sought(made("Not just C23 now, Blessing as well. Same window I think", "home", C23="missing"))
    assert "C21" in sought(made("ardits still gone and now omars room is empty as well", "home", C24="missing"))


@pytest.mark.parametrize(
    ("text", "who", "given", "also"),
    [
        ("I've now lost Amara as well", "two", "C18", "C17"),
        ("No Blessing at 1am check", "home", "C22", "C25"),
        ("Amara has followed him", "two", "C18", "C17"),
        ("Ardit was picked up by a car at the gate", "home", "C22", "C24"),
    ],
)
def test_right_beside_a_name_it_is_of_another_than_the_one_sought(text: str, who: str, given: str, also: str) -> None:
    assert also in sought(made(text, who, **{given: "missing"}))


def test_the_second_of_two_in_one_text_is_reported_with_the_first() -> None:
    assert sought(made("Linh is not in her room, nor is Selam in hers", "home")) == {"C22", "C23"}
    assert sought(made("we have lost Selam and Linh in the Arndale", "home")) == {"C22", "C23"}


@pytest.mark.parametrize(
    ("text", "who", "given"),
    [
        ("Yusuf went to school as normal and nobody there has heard from her either", "two", "C17"),
        ("Yusuf went quiet when I asked him. I think he knows where she's gone", "two", "C17"),
        ("Selam's gone quiet, she knows more than she says", "home", "C22"),
        ("Blessing is not her friend, Selam is. Selam not heard from her.", "home", "C22"),
        ("yusuf left for football at 6, she was still here then", "two", "C17"),
    ],
)
def test_what_is_of_the_one_sought_reports_nobody_named_beside(text: str, who: str, given: str) -> None:
    decision = made(text, who, **{given: "missing"})
    assert sought(decision) <= {given}
    assert decision.acts


def test_who_left_after_having_been_brought_home_is_reported() -> None:
    text = "Amara has gone off again, forty minutes after you lot brought her home"
    assert sought(made(text, "one", C17="returned")) == {"C17"}


def test_of_one_who_came_and_went_again_the_last_counts() -> None:
    assert sought(made("She came back at nine. Then she legged it", "one", C17="returned")) == {"C17"}


def test_a_telephone_that_is_here_is_no_child() -> None:
    decision = made("she had two phones. one is here, other one is off", "home", C22="missing")
    assert decision.claims == ()


@pytest.mark.parametrize(
    "text",
    [
        "friend says amara is down by the river drunk",
        "amara says she wants to die",
        "one of them has petrol",
        "amara is wheezing, ambulance on its way",
        "he hit night staff",
    ],
)
def test_danger_comes_first_and_a_person_is_asked(text: str) -> None:
    decision = made(text, "one")
    assert decision.answer is Answer.DANGER
    assert any(isinstance(act.content, TextNeedsHuman) for act in decision.acts)
