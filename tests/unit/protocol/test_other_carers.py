"""Carers who did not report it themselves: who of them is told, once each, and of what."""

from datetime import timedelta
from typing import Any, Literal

import pytest

from services.protocol.loader import Library, files
from services.protocol.policy.case import Facts
from services.protocol.simulate import story_of, tell
from services.safeguarding.child_events import events
from services.safeguarding.child_events.care_events import ChildIdentified, PlacementChanged
from services.safeguarding.duty.duties import DutyAccepted
from services.safeguarding.roles import CARERS, Role
from tests.support.histories.one_child import CHILD, OneChild

SAID: dict[str, Any] = {"authority": "northshire"}
ANN = "person-00000000-0000-4000-8000-00000000000a"
BEN = "person-00000000-0000-4000-8000-00000000000b"
CAT = "person-00000000-0000-4000-8000-00000000000c"
UNKNOWN = "provisional-00000000-0000-4000-8000-000000000002"
FACTS = Facts(authority="northshire", force="north-force", carers=(ANN, BEN))
BY_AGENCY = events.ChildReportedMissing(**SAID, channel="agency")
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY, channel="agency")
NOT_BACK = events.ReportRetracted(**SAID, retracts="return", channel="agency")
FALSE_ALARM = events.ReportRetracted(**SAID, retracts="missing", proof=events.Proof.AGENCY, channel="agency")
LOCATED = events.ChildLocated(**SAID, channel="force", proof=events.Proof.FORCE)


def texted(person: str) -> events.ChildReportedMissing:
    return events.ChildReportedMissing(**SAID, channel="text", said_by=person)


class Child(OneChild):
    def texts(self, *about: Any) -> dict[str | None, str]:
        """Each carer's one text upon this, which arrives."""
        decision = self.hears(*about)
        texts = [each for each in decision.duties if each.role in CARERS and each.act == "tell"]
        assert len({each.person for each in texts}) == len(texts)
        for each in texts:
            self.hears(DutyAccepted(**SAID, duty=each.duty, step=each.step), about[1] if len(about) > 1 else 0)
        return {each.person: each.wording for each in texts}


@pytest.mark.parametrize(
    ("report", "carers", "who"),
    [
        (BY_AGENCY, (ANN, BEN), {ANN, BEN}),
        (BY_AGENCY, None, {None}),
        (texted(ANN), (ANN, BEN), set()),
        (texted(ANN), None, set()),
        (texted(CAT), (ANN, BEN), {ANN, BEN}),
    ],
)
def test_carers_are_told_where_none_of_them_has_reported(
    report: events.ChildReportedMissing, carers: tuple[str, ...] | None, who: set[str | None]
) -> None:
    child = Child(CHILD, FACTS.model_copy(update={"carers": carers}))
    assert child.texts(report) == dict.fromkeys(who, "missing-said-elsewhere")


def test_each_word_reaches_each_carer_once_and_who_reports_by_then_as_one_who_reported() -> None:
    child = Child(CHILD, FACTS)
    child.hears(BY_AGENCY)
    child.hears(texted(ANN), 0.5)
    assert child.texts(LOCATED, 1) == {ANN: "located-recorded", BEN: "located-recorded"}
    assert child.texts(BACK, 2) == {ANN: "return-recorded", BEN: "return-said-elsewhere"}
    assert child.texts(NOT_BACK, 3) == {ANN: "missing-said-elsewhere", BEN: "missing-said-elsewhere"}
    assert child.texts(BACK, 4) == {ANN: "return-recorded", BEN: "return-said-elsewhere"}
    assert child.texts(FALSE_ALARM, 5) == {ANN: "withdrawn-elsewhere", BEN: "withdrawn-elsewhere"}


def test_who_brings_the_child_back_has_an_answer_and_is_told_nothing_more() -> None:
    child = Child(CHILD, FACTS)
    child.hears(BY_AGENCY)
    back = events.ChildReturned(**SAID, proof=events.Proof.HANDSET, channel="text", said_by=BEN)
    assert child.texts(back, 1) == {ANN: "return-said-elsewhere"}


