"""What comes to its time while a child is located: kept, asked at once when the child is lost again, and ended by what ends it."""

from typing import Any

import pytest

from services.protocol.policy.case import DutyOfCase, Facts
from services.protocol.policy.draft import Decision
from services.safeguarding.child_events import events
from services.safeguarding.child_events.care_events import CareStepRecorded, ChildIdentified
from services.safeguarding.duty.decisions import EpisodeState, Verdict
from services.safeguarding.duty.duties import Duty, DutyAccepted, DutyAcknowledged
from services.safeguarding.roles import CareStep
from tests.support.histories.one_child import CHILD, START, OneChild, due
from tests.support.histories.own_rules import only

SAID = {"authority": "northshire"}
FACTS = Facts(authority="northshire", force="north-force")
MISSING = events.ChildReportedMissing(**SAID)
LOCATED = events.ChildLocated(**SAID, proof=events.Proof.AGENCY)
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
POLICE_CLOSED = events.PoliceClosed(**SAID, force="north-force", reply="r")
COLLECTED = CareStepRecorded(**SAID, step=CareStep("child-collected"))
CHECK = events.SafeAndWellCheckRecorded(**SAID)
INTERVIEW = events.ReturnInterviewRecorded(**SAID, state="completed")
UNKNOWN = "provisional-00000000-0000-4000-8000-000000000002"
NOT_BACK = events.ReportRetracted(**SAID, retracts="return")
BRIEFING: dict[str, Any] = {
    "id": "briefing",
    "on": "child.reported-missing",
    "period": "24h",
    "when": {"all": ["child.missing"]},
    "until": ["child.returned"],
}
FETCHED: dict[str, Any] = {
    "id": "fetched",
    "on": "child.located",
    "otherwise": [{"after": "1h", "tell": "duty.senior-manager", "by": "text", "repeat": "1h"}],
    "until": ["child.lost-again", "child.returned", "return.retracted"],
}


class Child(OneChild):
    def __init__(self, *rules: dict[str, Any]) -> None:
        super().__init__(CHILD, FACTS, only(*rules))


def rules(decision: Decision) -> list[str]:
    return [each.rule for each in decision.duties if each.act == "tell"]


def test_what_was_not_asked_of_a_located_child_is_asked_at_once_when_the_child_is_lost_again() -> None:
    child = Child(BRIEFING)
    waits = due(child.hears(MISSING))
    child.hears(LOCATED, 23)
    unmet = child.hears(waits.content, 24)
    assert (rules(unmet), [each.verdict for each in unmet.decided]) == ([], [Verdict.CONDITION_NOT_MET])
    assert child.waiting.stood_down == "unmet"
    again = due(child.hears(MISSING, 74))
    assert (again.due_at, again.version) == (START.replace(day=27, hour=20), 2)
    assert rules(child.hears(again.content, 74)) == ["briefing"]
    assert child.case.waiting == {}


def test_nothing_is_kept_of_a_child_who_is_missing_or_lost_again_for_the_second_time() -> None:
    child = Child(BRIEFING | {"when": {"all": ["police.reference-known"]}})
    waits = due(child.hears(MISSING))
    assert rules(child.hears(waits.content, 24)) == []
    assert child.case.waiting == {}
    assert child.hears(LOCATED, 25).deadlines == []
    child.hears(MISSING, 26)
    assert child.hears(MISSING, 27).deadlines == [], "a further report of a child who is missing already"


def test_a_series_of_a_located_child_is_asked_when_the_child_is_lost_again_and_goes_on_from_then() -> None:
    child = Child(BRIEFING | {"every": "48h"})
    waits = due(child.hears(MISSING))
    child.hears(LOCATED, 23)
    assert rules(child.hears(waits.content, 24)) == []
    again = due(child.hears(MISSING, 30))
    first = child.hears(again.content, 30)
    assert rules(first) == ["briefing"]
    (asked,) = first.duties
    child.hears(DutyAcknowledged(**SAID, duty=asked.duty, step=0, how="text"), 31)
    following = due(first)
    assert (following.due_at, following.version) == (START.replace(day=28, hour=0), 4)
    (later,) = child.hears(following.content, 78).duties
    assert later.duty != asked.duty


def test_what_slept_is_ended_by_the_return_and_asked_where_the_return_was_a_mistake() -> None:
    child = Child(BRIEFING)
    waits = due(child.hears(MISSING))
    child.hears(LOCATED, 23)
    child.hears(waits.content, 24)
    child.hears(BACK, 30)
    assert child.waiting.stood_down == "returned"
    again = due(child.hears(NOT_BACK, 40))
    assert rules(child.hears(again.content, 40)) == ["briefing"]


@pytest.mark.parametrize("answered", [False, True])
def test_nobody_fetches_a_child_who_is_lost_again_or_not_back_after_all(answered: bool) -> None:
    for word in (MISSING, BACK):
        child = Child(FETCHED)
        child.hears(MISSING)
        (asked,) = child.hears(LOCATED, 1).duties
        if answered:
            child.hears(DutyAcknowledged(**SAID, duty=asked.duty, step=0, how="text"), 1.1)
        child.hears(word, 1.5)
        child.hears(NOT_BACK, 1.6)
        (duty,) = child.case.duties.values()
        assert (duty.goes_on, duty.next) == (False, None)


def test_a_child_located_for_the_second_time_is_to_be_fetched_again() -> None:
    child = OneChild(CHILD, FACTS)
    asked = []
    for word, hour in ((MISSING, 0), (LOCATED, 1), (MISSING, 2), (LOCATED, 3)):
        decision = child.hears(word, hour)
        asked.append([each.duty for each in decision.duties if each.rule == "located-child-is-fetched"])
    assert [len(each) for each in asked] == [0, 1, 1, 1], "the one of the third is called back"
    assert asked[1] == asked[2] != asked[3]


