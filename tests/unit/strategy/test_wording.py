"""Whoever may own a step of the plan, or be invited, has a name in each language of the record."""

import pytest
import yaml

from services.safeguarding.roles import PLAN_OWNERS, Role
from services.strategy.wording import MESSAGES


@pytest.mark.parametrize("language", ["en", "cy"])
@pytest.mark.parametrize("role", sorted(PLAN_OWNERS))
def test_every_owner_of_a_step_has_a_name(language: str, role: Role) -> None:
    words = yaml.safe_load((MESSAGES / f"{language}.yaml").read_text(encoding="utf-8"))
    assert words["roles"][role]
