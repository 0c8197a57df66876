"""A case that moves takes its duties and clocks along: identified, transferred, placed elsewhere, or put on a newer protocol."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.protocol.loader import Library, files, parse
from services.protocol.policy.case import Facts
from services.protocol.policy.decide import decide
from services.protocol.policy.draft import Decision, Happened, Protocols
from services.protocol.policy.rule_language.vocabulary import Mark
from services.safeguarding.child_events import care_events, events
from services.safeguarding.duty.decisions import DutyState, EpisodeState, Verdict
from services.safeguarding.duty.duties import DutyAccepted, DutyAcknowledged, DutyFailed, PoliceNotify
from services.safeguarding.roles import Role, Wording
from tests.support.histories.one_child import CHILD, CURRENT, START, OneChild

UNKNOWN = "provisional-00000000-0000-4000-8000-000000000002"
ANN = "person-00000000-0000-4000-8000-00000000000a"
NEXT = "person-00000000-0000-4000-8000-00000000000b"
HOME = "placement-00000000-0000-4000-8000-000000000003"
ELSEWHERE = "placement-00000000-0000-4000-8000-000000000004"
SAID = {"authority": "northshire"}
FACTS = Facts(authority="northshire", force="north-force", placement=HOME)
MISSING = events.ChildReportedMissing(**SAID, said_by=ANN, channel="text")
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
AFTER_CHRISTMAS = datetime(2026, 12, 29, 9, tzinfo=UTC)
"""Thirty days after the start it is Christmas Eve, after five."""


def hours_to(moment: datetime) -> float:
    return (moment - START) / timedelta(hours=1)


class Child(OneChild):
    def __init__(self, name: str = CHILD, facts: Facts = FACTS) -> None:
        super().__init__(name, facts)

    def takes(self, decision: Decision, role: Role, hours: float = 0, *, acknowledges: bool = False) -> None:
        for duty in [each for each in decision.duties if each.role == role]:
            about = {"duty": duty.duty, "step": duty.step, "authority": duty.authority}
            self.hears(DutyAccepted.model_validate(about), hours)
            if acknowledges:
                self.hears(DutyAcknowledged.model_validate({**about, "how": "force"}), hours)


def identified() -> care_events.ChildIdentified:
    return care_events.ChildIdentified(**SAID, child=CHILD)


def told(decision: Decision, *roles: Role) -> list[tuple[Any, ...]]:
    return [(each.role, each.wording, each.force) for each in decision.duties if each.role in roles]


def test_the_report_about_a_child_nobody_knew_becomes_the_child_s_own_episode() -> None:
    nobody, child = Child(UNKNOWN), Child()
    first = nobody.hears(MISSING)
    nobody.takes(first, Role.POLICE_CONTROL_ROOM)
    joined = child.hears(identified(), 1, nobody.case)
    assert next(each.verdict for each in joined.decided) == Verdict.MERGED
    assert [(each.state, each.candidates) for each in child.case.episodes.values()] == [(EpisodeState.MISSING, ())]
    assert set(nobody.case.duties) <= set(child.case.duties)
    assert ("police.control-room", "missing-update", "north-force") in told(joined, Role.POLICE_CONTROL_ROOM)


def test_two_reports_of_one_child_are_one_episode_and_one_return_ends_both() -> None:
    nobody, child = Child(UNKNOWN), Child()
    nobody.takes(nobody.hears(MISSING), Role.POLICE_CONTROL_ROOM)
    child.takes(child.hears(MISSING, 0.5), Role.POLICE_CONTROL_ROOM)
    child.hears(identified(), 1, nobody.case)
    assert sorted(each.state for each in child.case.episodes.values()) == [EpisodeState.MERGED, EpisodeState.MISSING]
    child.hears(BACK, 2)
    open_ones = [each.rule for each in child.case.duties.values() if each.state == DutyState.OPEN and each.goes_on]
    assert not [rule for rule in open_ones if rule.startswith("tell-police-missing")]
    assert len(child.case.record.opened) == 1


def test_of_an_absence_reported_twice_police_hear_once_that_it_is_one_child_and_by_each_notice_that_it_is_back() -> (
    None
):
    nobody, child = Child(UNKNOWN), Child()
    child.takes(first := child.hears(MISSING), Role.POLICE_CONTROL_ROOM)
    nobody.takes(second := nobody.hears(MISSING, 0.5), Role.POLICE_CONTROL_ROOM)
    notices = [each.telling for one in (first, second) for each in one.duties if each.role == Role.POLICE_CONTROL_ROOM]
    joined = child.hears(identified(), 1, nobody.case)
    (one,) = [each for each in joined.duties if each.role == Role.POLICE_CONTROL_ROOM and each.act == "tell"]
    assert isinstance(one, PoliceNotify)
    assert (one.wording, one.refers_to, one.same_child) == ("missing-update", *notices)
    news = child.hears(events.ChildInformationReceived(**SAID), 1.5)
    assert _referred(news) == notices, "until their system has taken that they are one child"
    child.takes(joined, Role.POLICE_CONTROL_ROOM, 1.6)
    assert _referred(child.hears(events.ChildInformationReceived(**SAID), 1.7)) == notices[:1]
    back = child.hears(BACK, 2)
    assert _referred(back) == notices, "neither notice is left open"


def _referred(decision: Decision) -> list[UUID | None]:
    return [each.refers_to for each in decision.duties if each.role == Role.POLICE_CONTROL_ROOM and each.act == "tell"]


def test_what_two_reports_of_one_absence_wait_for_is_asked_once_and_at_the_earlier_s_time() -> None:
    nobody, child = Child(UNKNOWN), Child()
    child.hears(MISSING, 0.5)
    nobody.hears(MISSING)
    child.hears(identified(), 1, nobody.case)
    (one,) = [
        each for each in child.case.waiting.values() if each.rule == "still-missing-24-hours" and not each.stood_down
    ]
    assert one.due_at == START + timedelta(hours=24)


def test_a_report_is_counted_among_a_child_s_own_once_it_is_known_whose_it_is() -> None:
    nobody, child = Child(UNKNOWN), Child()
    for hours in (0, 2):
        child.hears(MISSING, hours)
        child.hears(BACK, hours + 1)
    nobody.hears(MISSING, 16)
    assert "missing-repeatedly" in {each.wording for each in child.hears(identified(), 17, nobody.case).duties}
    again = Child(UNKNOWN)
    again.hears(MISSING, 17.5)
    assert "missing-repeatedly" not in {each.wording for each in child.hears(identified(), 18, again.case).duties}


@pytest.mark.parametrize("asked", [None, "south-force"])
def test_the_force_of_where_an_identified_child_lives_has_a_notice_whichever_was_told_before(asked: str | None) -> None:
    nobody = Child(UNKNOWN, Facts(authority="northshire", force=asked))
    nobody.hears(MISSING)
    joined = Child().hears(identified(), 1, nobody.case)
    assert ("police.control-room", "missing-notice", "north-force") in told(joined, Role.POLICE_CONTROL_ROOM)


def test_a_reply_of_police_to_the_merged_episode_counts_for_the_one_that_goes_on() -> None:
    nobody, child = Child(UNKNOWN), Child()
    nobody.hears(MISSING)
    (merged,) = nobody.case.episodes
    child.hears(MISSING, 0.5)
    child.hears(identified(), 1, nobody.case)
    given = events.PoliceReferenceGiven(
        **SAID, force="north-force", episode=merged, reply="r", reference_kind=events.ReferenceKind.INCIDENT
    )
    child.hears(given, 2)
    assert [each.reference_known for each in child.case.episodes.values() if each.merged_into is None] == [True]


def test_who_is_identified_as_a_child_whose_status_is_known_is_told_to_the_home_office_too() -> None:
    nobody = Child(UNKNOWN, Facts(authority="northshire", force="north-force"))
    told = nobody.hears(MISSING).duties
    assert not [each for each in told if each.wording == "status-unknown"], "who it is comes first"
    child = Child(facts=FACTS.model_copy(update={"unaccompanied": True, "subject_to_immigration_control": True}))
    found = [each.role for each in child.hears(identified(), 1, nobody.case).duties]
    assert Role.HOME_OFFICE_MISSING_DESK in found


def test_who_is_identified_as_an_unaccompanied_child_of_unknown_status_has_it_settled() -> None:
    nobody = Child(UNKNOWN, Facts(authority="northshire", force="north-force"))
    nobody.hears(MISSING)
    child = Child(facts=FACTS.model_copy(update={"unaccompanied": True}))
    wordings = [each.wording for each in child.hears(identified(), 1, nobody.case).duties]
    assert wordings.count(Wording("status-unknown")) == 1
    settled = FACTS.model_copy(update={"unaccompanied": True, "subject_to_immigration_control": False})
    child.facts = settled
    after = child.hears(events.ChildRecordChanged(**SAID), 2)
    assert [each.role for each in after.duties if each.act == "tell"] == []
    assert DutyState.DONE in [each.state for each in child.case.duties.values() if each.wording == "status-unknown"]


def test_who_is_identified_twice_otherwise_is_for_a_person_to_settle() -> None:
    child = Child()
    child.hears(MISSING)
    other = care_events.ChildIdentified(**SAID, child=CHILD.replace("0001", "0009"))
    assert [each.wording for each in child.hears(other, 1).duties] == ["retraction-unverified"]


def test_a_new_force_has_a_notice_of_its_own_and_both_hear_of_the_return() -> None:
    child = Child()
    child.takes(child.hears(MISSING), Role.POLICE_CONTROL_ROOM)
    child.facts = FACTS.model_copy(update={"placement": ELSEWHERE, "force": "south-force"})
    moved = child.hears(care_events.PlacementChanged(**SAID), 1)
    assert told(moved, Role.POLICE_CONTROL_ROOM) == [
        (Role.POLICE_CONTROL_ROOM, "missing-update", "north-force"),
        (Role.POLICE_CONTROL_ROOM, "missing-notice", "south-force"),
    ]
    child.takes(moved, Role.POLICE_CONTROL_ROOM, 1)
    back = told(child.hears(BACK, 2), Role.POLICE_CONTROL_ROOM)
    assert {each for each in back if each[1] == "returned-notice"} == {
        (Role.POLICE_CONTROL_ROOM, "returned-notice", "north-force"),
        (Role.POLICE_CONTROL_ROOM, "returned-notice", "south-force"),
    }


def test_a_record_that_comes_before_its_event_moves_the_episode_all_the_same_and_only_once() -> None:
    child = Child()
    child.hears(MISSING)
    child.facts = FACTS.model_copy(update={"placement": ELSEWHERE, "force": "south-force"})
    assert len(told(child.hears(events.ChildRecordChanged(**SAID), 1), Role.POLICE_CONTROL_ROOM)) == 2
    assert told(child.hears(care_events.PlacementChanged(**SAID), 2), Role.POLICE_CONTROL_ROOM) == []


def test_after_a_transfer_later_duties_are_the_receiving_authority_s_also_while_the_register_lags() -> None:
    child = Child()
    child.hears(MISSING)
    moved = child.hears(care_events.ChildTransferred(**SAID, to="westmere"), 1)
    by_wording = {str(each.wording): each.authority for each in moved.duties}
    assert (by_wording["transferred"], by_wording["transferred-away"]) == ("westmere", "northshire")
    later = child.hears(events.ChildInformationReceived(**SAID), 2).duties
    assert {each.authority for each in later} == {"westmere"}


def test_an_exercise_transfers_nobody() -> None:
    child = Child()
    happened = Happened(care_events.ChildTransferred(**SAID, to="westmere"), "x", CHILD, START, exercise=True)
    assert decide(child.case, happened, FACTS, child.protocols, START).case.record.authority is None


@pytest.mark.parametrize(
    ("history", "former"),
    [
        ([("northshire", "northshire", "westmere")], "northshire"),
        ([("westmere", "northshire", "westmere")], "northshire"),
        ([("eastmere", "northshire", "westmere")], "northshire"),
        ([("northshire", "northshire", "elsewhere"), ("northshire", "northshire", "westmere")], "elsewhere"),
        ([("westmere", "northshire", "westmere"), ("northshire", "westmere", "northshire")], "westmere"),
        ([("northshire", "northshire", "westmere"), ("eastmere", "eastmere", "southmere")], "eastmere"),
    ],
    ids=[
        "not moved yet",
        "moved already",
        "moved on already",
        "by way of one that the register does not hold",
        "and back",
        "and on by one of whom nobody told us",
    ],
)
def test_whoever_gave_the_child_away_is_known_however_far_the_register_is(
    history: list[tuple[str, str, str]], former: str
) -> None:
    """The register's authority at that moment, the authority that the event names as the giver's, and the receiver."""
    child = Child()
    for minute, (register, giver, to) in enumerate(history):
        child.facts = FACTS.model_copy(update={"authority": register})
        moved = child.hears(care_events.ChildTransferred(authority=giver, to=to), minute)
    by_wording = {str(each.wording): each.authority for each in moved.duties}
    assert (by_wording["transferred"], by_wording["transferred-away"]) == (to, former)


def test_a_transfer_that_the_register_has_already_and_nobody_gave_is_nothing_new() -> None:
    child = Child(facts=FACTS.model_copy(update={"authority": "westmere"}))
    said = care_events.ChildTransferred(authority="westmere", to="westmere")
    assert [each.verdict for each in child.hears(said).decided] == [Verdict.ALREADY_SO]


def test_an_older_event_does_not_undo_a_newer_one() -> None:
    child = Child()
    child.hears(care_events.AgeDisputeOpened(**SAID), 5)
    settled = care_events.AgeDetermined(**SAID, found="child", assessed_on=date(2026, 11, 24), case_law_compliant=True)
    child.hears(settled, 1)
    assert child.case.record.has(Mark.AGE_DISPUTED)


OWN = """\
protocol: northshire
version: 2027.1
authority: northshire
rules:
  - id: still-missing-24-hours
    on: child.reported-missing
    period: 12h
    when: { all: [child.missing] }
    tell: duty.senior-manager
    by: text
    message: still-missing
    otherwise:
      - { after: 60m, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 60m }
    until: [child.returned, missing.retracted]
    because: { cite: [DON], kind: local, note: "Sooner, here." }
