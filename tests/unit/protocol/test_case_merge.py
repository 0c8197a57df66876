"""What exactly goes along when two cases become one, a child is given away, or an episode moves to a newer protocol."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from services.protocol.loader import Library, files, parse
from services.protocol.policy.case import NOTHING, Case, Facts, Marked, Record
from services.protocol.policy.decide import decide
from services.protocol.policy.draft import Decision, Happened, Protocols
from services.protocol.policy.rule_language.vocabulary import Mark
from services.safeguarding.child_events import care_events, discussion_events, events
from services.safeguarding.duty.decisions import EpisodeState
from services.safeguarding.message import Message
from tests.support.histories.own_rules import only

CHILD = "child-00000000-0000-4000-8000-000000000001"
UNKNOWN = "provisional-00000000-0000-4000-8000-000000000002"
ANN = "person-00000000-0000-4000-8000-00000000000a"
BEN = "person-00000000-0000-4000-8000-00000000000b"
START = datetime(2026, 11, 24, 18, tzinfo=UTC)
LATER = START + timedelta(hours=1)
FACTS = Facts(authority="northshire", force="north-force")
PROTOCOL = Library(files()).current("northshire")
IDENTIFIED = care_events.ChildIdentified(authority="northshire", child=CHILD)


def missing(person: str) -> events.ChildReportedMissing:
    return events.ChildReportedMissing(
        authority="northshire", said_by=person, channel="text", candidates=() if person == ANN else (CHILD,)
    )


def hears(
    case: Case,
    content: Message,
    at: datetime = START,
    *,
    joined: Case | None = None,
    exercise: bool = False,
    protocols: Protocols | None = None,
) -> Decision:
    happened = Happened(content, f"{content.kind} {at} {exercise}", case.child, at, exercise)
    return decide(case, happened, FACTS, protocols or Protocols(PROTOCOL), at, joined)


def both(mine: Record = NOTHING, other: Record = NOTHING) -> Case:
    return hears(Case(child=CHILD, record=mine), IDENTIFIED, LATER, joined=Case(child=UNKNOWN, record=other)).case


def test_the_reports_and_the_waiting_rules_of_both_are_the_first_episodes() -> None:
    known, nobody = hears(Case(child=CHILD), missing(ANN)).case, hears(Case(child=UNKNOWN), missing(BEN)).case
    one = hears(known, IDENTIFIED, LATER, joined=nobody).case
    here, merged = sorted(one.episodes.values(), key=lambda each: each.state == EpisodeState.MERGED)
    assert [each.person for each in here.reports] == [ANN, BEN]
    assert (merged.merged_into, merged.candidates, merged.state) == (here.episode, (), EpisodeState.MERGED)
    assert nobody.waiting
    assert {one.waiting[each].episode for each in nobody.waiting} == {here.episode}
    assert {one.duties[each].episode for each in nobody.duties} == {here.episode}


BACK = events.ChildReturned(authority="northshire", proof=events.Proof.AGENCY)
FOUND = events.ChildLocated(authority="northshire", proof=events.Proof.AGENCY)
OF_FORCE = {"authority": "northshire", "force": "north-force"}
REFERENCE = events.PoliceReferenceGiven(
    **OF_FORCE,
    reply="1",
    reference_kind=events.ReferenceKind.INCIDENT,
    words=(f"words-{CHILD.removeprefix('child-')}",),
)


def graded(grade: events.RiskGrade) -> events.PoliceRiskGraded:
    return events.PoliceRiskGraded(**OF_FORCE, reply="2", grade=grade)


def minutes(count: int) -> datetime:
    return START + timedelta(minutes=count)


def test_a_return_from_before_the_report_of_the_child_nobody_knew_ends_nothing() -> None:
    known = hears(Case(child=CHILD), missing(ANN)).case
    nobody = hears(Case(child=UNKNOWN), missing(BEN), minutes(30)).case
    one = hears(known, IDENTIFIED, LATER, joined=nobody).case
    back = hears(one, BACK, minutes(20))
    assert EpisodeState.RETURNED not in {each.state for each in back.case.episodes.values()}
    assert [each.rule for each in back.duties] == ["verify-return"]


@pytest.mark.parametrize(("found_at", "is_lost"), [(20, True), (40, False)])
def test_a_child_that_somebody_reported_after_it_was_located_is_lost_again(found_at: int, is_lost: bool) -> None:
    known = hears(hears(Case(child=CHILD), missing(ANN)).case, FOUND, minutes(found_at)).case
    nobody = hears(Case(child=UNKNOWN), missing(BEN), minutes(30)).case
    one = hears(known, IDENTIFIED, LATER, joined=nobody)
    state = EpisodeState.MISSING if is_lost else EpisodeState.LOCATED
    assert {each.state for each in one.case.episodes.values()} == {state, EpisodeState.MERGED}
    to_fetch = [each for each in one.case.duties.values() if each.rule == "located-child-is-fetched"]
    assert [each.goes_on for each in to_fetch] == [not is_lost]


def test_whoever_takes_a_claim_back_is_heard_also_once_two_cases_are_one() -> None:
    claim = events.ChildReturnClaimed(authority="northshire", said_by=ANN, channel="text")
    known = hears(hears(Case(child=CHILD), missing(ANN)).case, claim, minutes(10)).case
    one = hears(known, IDENTIFIED, LATER, joined=hears(Case(child=UNKNOWN), missing(BEN), minutes(20)).case).case
    not_back = events.ReportRetracted(authority="northshire", said_by=ANN, channel="text", retracts="return")
    after = hears(one, not_back, minutes(90)).case
    assert {each.stood_down for each in after.waiting.values() if each.rule == "carer-is-rung-to-confirm"} == {
        "superseded"
    }


def test_what_police_said_of_the_child_nobody_knew_is_not_asked_again() -> None:
    known = hears(hears(Case(child=CHILD), missing(ANN)).case, graded(events.RiskGrade.LOW)).case
    nobody = hears(Case(child=UNKNOWN), missing(BEN)).case
    for said in (REFERENCE, graded(events.RiskGrade.HIGH)):
        nobody = hears(nobody, said, minutes(10)).case
    one = hears(known, IDENTIFIED, LATER, joined=nobody).case
    (here,) = [each for each in one.episodes.values() if each.state is EpisodeState.MISSING]
    assert (here.reference_known, here.grade) == (True, events.RiskGrade.HIGH)
    assert list(here.references) == list(REFERENCE.words)


def test_an_episode_of_an_exercise_or_one_that_is_over_stays_one_of_its_own() -> None:
    known = hears(Case(child=CHILD), missing(ANN)).case
    practised = hears(Case(child=UNKNOWN), missing(BEN), exercise=True).case
    taken_back = events.ReportRetracted(
        authority="northshire", said_by=BEN, channel="text", retracts="missing", proof=events.Proof.HANDSET
    )
    over = hears(hears(Case(child=UNKNOWN), missing(BEN)).case, taken_back, LATER).case
    for other in (practised, over):
        (state,) = [each.state for each in other.episodes.values()]
        one = hears(known, IDENTIFIED, LATER, joined=other).case
        (kept,) = [one.episodes[each] for each in other.episodes]
        assert (kept.state, kept.merged_into) == (state, None)


@pytest.mark.parametrize(("mine", "theirs", "on"), [(START, LATER, False), (LATER, START, True), (START, START, True)])
def test_of_what_both_knew_the_newest_word_holds(mine: datetime, theirs: datetime, on: bool) -> None:
    one = both(
        Record(marks={Mark.AGE_DISPUTED: Marked(on=True, since=mine)}),
        Record(marks={Mark.AGE_DISPUTED: Marked(on=False, since=theirs)}),
    )
    assert one.record.has(Mark.AGE_DISPUTED) is on


def test_what_only_one_knew_is_known_of_the_child() -> None:
    known = Record(
        marks={Mark.NRM_REFERRED: Marked(on=True, since=START)},
        photo_taken_on=date(2026, 11, 1),
        contacts_checked_at=START,
        discussion_over_at=START,
    )
    for one in (both(known), both(NOTHING, known)):
        kept = one.record
        assert (kept.marks, kept.photo_taken_on, kept.contacts_checked_at) == (known.marks, date(2026, 11, 1), START)
        assert kept.discussion_over_at == START
    watched = Case(child=UNKNOWN, watched_since=START, leave_expires_on=date(2027, 3, 1))
    one = hears(Case(child=CHILD), IDENTIFIED, LATER, joined=watched).case
    assert (one.watched_since, one.leave_expires_on) == (START, date(2027, 3, 1))
    mine = Case(child=CHILD, watched_since=LATER, leave_expires_on=date(2027, 1, 1))
    one = hears(mine, IDENTIFIED, LATER, joined=watched).case
    assert (one.watched_since, one.leave_expires_on) == (LATER, date(2027, 1, 1))


@pytest.mark.parametrize(
    ("enquiry", "accepted", "hindered"), [(True, False, True), (True, True, False), (False, False, False)]
)
@pytest.mark.parametrize("to", ["westmere", None])
def test_a_transfer_that_hinders_an_enquiry_goes_to_a_manager_unless_somebody_has_recorded_why(
    enquiry: bool,
    accepted: bool,
    hindered: bool,
    to: str | None,
) -> None:
    record = Record(marks={Mark.SECTION_47: Marked(on=enquiry, since=START)})
    said = care_events.ChildTransferred(authority="northshire", to=to, hindrance_accepted=accepted)
    told = {str(each.wording) for each in hears(Case(child=CHILD, record=record), said).duties}
    assert ("transfer-hindered" in told) is hindered
    assert ("transferred-away" if to else "transferred-elsewhere") in told


@pytest.mark.parametrize("to", ["westmere", None])
def test_whoever_hands_over_a_missing_child_is_told_within_its_episode(to: str | None) -> None:
    case = hears(Case(child=CHILD), missing(ANN)).case
    (episode,) = case.episodes
    said = care_events.ChildTransferred(authority="northshire", to=to)
    for exercise, expected in ((False, episode), (True, None)):
        told = [each for each in hears(case, said, LATER, exercise=exercise).duties if "transferred" in each.wording]
        assert {each.episode for each in told} <= {expected}
        assert told


OWN = """
protocol: northshire-own
version: 2026.2
authority: northshire
rules:
  - id: tell-duty-worker-missing
    on: child.reported-missing
    tell: duty.worker
    by: text
    message: missing-notice
    otherwise:
      - { after: 10m, again: true }
      - { after: 60m, tell: duty.senior-manager, by: text, message: not-acknowledged }
      - { after: 90m, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 30m }
    until: [child.returned, missing.retracted]
    because: { cite: [S13], kind: local, note: "Slower, here." }
    approved: { by: "for a test", reasons: "for a test" }
