"""A period is named by its month or year."""

import pytest

from services.options.returns.pages import period_of


@pytest.mark.parametrize("name", ["", "november", "2026-13", "10000", "9999-12", "99999999999999999999"])
def test_what_names_no_period_is_none(name: str) -> None:
    assert period_of(name) is None