def told(decision: Decision, role: str) -> list[Duty]:
    return [each for each in decision.duties if (each.role, each.act) == (role, "tell")]


def whole(*words: tuple[Any, float]) -> OneChild:
    """A child of the whole rule set, who is told of these at their hours."""
    child = OneChild(CHILD, FACTS)
    for word, hour in words:
        child.hears(word, hour)
    return child


def answer(child: OneChild, one: Duty, hour: float) -> list[DutyOfCase]:
    """The duty when it is taken, and when somebody has said that they have it."""
    states = []
    for outcome in (DutyAccepted, DutyAcknowledged):
        how = {"how": "page"} if outcome is DutyAcknowledged else {}
        child.hears(outcome.model_validate(SAID | {"duty": one.duty, "step": one.step} | how), hour)
        states.append(child.case.duties[one.duty])
    return states


def test_a_child_found_anew_after_it_was_collected_is_to_be_fetched_anew() -> None:
    child = whole((MISSING, 0), (LOCATED, 1), (COLLECTED, 2))
    again: list[list[str]] = []
    for word, hour in ((LOCATED, 3), (LOCATED, 3.5), (COLLECTED, 4), (LOCATED, 5)):
        heard = rules(child.hears(word, hour))
        again.append([each for each in heard if each in {"located-child-is-fetched", "tell-police-located"}])
    assert again == [["tell-police-located", "located-child-is-fetched"], [], [], again[0]]
    waits = [each for each in child.case.waiting.values() if each.rule == "located-child-is-not-back"]
    assert [each.stood_down for each in waits] == ["superseded"], "nobody asks where a child is whom somebody fetches"


def test_that_a_child_was_found_is_nothing_new_after_it_was_collected() -> None:
    child = whole((MISSING, 0), (LOCATED, 1), (COLLECTED, 2))
    assert rules(child.hears(LOCATED, 3, came_about=1.5)) == []


@pytest.mark.parametrize(
    ("role", "wording"), [("police.control-room", "missing-update"), ("duty.worker", "missing-notice")]
)
def test_that_a_located_child_is_missing_again_is_told_once_and_is_to_be_answered(role: str, wording: str) -> None:
    child = whole((MISSING, 0), (LOCATED, 1))
    (first,) = told(child.hears(MISSING, 2), role)
    assert first.wording == wording
    taken, answered = answer(child, first, 2.1)
    assert (taken.goes_on, answered.goes_on) == (True, False)
    (second,) = told(child.hears(MISSING, 3), role)
    taken, _ = answer(child, second, 3.1)
    assert (second.wording, taken.goes_on) == ("missing-update", False), "a report of a child who is missing already"


def test_a_force_is_told_once_where_it_was_reported_under_another_name_that_a_located_child_is_missing_again() -> None:
    child, nobody = whole((MISSING, 0), (LOCATED, 1)), OneChild(UNKNOWN, FACTS)
    nobody.hears(MISSING, 2)
    identified = ChildIdentified(**SAID, child=CHILD)
    to_police = told(child.hears(identified, 3, nobody.case), "police.control-room")
    assert {each.rule for each in to_police} == {"tell-police-lost-again"}
    assert len({each.refers_to for each in to_police}) == len(to_police) == 2, "one for each notice that it has"


def test_a_force_that_closed_its_case_while_the_child_was_located_is_to_be_asked_to_reopen_it() -> None:
    child = whole((MISSING, 0), (LOCATED, 1), (POLICE_CLOSED, 1.5))
    wordings = [each.wording for each in told(child.hears(MISSING, 2), "duty.worker")]
    assert sorted(wordings) == ["missing-notice", "police-closed"]
    child = whole((MISSING, 0), (LOCATED, 1))
    assert [each.wording for each in told(child.hears(MISSING, 2), "duty.worker")] == ["missing-notice"]


def test_under_rules_that_say_nothing_of_a_lost_child_its_report_is_told_as_any_other() -> None:
    update = {"on": "report.added", "tell": "everyone-told", "by": None, "message": "missing-update"}
    child = Child({"id": "notice", "on": "child.reported-missing"}, update | {"id": "update"})
    child.hears(MISSING)
    child.hears(LOCATED, 1)
    assert rules(child.hears(MISSING, 2)) == ["update"]


@pytest.mark.parametrize("under", [CHILD, UNKNOWN], ids=["by name", "under another name"])
def test_no_check_interview_or_closing_from_before_a_child_was_lost_again_is_of_its_return(under: str) -> None:
    child = whole((MISSING, 0), (LOCATED, 1), (CHECK, 1.2), (INTERVIEW, 1.4), (POLICE_CLOSED, 1.6))
    if under == CHILD:
        child.hears(MISSING, 2)
    else:
        nobody = OneChild(under, FACTS)
        nobody.hears(MISSING, 2)
        child.hears(ChildIdentified(**SAID, child=CHILD), 2.5, nobody.case)
    child.hears(BACK, 3)
    (episode,) = [each for each in child.case.episodes.values() if each.merged_into is None]
    assert (episode.state, episode.met, episode.interview_offered) == ("returned", frozenset(), False)


def test_a_report_from_before_a_child_was_located_undoes_no_check() -> None:
    child = whole((MISSING, 0), (LOCATED, 1), (CHECK, 1.2))
    child.hears(MISSING, 2, came_about=0.5)
    (episode,) = child.case.episodes.values()
    assert (episode.state, len(episode.met)) == (EpisodeState.LOCATED, 1)
