"""A birthday or a last day that is corrected, disputed or learnt of anew: each true day is told, and once."""

from datetime import UTC, date, datetime, timedelta
from typing import Literal

from services.protocol.policy.case import Facts
from services.protocol.policy.draft import Decision
from services.safeguarding.child_events import care_events, events
from services.safeguarding.roles import CareStep
from tests.support.histories.one_child import CHILD, START, OneChild

SAID = {"authority": "northshire"}
CHANGED = events.ChildRecordChanged(**SAID)
DISPUTED = care_events.AgeDisputeOpened(**SAID)


def on(day: date) -> float:
    """Ten in the morning of that day, in hours from the start."""
    return (datetime(day.year, day.month, day.day, 10, tzinfo=UTC) - START) / timedelta(hours=1)


def found(what: Literal["child", "adult"], day: date) -> care_events.AgeDetermined:
    return care_events.AgeDetermined(**SAID, found=what, assessed_on=day, case_law_compliant=True)


def counted(decision: Decision) -> set[str]:
    """The rules of which a date is counted down to from now on."""
    return {each.content.rule for each in decision.deadlines if isinstance(each.content, events.RuleDue)}


def told(decision: Decision) -> set[str]:
    return {each.rule for each in decision.duties if each.act == "tell"}


class Child(OneChild):
    """Lets each date come to its time. Nobody is asked a second time here: what people do not answer is no matter."""

    def __init__(self, adult_on: date, *, disputed: bool = False) -> None:
        super().__init__(CHILD, Facts(authority="northshire", adult_on=adult_on, age_disputed=disputed))

    def comes(self, rule: str) -> Decision:
        """Its next date comes."""
        waiting = [each for each in self.case.waiting.values() if each.rule == rule and each.stood_down is None]
        next_up = min(waiting, key=lambda each: each.due_at)
        due = events.RuleDue(**SAID, deadline=next_up.deadline, version=next_up.version, rule=rule)
        return self.hears(due, (next_up.due_at - START) / timedelta(hours=1))

    def corrected(self, adult_on: date, day: date) -> Decision:
        self.facts = self.facts.model_copy(update={"adult_on": adult_on})
        return self.hears(CHANGED, on(day))


def test_a_birthday_that_waited_for_the_end_of_a_dispute_is_told_however_long_that_took() -> None:
    child = Child(date(2026, 12, 1), disputed=True)
    child.hears(CHANGED)
    child.hears(DISPUTED, 1)
    assert told(child.comes("turned-18")) == set()
    assert told(child.corrected(date(2026, 12, 1), date(2027, 1, 20))) == set(), "the dispute goes on"
    assert "turned-18" in told(child.hears(found("adult", date(2027, 2, 1)), on(date(2027, 2, 1))))
    assert told(child.corrected(date(2026, 12, 1), date(2027, 2, 2))) == set()


def test_a_finding_that_agrees_with_the_register_makes_its_date_count_again() -> None:
    child = Child(date(2027, 6, 1), disputed=True)
    child.hears(found("adult", date(2026, 12, 1)), on(date(2026, 12, 1)))
    assert "turned-18" not in counted(child.hears(CHANGED, on(date(2026, 12, 2)))), "its date was found wrong"
    child.hears(found("child", date(2027, 1, 11)), on(date(2027, 1, 11)))
    assert "turned-18" in counted(child.hears(CHANGED, on(date(2027, 1, 12))))


def test_leave_that_has_run_out_before_we_learn_of_it_is_told_also_after_an_earlier_one_did() -> None:
    child = Child(date(2030, 6, 1))
    child.hears(care_events.LeaveGranted(**SAID, expires_on=date(2026, 12, 1)))
    assert "leave-expired" in told(child.comes("leave-expired"))
    again = child.hears(care_events.LeaveGranted(**SAID, expires_on=date(2027, 1, 10)), on(date(2027, 2, 1)))
    assert told(again) >= {"leave-expired", "social-worker-hears-leave-expired", "legal-adviser-hears-leave-expired"}


def test_a_day_that_moves_while_somebody_is_asked_asks_nobody_again() -> None:
    child = Child(date(2030, 6, 1))
    child.hears(care_events.ReviewDue(**SAID, on=date(2026, 11, 20)))
    moved = child.hears(care_events.ReviewDue(**SAID, on=date(2026, 11, 22)), 1)
    assert "review-is-due" not in told(moved)
    child.hears(care_events.CareStepRecorded(**SAID, step=CareStep["review-held"]), 2)
    assert "review-is-due" in told(child.hears(care_events.ReviewDue(**SAID, on=date(2026, 11, 23)), 24))
