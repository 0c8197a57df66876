"""Whoever may own a step of the plan, or be invited, has a name in each language of the record."""

import pytest

from services.safeguarding.roles import PLAN_OWNERS, Role
from services.wording import ROLES, languages_in


@pytest.mark.parametrize("language", ["en", "cy"])
@pytest.mark.parametrize("role", sorted(PLAN_OWNERS))
def test_every_owner_of_a_step_has_a_name(language: str, role: Role) -> None:
    assert languages_in(ROLES)[language][role]
