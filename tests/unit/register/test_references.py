"""Two references of one evening are told apart by their numbers: the day that both hold makes them no more alike."""

from base64 import b64encode
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.platform.register.words import hashes_by_key
from services.platform.store.encryption import Keyring

KEYRING = Keyring(b64encode(b"m" * 32).decode(), b64encode(b"p" * 32).decode())
WAYS = ("%d/%m/%y", "%d/%m/%Y", "%d/%m", "%d-%m", "%d.%m.%Y", "%d%b", "%d%b%y", "%d-%b-%Y", "%d %b", "%Y", "%d %b %Y")
"""How forces write the day in or beside a number."""


def _hashes(text: str) -> set[bytes]:
    return set(hashes_by_key(KEYRING, text)[0])


@given(
    st.dates(date(2026, 1, 1), date(2031, 12, 31)),
    st.sampled_from(WAYS),
    st.lists(st.integers(100, 99_999), min_size=2, max_size=2, unique=True),
    st.sampled_from(("LOG {} of {}", "{} {}", "{1} {0}", "incident {0}, {1}")),
)
def test_references_of_one_day_with_different_numbers_are_unlike(
    day: date, way: str, numbers: list[int], words: str
) -> None:
    one, other = (_hashes(words.format(each, day.strftime(way))) for each in numbers)
    assert one
    assert not one & other


@pytest.mark.parametrize(
    ("one", "other"),
    [("LOG 412 of 07/03", "log 412"), ("NP/2026/0412 07MAR", "np20260412"), ("412 7 Mar 26", "Log 412 of 07/03/26")],
)
def test_the_same_number_is_alike_however_the_day_is_written(one: str, other: str) -> None:
    assert _hashes(one) & _hashes(other)
