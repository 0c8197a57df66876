"""A later word of the same thing: what it undoes, what it leaves, and what is asked of people after it."""

from datetime import date, timedelta
from pathlib import Path
from time import tzset
from typing import Any, Literal
from uuid import UUID, uuid4

import pytest

from services.protocol.loader import Library, files, parse
from services.protocol.policy.case import Facts
from services.protocol.policy.draft import Decision, Protocols
from services.protocol.policy.rule_engine.waits import morning_of
from services.protocol.policy.rule_language.vocabulary import Mark
from services.safeguarding.child_events import care_events, discussion_events, events
from services.safeguarding.duty.decisions import DutyChanged, DutyState, EpisodeChanged, Verdict
from services.safeguarding.duty.duties import DutyAccepted, DutyAcknowledged
from services.safeguarding.message import Message
from services.safeguarding.roles import Role
from tests.support.histories.one_child import CHILD, CURRENT, START, OneChild

UNKNOWN = "provisional-00000000-0000-4000-8000-000000000002"
ANN = "person-00000000-0000-4000-8000-00000000000a"
BEN = "person-00000000-0000-4000-8000-00000000000b"
HOME = "placement-00000000-0000-4000-8000-000000000003"
ELSEWHERE = "placement-00000000-0000-4000-8000-000000000004"
SAID = {"authority": "northshire"}
FACTS = Facts(authority="northshire", force="north-force", carers=(ANN, BEN))
MISSING = events.ChildReportedMissing(**SAID, said_by=ANN, channel="text")
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
FALSE_ALARM = events.ReportRetracted(
    **SAID, said_by=ANN, channel="text", retracts="missing", proof=events.Proof.HANDSET
)
NOT_BACK = events.ReportRetracted(**SAID, said_by=ANN, channel="text", retracts="return", proof=events.Proof.HANDSET)
CONFERENCE = discussion_events.ChildProtectionConferenceHeld(**SAID)
TRANSFER = care_events.TransferProposed(**SAID)


def held(section_47: Literal["enquiry", "no-enquiry"]) -> Message:
    return discussion_events.StrategyDiscussionHeld(**SAID, form="urgent", section_47=section_47)


class Child(OneChild):
    def __init__(self, name: str = CHILD, facts: Facts = FACTS) -> None:
        super().__init__(name, facts)


def rules(decision: Decision) -> set[str]:
    return {each.rule for each in decision.duties if each.act == "tell"}


def test_a_false_alarm_is_not_counted_among_the_times_that_a_child_was_missing_and_no_other_is_forgotten() -> None:
    child = Child()
    child.hears(MISSING, 0)
    child.hears(BACK, 1)
    child.hears(MISSING, 24)
    child.hears(FALSE_ALARM, 25)
    assert child.case.record.opened == (START,)


@pytest.mark.parametrize(("then", "hindered"), [((), True), ((CONFERENCE,), False)])
def test_once_the_conference_is_held_an_enquiry_hinders_no_transfer(then: tuple[Message, ...], hindered: bool) -> None:
    child = Child()
    for hour, content in enumerate((held("enquiry"), *then)):
        child.hears(content, hour)
    assert ("transfer-would-hinder-enquiry" in rules(child.hears(TRANSFER, 9))) is hindered


@pytest.mark.parametrize(
    ("first", "then", "starts"),
    [("no-enquiry", "enquiry", True), ("enquiry", "enquiry", False), ("enquiry", "no-enquiry", False)],
)
def test_a_corrected_record_invites_nobody_again_and_starts_an_enquiry_that_was_not_on(
    first: Any, then: Any, starts: bool
) -> None:
    child = Child()
    child.hears(MISSING, 0)
    child.hears(held(first), 1)
    corrected = child.hears(held(then).model_copy(update={"corrects_event": uuid4()}), 2)
    told = f"{corrected.duties} {corrected.deadlines}"
    assert child.case.record.has(Mark.SECTION_47) is (then == "enquiry")
    assert ("full-meeting" in told, "conference" in told) == (False, starts)