def test_whoever_was_told_hears_how_it_ends_also_after_the_child_has_moved_and_nobody_new_does() -> None:
    child = Child(CHILD, FACTS)
    child.hears(BY_AGENCY)
    child.facts = FACTS.model_copy(update={"carers": (CAT,)})
    assert child.texts(BACK, 1) == dict.fromkeys((ANN, BEN), "return-said-elsewhere")


@pytest.mark.parametrize(
    ("report", "now_with", "told"),
    [
        (BY_AGENCY, (CAT, BEN), {CAT}),
        (texted(ANN), (ANN, CAT), {CAT}),
        (texted(ANN), (CAT,), {CAT}),
        (BY_AGENCY, None, {None}),
    ],
    ids=["one cares for it in both", "who reported cares for it still", "somebody else", "nobody knows who"],
)
def test_who_cares_for_a_missing_child_where_it_is_placed_anew_hears_of_it_and_how_it_ends(
    report: events.ChildReportedMissing, now_with: tuple[str, ...] | None, told: set[str | None]
) -> None:
    child = Child(CHILD, FACTS.model_copy(update={"placement": "placement-00000000-0000-4000-8000-000000000001"}))
    child.texts(report)
    moved = {"placement": "placement-00000000-0000-4000-8000-000000000002", "carers": now_with}
    child.facts = FACTS.model_copy(update=moved)
    missing = [
        each for each in child.hears(PlacementChanged(**SAID), 1).duties if each.rule == "tell-new-carers-missing"
    ]
    assert {each.person for each in missing} == told
    assert told <= set(child.texts(BACK, 2))


def test_of_a_report_of_their_own_other_carers_hear_nothing() -> None:
    child = Child(CHILD, FACTS)
    child.hears(texted(ANN))
    assert [child.texts(word, hour) for word, hour in ((BACK, 1), (NOT_BACK, 2), (FALSE_ALARM, 3))] == [
        {ANN: "return-recorded"},
        {ANN: "missing-said-elsewhere"},
        {ANN: "withdrawn-elsewhere"},
    ]


@pytest.mark.parametrize("retracts", ["return", "missing"])
def test_who_takes_it_back_has_an_answer_and_who_else_reported_is_told(retracts: Literal["return", "missing"]) -> None:
    child = Child(CHILD, FACTS)
    child.hears(texted(ANN))
    child.hears(texted(BEN), 0.5)
    child.texts(BACK, 1)
    says = events.ReportRetracted(**SAID, retracts=retracts, proof=events.Proof.HANDSET, channel="text", said_by=BEN)
    assert set(child.texts(says, 2)) == {ANN}


def test_carers_of_a_child_whom_nobody_could_name_are_told_when_it_is_known_and_once() -> None:
    unknown, child = Child(UNKNOWN, FACTS.model_copy(update={"carers": None})), Child(CHILD, FACTS)
    assert unknown.texts(BY_AGENCY) == {}
    identified = ChildIdentified(**SAID, child=CHILD, channel="agency")
    assert child.texts(identified, 1, unknown.case) == dict.fromkeys((ANN, BEN), "missing-said-elsewhere")
    second = Child(UNKNOWN, FACTS)
    second.hears(BY_AGENCY)
    assert child.texts(identified, 2, second.case) == {}


