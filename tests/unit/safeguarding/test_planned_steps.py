"""Who may own a step of a discussion's plan: whoever a mail reaches."""

from datetime import date

import pytest
from pydantic import ValidationError

from services.safeguarding.child_events.discussion_events import PlannedStep
from services.safeguarding.roles import PLAN_OWNERS, Role

DAY = date(2026, 12, 1)


@pytest.mark.parametrize("owner", sorted(PLAN_OWNERS))
def test_a_step_is_owned_by_whom_a_mail_reaches(owner: Role) -> None:
    assert PlannedStep(owner=owner, due_on=DAY).owner == owner


@pytest.mark.parametrize("owner", [Role.CARERS_ALL, Role.POLICE_CONTROL_ROOM])
def test_a_step_owned_by_anybody_else_is_refused_and_says_whom_a_mail_reaches(owner: Role) -> None:
    with pytest.raises(ValidationError) as refused:
        PlannedStep(owner=owner, due_on=DAY)
    assert "an owner whom a mail reaches: one of " + ", ".join(sorted(PLAN_OWNERS)) in str(refused.value)
