"""How people read a number."""

import pytest

from services.platform.register.directory import format_number


@pytest.mark.parametrize(
    ("number", "read"),
    [
        ("+447700900123", "07700 900123"),
        ("+441212345678", "0121 234 5678"),
        ("101", "101"),
        ("+33612345678", "+33 6 12 34 56 78"),
        ("the night desk", "the night desk"),
    ],
)
def test_a_number_is_shown_as_it_is_dialled_in_britain(number: str, read: str) -> None:
    assert format_number(number) == read