"""


def test_a_duty_that_moves_to_a_newer_protocol_goes_on_from_the_steps_whose_minutes_are_over(tmp_path: Path) -> None:
    (tmp_path / "northshire.yaml").write_text(OWN)
    newer = Protocols(parse(Library(files(tmp_path)).text("northshire")), {PROTOCOL.hash: PROTOCOL})
    case = hears(Case(child=CHILD), missing(ANN)).case
    beside = hears(
        case,
        events.NrmDecisionRecorded(authority="northshire", stage="conclusive-grounds", positive=True),
        START - timedelta(hours=8),
    ).case
    before = {each.rule: each for each in beside.duties.values()}
    (episode,) = case.episodes
    moving = care_events.EpisodeProtocolMoved(authority="northshire", episode=episode)
    moved = hears(beside, moving, LATER, protocols=newer).case
    after = {each.rule: each for each in moved.duties.values()}
    duty = after["tell-duty-worker-missing"]
    assert (duty.protocol, duty.passed, duty.next_at) == (newer.current.hash, 2, START + timedelta(minutes=90))
    assert duty.deadline_version == before["tell-duty-worker-missing"].deadline_version + 1
    assert after["nrm-decision-is-routed"].protocol == before["nrm-decision-is-routed"].protocol == PROTOCOL.hash
    assert {each.protocol for each in after.values() if each.episode == episode and each.goes_on} == {
        newer.current.hash
    }


MEETS = {"form": "urgent", "day": "60m", "night": "45m", "lasts": "45m", "warn": "15m", "answer": "20m"}
INVITED = {
    "id": "invited",
    "on": "police.graded-high",
    "when": {"none": ["strategy-discussion.over"]},
    "tell": "police.missing-coordinator",
    "by": "invitation",
    "message": "strategy-discussion",
    "meets": MEETS,
}
HIGH = graded(events.RiskGrade.HIGH)
HELD = discussion_events.StrategyDiscussionHeld(authority="northshire", section_47="no-enquiry", form="urgent")


@pytest.mark.parametrize(
    ("before", "nobody_knew", "invited"),
    [
        ([], [HIGH, HELD], []),
        ([HELD], [], []),
        ([HIGH, HELD], [HIGH, HELD], []),
        ([HELD], [HIGH], ["invited"]),
        ([HIGH], [HIGH, HELD], ["invited"]),
        ([], [HIGH], ["invited"]),
    ],
)
def test_a_child_discussed_under_either_name_is_not_discussed_again_unless_a_discussion_is_still_to_come(
    before: list[Message], nobody_knew: list[Message], invited: list[str]
) -> None:
    protocols = only(INVITED)
    known, nobody = Case(child=CHILD), Case(child=UNKNOWN)
    for minute, content in enumerate((missing(ANN), *before)):
        known = hears(known, content, minutes(minute), protocols=protocols).case
    for minute, content in enumerate((missing(BEN), *nobody_knew)):
        nobody = hears(nobody, content, minutes(minute), protocols=protocols).case
    one = hears(known, IDENTIFIED, LATER, joined=nobody, protocols=protocols).case
    assert [each.rule for each in hears(one, HIGH, minutes(90), protocols=protocols).duties] == invited


CONCERN = HIGH
AT_NIGHT = minutes(5)


@pytest.mark.parametrize("held_as", ["named", "unnamed"])
def test_what_was_discussed_under_one_name_is_called_off_under_the_other_and_nobody_is_invited_again(
    held_as: str,
) -> None:
    """Of an urgent discussion: the full meeting that follows the record is the child's."""
    known, nobody = hears(Case(child=CHILD), missing(ANN)).case, hears(Case(child=UNKNOWN), missing(BEN)).case
    known, nobody = (hears(each, CONCERN, AT_NIGHT).case for each in (known, nobody))
    invited = {each.duty for case in (known, nobody) for each in case.duties.values() if each.invites_to_discussion}
    assert len(invited) > 1
    if held_as == "named":
        known = hears(known, HELD, minutes(50)).case
    else:
        nobody = hears(nobody, HELD, minutes(50)).case
    joined = hears(known, IDENTIFIED, LATER, joined=nobody)
    one = joined.case
    assert [name for name in invited if one.duties[name].goes_on] == []
    assert [each.discussion_over for each in one.episodes.values() if each.state is EpisodeState.MISSING] == [True]
    again = hears(one, CONCERN, minutes(90)).duties
    assert [each for each in again if each.wording == "strategy-discussion"] == []
