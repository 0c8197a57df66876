"""The segment count, compared with an independent codec."""

import math

import gsm0338
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.platform.delivery.channels.sms import BASIC, EXTENSION, is_gsm, segments, units

GSM = "".join(sorted(BASIC | EXTENSION))


def encoded_by_the_codec(text: str) -> bytes | None:
    try:
        return bytes(gsm0338.Codec().encode(text)[0])
    except UnicodeError:
        return None


@settings(max_examples=1000)
@given(st.text(alphabet=GSM + "âŵ中😀", max_size=400))
def test_septets_are_those_of_an_independent_codec(text: str) -> None:
    encoded = encoded_by_the_codec(text)
    assert is_gsm(text) == (encoded is not None)
    assert units(text) == (len(text.encode("utf-16-be")) // 2 if encoded is None else len(encoded))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 10, 2),
        ("a" * 152 + "€" + "a" * 151, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("ŵ" * 70, 1),
        ("ŵ" * 71, 2),
        ("ŵ" * 134, 2),
        ("ŵ" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_segments_break_where_networks_break_them(text: str, expected: int) -> None:
    assert segments(text) == expected


@given(st.text(alphabet=GSM + "ŵ😀", max_size=700))
def test_no_text_takes_fewer_segments_than_its_length_needs(text: str) -> None:
    room = 153 if is_gsm(text) else 67
    single = 160 if is_gsm(text) else 70
    least = 1 if units(text) <= single else math.ceil(units(text) / room)
    assert least <= segments(text) <= least + 1
