"""One search a child: who has reported a child and goes on to tell of them, as we asked, reports nobody else."""

from dataclasses import replace

import pytest

from services.carers.policy.context import Provisional, Standing, TextContext
from services.carers.policy.decision import Answer, Decision
from services.carers.policy.sender_policy import decide
from services.carers.understanding.grammar import understand
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.identifiers import provisional_child
from tests.unit.carers.corpus import SOMEBODY, Case, child_id, effects, scene_of

EARLIER = provisional_child("an earlier text")


def scene(who: str = "home", **given: str) -> TextContext:
    return scene_of(Case(who, tuple(given.items()), "", frozenset(), human=False))


def made(text: str, context: TextContext) -> Decision:
    return decide(understand(text), context)


FACTS = [
    "MISSING", "missing please hurry", "she left at half nine through the back door, she isnt back",
    "gone out the window, black hoodie, grey joggers, white trainers", "still not back. her phone is off",
    "she ran off after a row with staff, no money on her", "ar goll o hyd", "she has gone with her friend from school",
    "last seen 21.30 by night staff, too dark to look for her now", "we have looked everywhere for her, no sign", "nuk eshte kthyer ende",
]  # fmt: skip


@pytest.mark.parametrize("text", FACTS)
def test_what_follows_the_report_of_a_child_is_added_to_it(text: str) -> None:
    decision = made(text, scene(C23="missing"))
    reported = {act.subject for act in decision.acts if isinstance(act.content, ChildReportedMissing)}
    assert reported == {child_id("C23")}
    assert decision.answer is Answer.MISSING_AGAIN


ANOTHER = [
    "another one gone", "now a second girl is missing", "the other one isnt in either", "they are both gone", "missing too",
    "her sister is not back either", "his brother has gone", "he has gone out the window", "edhe tjetra iku", "druga tez uciekla",
    "і друга зникла", "a'r llall ar goll", "two of them have gone now", "MISSING C99",
]  # fmt: skip


@pytest.mark.parametrize("text", ANOTHER)
def test_what_may_be_about_one_more_child_opens_a_search_of_its_own(text: str) -> None:
    decision = made(text, scene(C23="missing"))
    assert {act.subject for act in decision.acts if isinstance(act.content, ChildReportedMissing)} == {SOMEBODY}


@pytest.mark.parametrize("text", ["MISSING C24", "Ardit has gone as well", "C24 gone too"])
def test_another_child_by_code_or_name_is_reported(text: str) -> None:
    assert effects(made(text, scene(C23="missing"))) == {"missing C24"}


def test_of_two_who_are_sought_she_is_the_girl() -> None:
    context = scene(C23="missing", C24="missing")
    assert effects(made("she went out the window", context)) == {"missing C23"}
    assert effects(made("he went out the window", context)) == {"missing C24"}


def test_of_two_girls_who_are_sought_which_of_them_is_asked_and_nobody_else_is_sought() -> None:
    decision = made("she went out the window", scene(C22="missing", C23="missing"))
    assert effects(decision) == {"human"}
    assert (decision.answer, decision.question is not None) == (Answer.WHICH, True)


def test_what_is_of_all_who_are_sought_is_added_to_each_report() -> None:
    assert effects(made("still not back", scene(C22="missing", C23="missing"))) == {"missing C22", "missing C23"}


def test_a_phone_that_never_texted_about_the_child_may_mean_another() -> None:
    context = scene(C23="missing")
    elsewhere = replace(context, children=tuple(replace(each, texted_about=False) for each in context.children))
    assert "missing ?" in effects(made("MISSING", elsewhere))


def test_a_second_text_after_a_report_without_a_name_is_added_to_it() -> None:
    nameless = (Provisional(EARLIER, standing=Standing("missing")),)
    for text in ("MISSING", "she went out at ten and isnt back"):
        decision = made(text, replace(scene(), provisionals=nameless))
        assert {act.subject for act in decision.acts} == {EARLIER}
    assert SOMEBODY in {act.subject for act in made("another one gone", replace(scene(), provisionals=nameless)).acts}


@pytest.mark.parametrize("text", ["REF 1234", "BACK", "STATUS"])
def test_a_reference_and_a_return_then_go_to_the_one_who_is_sought(text: str) -> None:
    acts = made(text, scene(C23="missing")).acts
    assert {act.subject for act in acts} <= {child_id("C23")}