@pytest.mark.parametrize("is_missing", [True, False])
def test_carers_of_a_missing_child_have_no_test_and_no_question_what_police_would_ask(is_missing: bool) -> None:
    gone = [{"at": "26d", "event": "child.reported-missing", "channel": "agency"}] if is_missing else []
    moves = {"at": "27d", "event": "placement.changed"}
    arrives = [{"at": "0m", "event": "child.record-changed"}, {"at": "24d", "event": "child.accommodated"}]
    happens = [*arrives, *gone, moves]
    story = {"story": "carers", "begins": "2026-11-24T10:00:00+00:00", "happens": happens, "until": "92d", "told": []}
    told = tell(story_of(story), Library(files())).told
    asked = {each.duty.rule for each in told if each.duty.role == Role.CARERS_ALL and each.after > timedelta(days=26)}
    quiet = {"carers-answer-monthly", "profile-is-due", "new-carers-say-what-police-will-ask"}
    assert (asked & quiet == set()) is is_missing


def test_carers_of_a_child_whose_placement_comes_with_its_name_are_told_once() -> None:
    unknown, child = Child(UNKNOWN, FACTS.model_copy(update={"carers": None})), Child(CHILD, FACTS)
    unknown.hears(BY_AGENCY)
    child.facts = FACTS.model_copy(update={"placement": "placement-00000000-0000-4000-8000-000000000001"})
    identified = ChildIdentified(**SAID, child=CHILD, channel="agency")
    assert child.texts(identified, 1, unknown.case) == dict.fromkeys((ANN, BEN), "missing-said-elsewhere")


def test_carers_whom_nobody_knows_are_told_once_where_the_name_and_the_placement_come_together() -> None:
    unknown, child = Child(UNKNOWN, FACTS.model_copy(update={"carers": None})), Child(CHILD, FACTS)
    unknown.hears(BY_AGENCY)
    moved = {"placement": "placement-00000000-0000-4000-8000-000000000001", "carers": None}
    child.facts = FACTS.model_copy(update=moved)
    identified = ChildIdentified(**SAID, child=CHILD, channel="agency")
    assert child.texts(identified, 1, unknown.case) == {None: "missing-said-elsewhere"}


@pytest.mark.parametrize("by", [ANN, BEN])
def test_who_heard_that_somebody_lures_the_child_hears_all_the_same_that_it_is_missing(by: str) -> None:
    child = Child(CHILD, FACTS.model_copy(update={"carers": (ANN, BEN, CAT)}))
    deadlines = child.hears(texted(ANN)).deadlines
    (due,) = [each.content for each in deadlines if getattr(each.content, "rule", "") == "tell-colleagues-missing"]
    child.texts(events.ChildLuringSuspected(**SAID, channel="text", said_by=by), 0.2)
    assert child.texts(due, 0.5) == dict.fromkeys((BEN, CAT), "missing-said-elsewhere")
    assert child.texts(BACK, 1) == {ANN: "return-recorded"} | dict.fromkeys((BEN, CAT), "return-said-elsewhere")


@pytest.mark.parametrize(
    ("reports", "again", "told"),
    [
        ((BY_AGENCY,), BY_AGENCY, {ANN, BEN}),
        ((BY_AGENCY,), texted(ANN), {BEN}),
        ((texted(ANN),), texted(BEN), {ANN}),
        ((texted(ANN),), texted(ANN), set()),
        ((BY_AGENCY, texted(ANN)), texted(BEN), {ANN}),
    ],
)
def test_who_heard_that_the_child_is_found_hears_once_that_it_is_missing_again(
    reports: tuple[Any, ...], again: events.ChildReportedMissing, told: set[str]
) -> None:
    child = Child(CHILD, FACTS)
    for report in reports:
        child.texts(report)
    child.texts(LOCATED, 1)
    assert child.texts(again, 2) == dict.fromkeys(told, "missing-said-elsewhere")


def test_who_reports_before_colleagues_are_told_is_not_told_as_one_of_them() -> None:
    child = Child(CHILD, FACTS.model_copy(update={"carers": (ANN, BEN, CAT)}))
    deadlines = child.hears(texted(ANN)).deadlines
    (due,) = [each.content for each in deadlines if getattr(each.content, "rule", "") == "tell-colleagues-missing"]
    child.hears(texted(BEN), 0.2)
    assert child.texts(due, 0.5) == {CAT: "missing-said-elsewhere"}
