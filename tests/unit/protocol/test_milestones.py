"""How long from the report until police had it, and until a person did: noted once, at the moment it came about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.protocol.loader import Library, files
from services.protocol.policy.case import Case, Facts
from services.protocol.policy.decide import decide
from services.protocol.policy.decision_record import Measurement, Milestone, find_milestones
from services.protocol.policy.draft import Happened, Protocols
from services.safeguarding.child_events.events import ChildReportedMissing, DutyStepDue, TextNeedsHuman
from services.safeguarding.duty.duties import Duty, DutyAccepted, DutyAcknowledged, DutyDelivered
from services.safeguarding.message import Message
from services.safeguarding.roles import Role

CHILD = "child-00000000-0000-4000-8000-000000000001"
START = datetime(2026, 11, 24, 22, tzinfo=UTC)
FACTS = Facts(authority="northshire", force="north-force", unaccompanied=True)
PROTOCOLS = Protocols(Library(files()).current("northshire"))


class Story:
    def __init__(self) -> None:
        self.case = Case(child=CHILD)
        self.told: list[Duty] = []

    def hears(self, content: Message, after_seconds: float, **about: Any) -> list[Measurement]:
        at = START + timedelta(seconds=after_seconds)
        happened = Happened(content, f"message-{after_seconds}-{content.kind}", CHILD, at, **about)
        before = self.case
        decision = decide(before, happened, FACTS, PROTOCOLS, at)
        self.case, self.told = decision.case, decision.duties
        return list(find_milestones(before, self.case, at, "northshire"))

    def of(self, outcome: type[Any], role: Role, after_seconds: float, **about: Any) -> list[Measurement]:
        duty = next(each for each in self.case.duties.values() if each.role is role)
        content = outcome(duty=duty.duty, step=0, authority="northshire", episode=duty.episode, **about)
        return self.hears(content, after_seconds)


def reported(*, exercise: bool = False) -> Story:
    story = Story()
    assert story.hears(ChildReportedMissing(authority="northshire"), 0, exercise=exercise) == []
    return story


def seconds(found: list[Measurement]) -> dict[Milestone, float]:
    return {each.milestone: each.seconds for each in found}


def test_police_have_it_when_their_system_has_taken_the_notice() -> None:
    story = reported()
    found = story.of(DutyAccepted, Role.POLICE_CONTROL_ROOM, 7)
    assert seconds(found) == {Milestone.TAKEN: 7, Milestone.POLICE_ACCEPTED: 7}
    assert {each.authority for each in found} == {"northshire"}


def test_that_somebody_else_has_taken_their_text_is_not_that_police_have_it() -> None:
    assert seconds(reported().of(DutyAccepted, Role.DUTY_WORKER, 3)) == {Milestone.TAKEN: 3}


def test_taken_is_not_acknowledged() -> None:
    story = reported()
    story.of(DutyAccepted, Role.POLICE_CONTROL_ROOM, 7)
    answered = story.of(DutyAcknowledged, Role.POLICE_CONTROL_ROOM, 90, how="force")
    assert seconds(answered) == {Milestone.ANSWERED: 90, Milestone.FIRST_ACKNOWLEDGED: 90}


def test_the_second_person_to_answer_is_not_the_first() -> None:
    story = reported()
    story.of(DutyAcknowledged, Role.DUTY_WORKER, 40, how="text")
    later = story.of(DutyAcknowledged, Role.POLICE_CONTROL_ROOM, 90, how="force")
    assert Milestone.FIRST_ACKNOWLEDGED not in seconds(later)


def test_an_outcome_heard_twice_is_noted_once() -> None:
    story = reported()
    story.of(DutyAccepted, Role.POLICE_CONTROL_ROOM, 7)
    assert story.of(DutyAccepted, Role.POLICE_CONTROL_ROOM, 8) == []


def test_an_exercise_is_noted_as_one() -> None:
    found = reported(exercise=True).of(DutyAccepted, Role.POLICE_CONTROL_ROOM, 7)
    assert {each.exercise for each in found} == {True}


def test_each_is_noted_of_its_rule_and_of_the_channel_by_which_it_was_told() -> None:
    story = reported()
    taken = story.of(DutyAccepted, Role.POLICE_CONTROL_ROOM, 7)
    assert {(each.channel, each.rule) for each in taken} == {("webhook", "tell-police-missing")}
    answered = story.of(DutyAcknowledged, Role.DUTY_WORKER, 9, how="text")
    assert {(each.channel, each.rule) for each in answered} == {("text", "tell-duty-worker-missing")}


def test_an_agency_may_date_its_answer_ahead_of_the_report_by_a_moment() -> None:
    assert set(seconds(reported().of(DutyAccepted, Role.POLICE_CONTROL_ROOM, -2)).values()) == {0}


def test_what_belongs_to_no_episode_is_noted_of_the_authority_that_asked_and_of_nobody_s_report() -> None:
    story = Story()
    story.hears(TextNeedsHuman(authority="northshire", reason="not-understood"), 0)
    found = story.of(DutyAcknowledged, Role.DUTY_WORKER, 30, how="text")
    assert seconds(found) == {Milestone.TAKEN: 30, Milestone.ANSWERED: 30}
    assert {(each.authority, each.exercise) for each in found} == {("northshire", False)}


def test_each_further_telling_of_a_duty_is_timed_from_itself_and_police_have_it_only_once() -> None:
    story = reported()
    police = next(each for each in story.case.duties.values() if each.role is Role.POLICE_CONTROL_ROOM)
    due = DutyStepDue(
        authority="northshire",
        deadline=police.duty,
        version=police.deadline_version,
        duty=police.duty,
        step=1,
    )
    story.hears(due, 60)
    told = DutyAccepted(duty=police.duty, step=1, authority="northshire")
    assert seconds(story.hears(told, 65)) == {Milestone.TAKEN: 5}, "a duty worker, in the place of police"
    assert seconds(story.of(DutyDelivered, Role.POLICE_CONTROL_ROOM, 70)) == {
        Milestone.TAKEN: 70,
        Milestone.POLICE_ACCEPTED: 70,
    }
    assert seconds(story.of(DutyAcknowledged, Role.POLICE_CONTROL_ROOM, 80, how="force")) == {
        Milestone.ANSWERED: 80,
        Milestone.FIRST_ACKNOWLEDGED: 80,
    }


def test_the_episode_s_authority_is_named_also_after_another_has_become_responsible() -> None:
    story = reported()
    (episode,) = story.case.episodes.values()
    moved = {episode.episode: episode.model_copy(update={"authority": "westmere"})}
    story.case = story.case.model_copy(update={"episodes": moved})
    assert {each.authority for each in story.of(DutyAccepted, Role.POLICE_CONTROL_ROOM, 7)} == {"westmere"}


def test_what_becomes_of_a_duty_after_its_answer_is_no_second_answer() -> None:
    story = reported()
    story.of(DutyAcknowledged, Role.DUTY_WORKER, 40, how="text")
    worker = next(each for each in story.case.duties.values() if each.role is Role.DUTY_WORKER)
    grown = {worker.duty: worker.model_copy(update={"revision": 9})}
    after = story.case.model_copy(update={"duties": story.case.duties | grown})
    assert list(find_milestones(story.case, after, START, "northshire")) == []
