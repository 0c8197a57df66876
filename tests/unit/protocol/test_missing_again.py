"""What comes to its time while a child is located: kept, asked at once when the child is lost again, and ended by what ends it."""

from typing import Any

import pytest

from services.protocol.policy.draft import Decision
from services.protocol.policy.facts import Facts
from services.safeguarding.child_events import events
from services.safeguarding.duty.decisions import Verdict
from services.safeguarding.duty.outcomes import DutyAcknowledged
from tests.support.histories.one_child import CHILD, START, OneChild, due
from tests.support.histories.own_rules import only

SAID = {"authority": "northshire"}
FACTS = Facts(authority="northshire", force="north-force")
MISSING = events.ChildReportedMissing(**SAID)
LOCATED = events.ChildLocated(**SAID, proof=events.Proof.AGENCY)
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
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