def test_of_two_words_of_one_moment_the_one_heard_last_holds() -> None:
    child = Child()
    child.hears(held("enquiry"), 1, came_about=0)
    child.hears(held("no-enquiry"), 2, came_about=0)
    assert not child.case.record.has(Mark.SECTION_47)
    child.hears(held("enquiry"), 3, came_about=-1)
    assert not child.case.record.has(Mark.SECTION_47), "an older word changes nothing"


@pytest.mark.parametrize(("accepted", "state"), [(False, DutyState.OPEN), (True, DutyState.ACCEPTED)])
def test_after_a_mistaken_return_a_duty_is_taken_only_where_somebody_had_taken_it(
    accepted: bool, state: DutyState
) -> None:
    child = Child()
    told = next(each for each in child.hears(MISSING).duties if each.rule == "tell-police-missing")
    if accepted:
        child.hears(DutyAccepted(**SAID, duty=told.duty, step=0), 0.01)
    child.hears(BACK, 1)
    child.hears(NOT_BACK, 2)
    assert child.case.duties[told.duty].state == state


def test_the_record_says_when_a_telling_became_so_and_not_when_we_heard_of_it() -> None:
    child = Child()
    told = next(each for each in child.hears(MISSING).duties if each.rule == "tell-police-missing")
    decision = child.hears(DutyAccepted(**SAID, duty=told.duty, step=0), 2, came_about=1)
    (changed,) = [each for each in decision.changes if isinstance(each, DutyChanged) and each.duty == told.duty]
    assert [(each.state, each.changed_at) for each in changed.steps] == [("accepted", START + timedelta(hours=1))]


def test_a_deadline_that_an_answer_has_outgrown_is_recorded_with_the_episode_of_its_duty() -> None:
    child = Child()
    first = child.hears(MISSING)
    told = next(each for each in first.duties if each.rule == "tell-duty-worker-missing")
    due = next(each.content for each in first.deadlines if each.deadline == told.duty)
    child.hears(DutyAcknowledged(**SAID, duty=told.duty, step=0, how="text"), 0.01)
    (noted,) = child.hears(due, 1).decided
    assert (noted.verdict, noted.duty, noted.episode) == (Verdict.OUTGROWN, told.duty, told.episode)
    assert told.episode is not None


def test_whoever_is_identified_is_no_longer_one_of_several_candidates() -> None:
    other = "child-00000000-0000-4000-8000-000000000009"
    nobody, several = Child(UNKNOWN), MISSING.model_copy(update={"candidates": (CHILD, other)})
    assert {each.candidates for each in nobody.hears(several).duties} == {(CHILD, other)}
    child = Child()
    decision = child.hears(care_events.ChildIdentified(**SAID, child=CHILD), 1, joined=nobody.case)
    assert [each.candidates for each in child.case.episodes.values()] == [()]
    assert {each.candidates for each in decision.duties} == {()}


def test_carers_of_whom_there_is_newer_word_are_asked_for_no_more_and_older_word_asks_nothing() -> None:
    child = Child()
    aware = care_events.CarerAwarenessRecorded(**SAID)
    assert Verdict.CHANGED not in {each.verdict for each in child.hears(aware, 2).decided}
    older = child.hears(aware, 3, came_about=1)
    assert [each.verdict for each in older.decided] == [Verdict.CHANGED], "what all knew at two they know still"


def test_a_check_that_comes_while_nobody_is_missing_belongs_to_no_episode() -> None:
    decision = Child().hears(events.SafeAndWellCheckRecorded(**SAID))
    assert (decision.changes, decision.duties, decision.case.episodes) == ([], [], {})


NEW_RULE = """
protocol: northshire-own
version: "2"
authority: northshire
rules:
  - id: still-missing-after-{hours}-hours
    on: child.reported-missing
    period: {hours}h
    when: {{ all: [child.missing] }}
    tell: duty.senior-manager
    by: text
    message: still-missing
    otherwise:
      - {{ after: 60m, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 60m }}
    until: [child.returned, missing.retracted]
    because: {{ cite: [DON], kind: local, note: "Here too." }}
"""


