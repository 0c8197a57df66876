"""What a report ends goes on where the report was a mistake, and not where anything else has ended it, or another report."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.protocol.policy.case import DutyOfCase, Facts
from services.protocol.policy.rule_language.vocabulary import Mark
from services.safeguarding.child_events import care_events, events
from services.safeguarding.duty.decisions import DutyState
from services.safeguarding.message import Message
from tests.support.histories.one_child import CHILD, START, OneChild
from tests.support.histories.own_rules import only

SAID: dict[str, Any] = {"authority": "northshire"}
FACTS = Facts(authority="northshire", force="north-force")
CARE = care_events.ChildAccommodated(**SAID, under="section-20")
LEFT = care_events.ChildLeftCare(**SAID)
MISSING = events.ChildReportedMissing(**SAID)
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
FALSE_ALARM = events.ReportRetracted(**SAID, retracts="missing", proof=events.Proof.AGENCY)
AWAY = events.ChildReportedMissing(**SAID, status="away-without-authorisation")
AT_NO_RISK = FACTS.model_copy(
    update={
        "modern_slavery_concern": False,
        "adult_on": date(2028, 3, 2),
        "entered_care_at": datetime(2026, 1, 5, 9, tzinfo=UTC),
    }
)
CLOCK: dict[str, Any] = {
    "id": "clock",
    "on": "section-20.began",
    "period": "24h",
    "until": ["child.left-care", "child.reported-missing"],
    "otherwise": [{"after": "4h", "tell": "duty.senior-manager", "by": "text", "repeat": "4h"}],
}


class Child(OneChild):
    def __init__(self, **but: Any) -> None:
        super().__init__(CHILD, FACTS, only(CLOCK | but))

    def lives(self, *words: Message) -> "Child":
        """One an hour."""
        for hour, word in enumerate(words):
            self.hears(word, hour)
        return self

    @property
    def duty(self) -> DutyOfCase:
        (found,) = self.case.duties.values()
        return found


@pytest.mark.parametrize(
    ("words", "goes_on"),
    [
        ((CARE, MISSING), False),
        ((CARE, MISSING, FALSE_ALARM), True),
        ((CARE, MISSING, BACK, FALSE_ALARM), True),
        ((CARE, MISSING, FALSE_ALARM, MISSING), False),
        ((CARE, MISSING, FALSE_ALARM, MISSING, FALSE_ALARM), True),
        ((CARE, MISSING, BACK, MISSING, FALSE_ALARM), False),
        ((CARE, MISSING, LEFT, FALSE_ALARM), False),
        ((CARE, LEFT, MISSING, FALSE_ALARM), False),
    ],
)
def test_a_clock_goes_on_only_where_the_child_was_never_missing_and_is_in_care(
    words: tuple[Message, ...], goes_on: bool
) -> None:
    child = Child().lives(*words)
    assert (child.waiting.stood_down is None) is goes_on
    assert child.waiting.due_at == START.replace(day=25)


@pytest.mark.parametrize(
    ("words", "goes_on"),
    [
        ((CARE, MISSING), False),
        ((CARE, MISSING, FALSE_ALARM), True),
        ((CARE, MISSING, LEFT, FALSE_ALARM), False),
        ((CARE, MISSING, BACK, MISSING, FALSE_ALARM), False),
    ],
)
def test_somebody_whom_a_report_left_unasked_is_asked_again(words: tuple[Message, ...], goes_on: bool) -> None:
    child = Child(period=None).lives(*words)
    assert child.duty.goes_on is goes_on
    assert (child.duty.state, child.duty.ended_by_report) == (DutyState.OPEN, None) or not goes_on
    assert [each.state for each in child.duty.tellings] == ["withdrawn", *(["told"] if goes_on else [])]
    assert (child.duty.next_at is None) is not goes_on


def test_a_clock_that_has_run_out_meanwhile_is_told_at_once() -> None:
    child = Child()
    child.hears(CARE)
    child.hears(MISSING, 20)
    (deadline,) = child.hears(FALSE_ALARM, 26).deadlines
    assert (deadline.due_at, deadline.version) == (START.replace(day=25, hour=20), 2)
    assert [each.rule for each in child.hears(deadline.content, 26).duties] == ["clock"]


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ((MISSING, FALSE_ALARM), True),
        ((MISSING, FALSE_ALARM, MISSING, FALSE_ALARM), True),
        ((MISSING, FALSE_ALARM, BACK), False),
        ((MISSING, BACK, FALSE_ALARM), False),
    ],
)
def test_who_was_away_before_a_mistaken_report_is_away_still_and_missing_after_three_hours(
    words: tuple[Message, ...], missing: bool
) -> None:
    child = OneChild(CHILD, AT_NO_RISK)
    (clock, *_) = [
        each.content
        for each in child.hears(AWAY).deadlines
        if isinstance(each.content, events.RuleDue) and each.content.rule == "away-too-long-is-missing"
    ]
    for minutes, word in enumerate(words, 10):
        child.hears(word, minutes / 60)
    told = [each.rule for each in child.hears(clock, 3).duties if each.act == "tell"]
    assert ("away-too-long-is-missing" in told, "tell-police-missing" in told) == (missing, missing)


def test_who_was_missing_from_the_first_is_not_away_where_that_was_a_mistake() -> None:
    child = OneChild(CHILD, AT_NO_RISK.model_copy(update={"modern_slavery_concern": True}))
    child.hears(AWAY)
    child.hears(FALSE_ALARM, 1)
    assert not child.case.record.has(Mark.AWAY)
