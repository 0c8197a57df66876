"""A number that several authorities or placements know: each has its own part of what is decided, and none of another's."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from services.carers.policy.context import Capacity, Child, Provisional, Question, Standing, TextContext
from services.carers.policy.decision import Answer, Decision
from services.carers.policy.mentions import sides
from services.carers.policy.mentions.child_mentions import resolve_mentions
from services.carers.policy.sender_policy import decide
from services.carers.understanding import child_names
from services.carers.understanding.grammar import understand
from services.carers.understanding.meaning import Intent
from services.safeguarding.child_events import events
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.identifiers import provisional_child
from tests.unit.carers.corpus import UNKNOWN, cases, child_id

ROOT = provisional_child("a text")
PEOPLE = {"kestrel": f"person-{UUID(int=7)}", "lapwing": f"person-{UUID(int=8)}"}
PLACES = {"kestrel": f"placement-{UUID(int=7)}", "lapwing": f"placement-{UUID(int=8)}"}


def child(code: str, authority: str, name: str = "") -> Child:
    return Child(
        child_id(f"{authority} {code}"),
        code,
        (name,) if name else (),
        authority=authority,
        person=PEOPLE[authority],
        placement=PLACES[authority],
    )


AMARA, YUSUF, SELAM = (
    child("C17", "kestrel", "Amara"),
    child("C18", "kestrel", "Yusuf"),
    child("C19", "lapwing", "Selam"),
)
ALIKE = child("C17", "lapwing", "Bao")
SCENE = TextContext(
    kind="carer",
    authority="kestrel",
    provisional=ROOT,
    person=PEOPLE["kestrel"],
    placement=PLACES["kestrel"],
    children=(AMARA, YUSUF, SELAM),
    texts_this_hour=1,
    capacities=tuple(Capacity("carer", each, PEOPLE[each]) for each in ("kestrel", "lapwing")),
)


def with_alike() -> TextContext:
    return replace(SCENE, children=(*SCENE.children, ALIKE))


def made(text: str, context: TextContext) -> Decision:
    return decide(understand(text), context)


def asked(context: TextContext) -> TextContext:
    """After a report without a name: each side's stands open."""
    several = sides.list_sides(context)
    provisionals = tuple(
        Provisional(each.provisional, authority=each.authority, placement=each.placement) for each in several
    )
    return replace(
        context, question=Question("report", ROOT), provisionals=provisionals, provisional=provisional_child("next")
    )


def said(decision: Decision, kind: type) -> list[tuple[str, Any]]:
    """Subject and content of what is said of this kind."""
    return [(act.subject, act.content) for act in decision.acts if isinstance(act.content, kind)]


def authorities(decision: Decision, kind: type) -> list[str]:
    return sorted(content.authority for _, content in said(decision, kind))


def test_the_sides_share_all_children_and_no_report() -> None:
    kestrel, lapwing = sides.list_sides(SCENE)
    assert (kestrel.children, lapwing.children) == ((AMARA, YUSUF), (SELAM,))
    assert len({kestrel.provisional, lapwing.provisional, ROOT}) == 3
    assert (lapwing.authority, lapwing.person, lapwing.placement) == ("lapwing", PEOPLE["lapwing"], PLACES["lapwing"])
    assert sides.list_sides(SCENE) == (kestrel, lapwing), "the same however often the text is read"


def test_of_one_authority_and_placement_the_report_is_the_texts_own() -> None:
    one = replace(SCENE, children=(AMARA, YUSUF))
    assert [each.provisional for each in sides.list_sides(one)] == [ROOT]


def test_two_homes_of_one_authority_are_two_reports_and_one_team() -> None:
    away = replace(YUSUF, placement=PLACES["lapwing"])
    context = replace(SCENE, children=(AMARA, away))
    assert authorities(made("MISSING", context), events.ChildReportedMissing) == ["kestrel", "kestrel"]
    assert authorities(made("where did I put the thing", context), events.TextNeedsHuman) == ["kestrel"]


@pytest.mark.parametrize("text", ["C17 is missing", "missing see seventeen"])
def test_a_code_that_two_have_is_neithers(text: str) -> None:
    found = resolve_mentions(understand(text), with_alike())
    assert (found.about, found.nobody) == ({}, ())
    assert found.either == {(AMARA.child, ALIKE.child): (Intent.MISSING,)}


def test_by_a_name_that_one_alone_has_it_is_that_one_whatever_the_code() -> None:
    assert resolve_mentions(understand("Bao is missing"), with_alike()).about == {ALIKE.child: (Intent.MISSING,)}


def test_beside_a_child_that_is_exact_one_that_is_not_is_reported_to_both() -> None:
    decision = made("C18 and C17 are missing", with_alike())
    reported = said(decision, events.ChildReportedMissing)
    assert YUSUF.child in {subject for subject, _ in reported}
    candidates = [content.candidates for _, content in reported if content.candidates]
    assert sorted(candidates) == sorted([(AMARA.child,), (ALIKE.child,)])
    assert decision.answer is Answer.MISSING_ALIKE