"""


@pytest.fixture
def newer(tmp_path: Path) -> Protocols:
    (tmp_path / "northshire.yaml").write_text(OWN)
    library = Library(files(tmp_path))
    return Protocols(parse(library.text("northshire")), {CURRENT.hash: CURRENT})


def due_of(child: Child, rule: str) -> datetime:
    return next(each.due_at for each in child.case.waiting.values() if each.rule == rule)


def test_an_episode_keeps_the_version_with_which_it_opened(newer: Protocols) -> None:
    child = Child()
    child.hears(MISSING)
    child.protocols = newer
    child.hears(events.ChildInformationReceived(**SAID), 1)
    assert due_of(child, "still-missing-24-hours") == START + timedelta(hours=24)


def test_moving_an_episode_to_the_newer_version_moves_its_clocks_and_is_recorded(newer: Protocols) -> None:
    child = Child()
    child.hears(MISSING)
    (episode,) = child.case.episodes
    child.protocols = newer
    moved = child.hears(care_events.EpisodeProtocolMoved(**SAID, episode=episode), 1)
    assert due_of(child, "still-missing-24-hours") == START + timedelta(hours=12)
    assert child.case.episodes[episode].protocol == newer.current.hash
    assert Verdict.CHANGED in [each.verdict for each in moved.decided]
    assert moved.duties == []
    again = child.hears(care_events.EpisodeProtocolMoved(**SAID, episode=episode), 2)
    assert [each.verdict for each in again.decided] == [Verdict.ALREADY_SO]


def test_a_handed_over_duty_asks_the_person_who_is_to_have_it() -> None:
    child = Child()
    first = next(each for each in child.hears(MISSING).duties if each.role == Role.DUTY_WORKER)
    asked = care_events.DutyHandOverAsked(**SAID, duty=first.duty, to=NEXT)
    (over,) = child.hears(asked, 1).duties
    assert (over.person, over.wording, over.refers_to) == (NEXT, "hand-over", first.telling)


def test_a_monthly_test_comes_each_month_by_day_and_is_not_doubled_while_one_is_unanswered() -> None:
    child = Child()
    decision = child.hears(care_events.ChildAccommodated(**SAID))
    due = next(each for each in decision.deadlines if getattr(each.content, "rule", "") == "carers-answer-monthly")
    assert due.due_at == AFTER_CHRISTMAS
    first = child.hears(due.content, hours_to(due.due_at))
    assert [each.wording for each in first.duties] == ["contact-check"]
    next_due = next(each for each in first.deadlines if getattr(each.content, "rule", "") == "carers-answer-monthly")
    assert next_due.due_at == AFTER_CHRISTMAS + timedelta(days=30)
    assert [each.wording for each in child.hears(next_due.content, hours_to(next_due.due_at)).duties] == []


@pytest.mark.parametrize(
    ("heard", "next_one"),
    [
        (datetime(2027, 1, 28, 9, tzinfo=UTC), datetime(2027, 3, 1, 9, tzinfo=UTC)),
        (datetime(2027, 4, 2, 12, tzinfo=UTC), datetime(2027, 4, 28, 9, tzinfo=UTC)),
    ],
)
def test_a_series_that_a_stopped_clock_slept_through_is_told_once(heard: datetime, next_one: datetime) -> None:
    child = Child()
    decision = child.hears(care_events.ChildAccommodated(**SAID))
    due = next(each for each in decision.deadlines if getattr(each.content, "rule", "") == "carers-answer-monthly")
    late = child.hears(due.content, hours_to(heard))
    again = next(each for each in late.deadlines if getattr(each.content, "rule", "") == "carers-answer-monthly")
    assert again.due_at == next_one


def test_invitations_on_arrival_belong_to_one_discussion() -> None:
    invited = Child().hears(care_events.ChildPresented(**SAID, concern=True)).duties
    assert len({each.refers_to for each in invited if each.channel == "invitation"}) == 1


def test_a_contact_whom_no_text_reaches_is_mailed_by_name_and_then_somebody_rings() -> None:
    child = Child(ANN)
    series = child.hears(events.ContactListed(**SAID, contact=ANN)).deadlines
    (asked,) = child.hears(series[0].content, hours_to(series[0].due_at)).duties
    failure = DutyFailed(duty=asked.duty, step=0, authority="northshire", person=ANN, reason="no-address")
    (mailed,) = child.hears(failure, 41).duties
    assert [(each.channel, each.person) for each in (asked, mailed)] == [("text", ANN), ("email", ANN)]
    failure = DutyFailed(duty=asked.duty, step=1, authority="northshire", person=ANN, reason="no-address")
    (rung,) = child.hears(failure, 41).duties
    assert (rung.role, rung.person) == (Role.DUTY_SENIOR_MANAGER, None)
