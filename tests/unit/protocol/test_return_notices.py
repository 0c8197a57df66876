"""The child's social worker hears of each return once: with all who were told, or at nine that the child was missing and is back."""

from datetime import timedelta
from typing import Any

import pytest

from services.protocol.policy.case import Facts
from services.protocol.policy.draft import Decision
from services.safeguarding.child_events import events
from services.safeguarding.child_events.care_events import PhotographRecorded
from services.safeguarding.child_events.events import RuleDue
from services.safeguarding.duty.duties import DutyAccepted, DutyFailed
from services.safeguarding.roles import Role
from tests.support.histories.one_child import CHILD, START, OneChild

SAID: dict[str, Any] = {"authority": "northshire"}
FACTS = Facts(authority="northshire", force="north-force")
MISSING = events.ChildReportedMissing(**SAID)
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
NOT_BACK = events.ReportRetracted(**SAID, retracts="return")
PHOTOGRAPH = PhotographRecorded(**SAID, taken_on=START.date())
BY_DAY = 16
"""Hours from the start at six in the evening: ten in the morning."""
WAS_MISSING = "tell-social-worker-was-missing"
ABOUT = {"tell-social-worker-missing", "tell-people-returned", WAS_MISSING}


def wordings(decision: Decision) -> list[str]:
    told = (each for each in decision.duties if each.act == "tell" and each.role == Role.CHILD_SOCIAL_WORKER)
    return [each.wording for each in told if each.rule in ABOUT]


def mails_become(child: OneChild, arrives: bool, hours: float) -> None:
    for duty in list(child.case.duties.values()):
        for telling in duty.tellings:
            if telling.role == Role.CHILD_SOCIAL_WORKER:
                about = {"duty": duty.duty, "step": telling.step, **SAID}
                child.hears(DutyAccepted(**about) if arrives else DutyFailed(**about, reason="undeliverable"), hours)


@pytest.mark.parametrize(
    ("missing", "back", "told"),
    [
        (4, 5, ["was-missing-notice"]),
        (BY_DAY, BY_DAY + 1, ["missing-notice", "returned-notice"]),
        (BY_DAY, BY_DAY + 12, ["missing-notice", "returned-notice"]),
    ],
)
def test_of_a_return_they_are_told_once_whenever_it_was(missing: float, back: float, told: list[str]) -> None:
    child = OneChild(CHILD, FACTS)
    child.hears(PHOTOGRAPH)
    heard = wordings(child.hears(MISSING, missing))
    mails_become(child, True, missing)
    returned = child.hears(BACK, back)
    heard += wordings(returned)
    for deadline in returned.deadlines:
        if isinstance(deadline.content, RuleDue) and deadline.content.rule == WAS_MISSING:
            heard += wordings(child.hears(deadline.content, (deadline.due_at - START) / timedelta(hours=1)))
    assert heard == told


@pytest.mark.parametrize(("arrives", "told"), [(True, ["returned-notice"]), (False, ["was-missing-notice"])])
def test_what_they_were_told_of_a_return_that_was_a_mistake_does_not_count(arrives: bool, told: list[str]) -> None:
    """Where no mail has ever arrived they are not among those who were told, and are tried anew."""
    child = OneChild(CHILD, FACTS)
    child.hears(MISSING, BY_DAY)
    mails_become(child, True, BY_DAY)
    child.hears(BACK, BY_DAY + 1)
    child.hears(NOT_BACK, BY_DAY + 2)
    mails_become(child, arrives, BY_DAY + 3)
    assert wordings(child.hears(BACK, BY_DAY + 4)) == told