@pytest.mark.parametrize(("hours", "waits"), [(12, True), (1, False)])
def test_a_rule_that_is_new_waits_for_an_open_episode_unless_its_time_is_over(
    tmp_path: Path, hours: int, waits: bool
) -> None:
    (tmp_path / "northshire.yaml").write_text(NEW_RULE.format(hours=hours))
    child = Child()
    child.hears(MISSING)
    (episode,) = child.case.episodes
    child.protocols = Protocols(parse(Library(files(tmp_path)).text("northshire")), {CURRENT.hash: CURRENT})
    child.hears(care_events.EpisodeProtocolMoved(**SAID, episode=episode), 2)
    waiting = [each for each in child.case.waiting.values() if each.rule == f"still-missing-after-{hours}-hours"]
    assert [(each.due_at, each.episode) for each in waiting] == [(START + timedelta(hours=hours), episode)] * waits


def test_an_episode_that_nobody_knows_is_moved_to_no_newer_protocol() -> None:
    (noted,) = Child().hears(care_events.EpisodeProtocolMoved(**SAID, episode=uuid4())).decided
    assert (noted.verdict, noted.episode) == (Verdict.OUTGROWN, None)


@pytest.mark.parametrize(("today", "told"), [(date(2026, 12, 3), True), (date(2026, 12, 4), False)])
def test_a_birthday_is_told_late_up_to_the_last_day_on_which_it_is_worth_telling(today: date, told: bool) -> None:
    child = Child(facts=FACTS.model_copy(update={"adult_on": date(2026, 11, 5), "age_disputed": False}))
    hours = (morning_of(today) - START) / timedelta(hours=1)
    assert ("turned-18" in rules(child.hears(events.ChildRecordChanged(**SAID), hours))) is told


def test_the_morning_of_a_day_is_kept_in_utc_whatever_the_machine_s_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    tzset()
    try:
        assert morning_of(date(2027, 7, 15)).utcoffset() == timedelta(0)
    finally:
        monkeypatch.undo()
        tzset()


def test_every_later_word_to_a_force_refers_to_its_own_notice_of_this_episode() -> None:
    child = Child(facts=FACTS.model_copy(update={"placement": HOME}))
    child.hears(MISSING)
    child.hears(BACK, 1)
    here = _notices(child.hears(MISSING, 2))
    child.facts = child.facts.model_copy(update={"placement": ELSEWHERE, "force": "south-force"})
    there = _notices(child.hears(care_events.PlacementChanged(**SAID), 3))
    assert (set(here), set(there)) == ({"north-force"}, {"south-force"})
    told = child.hears(events.ChildInformationReceived(**SAID), 4).duties
    assert {each.force: each.refers_to for each in told if each.role == Role.POLICE_CONTROL_ROOM} == here | there


def _notices(decision: Decision) -> dict[str | None, UUID | None]:
    return {
        each.force: each.telling
        for each in decision.duties
        if each.role == Role.POLICE_CONTROL_ROOM and each.wording == "missing-notice" and each.act == "tell"
    }


def test_the_record_names_what_must_still_happen_before_an_episode_may_close() -> None:
    child = Child()
    met: tuple[Message, ...] = (MISSING, BACK, events.SafeAndWellCheckRecorded(**SAID))
    left = [_open_conditions(child.hears(content, hour)) for hour, content in enumerate(met)]
    everything = {"safe-and-well-check", "return-interview", "police-closed"}
    assert left == [everything, everything, everything - {"safe-and-well-check"}]


def _open_conditions(decision: Decision) -> set[str]:
    (changed,) = [each for each in decision.changes if isinstance(each, EpisodeChanged)]
    return set(changed.open_conditions)


def test_once_police_have_answered_nothing_waits_to_say_that_they_do_not_know_yet() -> None:
    child = Child()
    child.hears(MISSING)
    waits = [each for each in child.case.waiting.values() if each.rule == "tell-carer-police-not-yet-told"]
    assert [each.stood_down for each in waits] == [None]
    child.hears(events.PoliceAcknowledged(**SAID, force="north-force", reply="reply-1"), 0.01)
    after = [each for each in child.case.waiting.values() if each.rule == "tell-carer-police-not-yet-told"]
    assert [each.stood_down for each in after] == ["superseded"]