def test_two_codes_that_both_have_are_two_children_in_reports_of_their_own() -> None:
    context = replace(with_alike(), children=(*with_alike().children, child("C18", "lapwing", "Linh")))
    reported = {act.subject for act in made("C17 and C18 missing", context).acts}
    assert len(reported) == 4


def test_of_two_alike_the_one_that_is_missing_is_meant_by_what_is_not_a_report() -> None:
    missing = replace(AMARA, standing=Standing("missing"))
    context = replace(SCENE, children=(missing, YUSUF, SELAM, ALIKE))
    assert resolve_mentions(understand("C17 seen at the station"), context).about == {AMARA.child: (Intent.SEEN,)}
    assert resolve_mentions(understand("C17 missing"), context).about == {}, "it may be the other"


def test_neither_is_exact_where_the_answer_is_a_bare_number() -> None:
    known = with_alike().children
    assert (child_names.find_answered("17", known), child_names.find_answered("19", known)) == ((), (SELAM.child,))


def test_the_answer_identifies_in_its_own_report_and_leaves_the_other_to_a_person() -> None:
    context = asked(SCENE)
    decision = made("C19", context)
    kestrel, lapwing = context.provisionals
    assert decision.identified == ((lapwing.provisional, SELAM.child),)
    ((subject, read),) = said(decision, events.TextNeedsHuman)
    assert (subject, read.authority, read.said_by) == (kestrel.provisional, "kestrel", PEOPLE["kestrel"])
    assert not said(decision, events.ReportRetracted)


def test_an_answer_that_names_one_of_each_identifies_both() -> None:
    context = asked(SCENE)
    decision = made("C17 and C19", context)
    assert authorities(decision, ChildIdentified) == ["kestrel", "lapwing"]
    assert {child for _, child in decision.identified} == {AMARA.child, SELAM.child}
    assert not authorities(decision, events.TextNeedsHuman)


def test_a_child_who_has_moved_since_is_reported_and_no_other_places_report_is_theirs() -> None:
    context = asked(SCENE)
    moved = replace(SELAM, placement=f"placement-{UUID(int=99)}")
    decision = made("C19", replace(context, children=(AMARA, YUSUF, moved)))
    assert decision.identified == ()
    assert [subject for subject, _ in said(decision, events.ChildReportedMissing)] == [SELAM.child]
    assert authorities(decision, events.TextNeedsHuman) == ["kestrel", "lapwing"]


def test_on_duty_elsewhere_a_carer_answers_for_that_authority_only_what_it_told_them() -> None:
    coded = child("C31", "lapwing")
    told = replace(UNKNOWN, authority="lapwing", person=PEOPLE["lapwing"])
    on_duty = replace(
        SCENE,
        children=(AMARA,),
        capacities=(SCENE.capacities[0], Capacity("staff", "lapwing", PEOPLE["lapwing"], professional=True)),
        coded=(coded,),
        telling=told,
    )
    decision = made("VBHJZ it is C31", on_duty)
    assert decision.identified == ((told.child, coded.child),)
    assert authorities(decision, ChildIdentified) == ["lapwing"]
    carer_there = replace(on_duty, capacities=SCENE.capacities)
    assert made("VBHJZ it is C31", carer_there).identified == ()


def test_staff_say_of_no_child_of_another_authority_who_it_is() -> None:
    staff = replace(
        SCENE,
        kind="staff",
        children=(),
        capacities=tuple(Capacity("staff", each, PEOPLE[each], professional=True) for each in PEOPLE),
        coded=(child("C31", "lapwing"),),
        telling=UNKNOWN,
    )
    decision = made("VBHJZ it is C31", staff)
    assert (decision.identified, decision.answer) == ((), Answer.NOT_IDENTIFIED)
    assert authorities(decision, events.TextNeedsHuman) == ["kestrel"]


@pytest.mark.parametrize("text", ["C31", "c 31", "child 31", "it is see thirty", "031 missing"])
def test_what_may_be_the_number_of_a_code_is_found(text: str) -> None:
    assert ("31" in child_names.find_code_numbers(understand(text).words)) == ("31" in text)


def test_a_text_of_nothing_but_numbers_asks_for_no_more_codes_than_a_person_would_name() -> None:
    assert child_names.find_code_numbers(" ".join(map(str, range(1, 1000)))) == tuple(map(str, range(1, 51)))


def test_whatever_is_texted_each_authority_hears_of_its_own_children_from_whom_it_knows() -> None:
    every = [*with_alike().children, child("C31", "lapwing")]
    whose_is = {each.child: each.authority for each in every}
    scenes = [with_alike(), asked(with_alike()), replace(with_alike(), kind="staff", children=(), coded=tuple(every))]
    texts = [case.text for case in cases("corpus.yaml")] + ["C17 missing", "BACK C17", "C19 and C18 are back"]
    checked = 0
    for text in texts:
        for context in scenes:
            for act in made(text, context).acts:
                content: Any = act.content
                about = {act.subject, *getattr(content, "candidates", ()), getattr(content, "child", act.subject)}
                known = {whose_is[each] for each in about if each in whose_is}
                assert known <= {content.authority}, text
                assert content.said_by == PEOPLE[content.authority] if hasattr(content, "said_by") else True, text
                checked += bool(known)
    assert checked > 500
