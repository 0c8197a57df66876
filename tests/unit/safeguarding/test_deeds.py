"""Every deed: whatever its form takes becomes an event that does what the deed promises, and every fault is named."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.protocol.policy.case import Facts
from services.protocol.policy.draft import Decision
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.safeguarding.child_events import care_events, events
from services.safeguarding.deeds import DEED_SPECS, Answers, DeedSpec, Fault, Faults, Field, Kind, Matter, _read
from services.safeguarding.roles import DEEDS, CareStep, Deed
from tests.support.cases import try_each
from tests.support.histories.one_child import CHILD, START, OneChild
from tests.support.histories.own_rules import only

ACT, EARLIER = UUID(int=7), UUID(int=8)
TODAY = date(2026, 11, 24)
EVERY_WORD = only(
    *({"id": each.replace(".", "-"), "on": each} for each in Trigger), watch_on=[Trigger.DECISION_REFUSED]
)
ALL = sorted(DEED_SPECS.values(), key=lambda each: each.deed)
BY_NAME = pytest.mark.parametrize("spec", ALL, ids=lambda each: each.deed)


def answers_to(field: Field) -> st.SearchStrategy[str]:
    match field.kind:
        case Kind.LINE | Kind.WORDS:
            found = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=120)
        case Kind.MOMENT:
            found = st.integers(1, 300).map(lambda days: f"{TODAY + timedelta(days=days)}T09:30")
        case Kind.PAST_DAY:
            found = st.dates(TODAY - timedelta(days=4000), TODAY).map(str)
        case Kind.DAY_TO_COME:
            found = st.dates(TODAY, TODAY + timedelta(days=4000)).map(str)
        case Kind.SEVERAL:
            found = st.lists(st.sampled_from(field.choices), min_size=1, unique=True).map(",".join)
        case _:
            found = st.sampled_from(field.choices)
    return found if field.required else st.just("") | found


def form_of(spec: DeedSpec) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({each.name: answers_to(each) for each in spec.asks})


def child_with(*earlier: Any) -> OneChild:
    child = OneChild(CHILD, Facts(authority="northshire", force="north-force"), EVERY_WORD)
    for each in earlier:
        child.hears(each)
    return child


def triggers(decision: Decision) -> set[str]:
    named = {each.replace(".", "-"): str(each) for each in Trigger}
    return {named[each.rule] for each in decision.duties if each.act == "tell"}


def read(spec: DeedSpec, form: dict[str, str]) -> Answers:
    answers = spec.read(ACT, form, START)
    return replace(answers, words={name: (f"words-{UUID(int=9)}",) for name in answers.said})


def read_or_name_faults(spec: DeedSpec, form: dict[str, str]) -> Answers | dict[str, Fault]:
    try:
        return read(spec, form)
    except Faults as faults:
        return faults.by_field


@BY_NAME
@settings(max_examples=25)
@given(drawn=st.data())
def test_what_a_form_takes_becomes_an_event_that_ends_the_duty(spec: DeedSpec, drawn: st.DataObject) -> None:
    form = drawn.draw(form_of(spec))
    said = {"authority": "northshire"}
    watched = events.AsylumDecisionRecorded(**said, outcome="refused")
    child = child_with(watched, events.ChildReportedMissing(**said))
    [episode] = child.case.episodes
    matter = Matter("northshire", "page", episode, "north-force", corrects=EARLIER)
    answers = read_or_name_faults(spec, form)
    if not isinstance(answers, Answers):
        assert {form[name] for name in answers} == {""}, "only what was left out is at fault"
        return
    event = spec.event(matter, answers)
    assert bool(event.words) == bool(answers.said)
    if isinstance(event, events.Told):
        assert event.corrects_event == EARLIER
    found = triggers(child.hears(event, 1))
    unfit = spec.deed is Deed("interpreter") and not (answers.facts["trained"] and answers.facts["independent"])
    only_offered = spec.deed is Deed("return-interview") and answers.facts["state"] == "offered"
    assert (found & set(spec.ends)) or unfit or only_offered


@BY_NAME
@settings(max_examples=25)
@given(drawn=st.data())
def test_each_field_that_is_left_out_is_named(spec: DeedSpec, drawn: st.DataObject) -> None:
    form = drawn.draw(form_of(spec))
    needed = [each.name for each in spec.asks if each.required]
    left_out = drawn.draw(st.sets(st.sampled_from(needed), min_size=1)) if needed else set()
    if left_out:
        with pytest.raises(Faults) as found:
            read(spec, {name: value for name, value in form.items() if name not in left_out})
        assert found.value.by_field == dict.fromkeys([each for each in needed if each in left_out], Fault.MISSING)


@pytest.mark.parametrize(
    ("kind", "answer", "fault"),
    [
        (Kind.LINE, "x" * 121, Fault.TOO_LONG),
        (Kind.WORDS, "x" * 2001, Fault.TOO_LONG),
        (Kind.CHOICE, "c", Fault.NOT_OFFERED),
        (Kind.SEVERAL, "a,c", Fault.NOT_OFFERED),
        (Kind.YES_NO, "perhaps", Fault.NOT_OFFERED),
        (Kind.MOMENT, "2026-11-24T17:59", Fault.PAST),
        (Kind.DAY_TO_COME, "2026-11-23", Fault.PAST),
        (Kind.DAY_TO_COME, "2039-01-01", Fault.FAR),
        (Kind.DAY_TO_COME, "soon", Fault.NO_DAY),
        (Kind.PAST_DAY, "2026-11-25", Fault.FUTURE),
        (Kind.PAST_DAY, "1999-01-01", Fault.FAR),
    ],
)
def test_an_answer_that_cannot_be_meant_is_named(kind: Kind, answer: str, fault: Fault) -> None:
    assert Field("x", kind, choices=("a", "b")).fault(answer, START) is fault


def test_a_day_is_of_england() -> None:
    """Half past midnight in summer is still the day before in UTC."""
    summer = datetime(2026, 7, 24, 23, 30, tzinfo=UTC)
    assert Field("x", Kind.PAST_DAY).fault("2026-07-25", summer) is None


@pytest.mark.parametrize("hour", [0, 1])
def test_of_the_hour_that_the_clock_shows_twice_the_second_is_meant_once_it_has_come(hour: int) -> None:
    now = datetime(2026, 10, 25, hour, 40, tzinfo=UTC)
    answers = Answers.read(UUID(int=1), [Field("x", Kind.PAST)], {"x": "2026-10-25T01:30"}, now)
    assert answers.moments["x"].astimezone(UTC) == now - timedelta(minutes=10)


@pytest.mark.parametrize(
    ("deed", "form", "fault"),
    [
        (Deed("return-interview"), {"state": "declined"}, {"note"}),
        (Deed("return-interview"), {"state": "completed"}, {"by", "independent", "interpreter"}),
        (Deed("conference"), {"state": "not-needed"}, {"note"}),
        (Deed("visitor"), {"accepted": "no", "role_understood": "yes"}, {"note"}),
        (Deed("watch-review"), {"goes_on": "no"}, {"note"}),
        (Deed("transfer-answer"), {"transfer": "transfer-refused"}, {"note"}),
        (Deed("leave"), {"lasts": "until-a-day"}, {"expires_on"}),
        (Deed("profile"), {"profile": "filled-in", "photograph": "no"}, {"description"}),
    ],
)
def test_what_one_answer_makes_needed_is_named(deed: Deed, form: dict[str, str], fault: set[str]) -> None:
    with pytest.raises(Faults) as found:
        read(DEED_SPECS[deed], form)
    assert found.value.by_field == dict.fromkeys(fault, Fault.MISSING)


@pytest.mark.parametrize(
    ("misspelt", "word"),
    [
        ({"evnt": "watch.reviewed"}, "evnt"),
        ({"event": "watch.reviewd"}, "watch.reviewd"),
        ({"asks": {"goes_on": "ys-no"}}, "ys-no"),
        ({"asks": {"goes_on": {"kind": "yes-no", "requird": False}}}, "requird"),
    ],
)
def test_a_word_that_the_file_of_deeds_misspells_is_named(misspelt: dict[str, Any], word: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError), match=word):
        _read("watch-review", ends=["watch.ended"], **misspelt)


def test_what_a_deed_ends_and_needs_there_is() -> None:
    def holds(deed: str) -> None:
        spec = DEED_SPECS[Deed(deed)]
        offered = {each.name: each.choices for each in spec.asks}
        needs: dict[str, dict[str, Any]] = DEEDS[deed].get("needs", {})
        assert set(spec.ends) <= set(Trigger)
        assert needs.keys() <= offered.keys()
        for name, answer in (each for after in needs.values() for each in after.items()):
            assert {True: "yes", False: "no"}.get(answer, answer) in offered[name]

    try_each(DEEDS, holds)


def test_every_deed_and_every_step_has_its_form() -> None:
    assert set(DEED_SPECS) == set(Deed)
    steps = {step for deed in Deed if _is_step(deed) for step in steps_of(DEED_SPECS[deed])}
    assert steps == set(CareStep)


def steps_of(spec: DeedSpec) -> list[str]:
    chosen = next(((each.name, each.choices) for each in spec.asks if each.kind is Kind.CHOICE), ("", ("",)))
    return [spec.facts(Answers(ACT, facts={chosen[0]: each}))["step"] for each in chosen[1]]


def _is_step(deed: Deed) -> bool:
    return DEED_SPECS[deed].kind.kind == "care-step.recorded.v1"


def test_leave_without_a_last_day_is_counted_down_to_no_longer() -> None:
    child = child_with(care_events.LeaveGranted(authority="northshire", expires_on=date(2027, 1, 1)))
    event = DEED_SPECS[Deed("leave")].event(
        Matter("northshire", "page"), read(DEED_SPECS[Deed("leave")], {"lasts": "no-last-day"})
    )
    child.hears(event, 1)
    assert child.case.leave_expires_on is None


@pytest.mark.parametrize(("covers", "held"), [("all-absences", 2), ("this-absence", 1)])
def test_an_interview_covers_the_absences_that_it_says(covers: str, held: int) -> None:
    said = {"authority": "northshire"}
    missing, back = events.ChildReportedMissing(**said), events.ChildReturned(**said, proof="agency")
    child = child_with(missing, back)
    child.hears(missing, 30)
    child.hears(back, 31)
    form = {"state": "offered", "covers": covers}
    child.hears(
        DEED_SPECS[Deed("return-interview")].event(
            Matter("northshire", "page"), read(DEED_SPECS[Deed("return-interview")], form)
        ),
        32,
    )
    assert [each.interview_offered for each in child.case.episodes.values()].count(True) == held
