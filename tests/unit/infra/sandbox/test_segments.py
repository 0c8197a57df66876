"""Segments, against the figures of the standard."""

import pytest

from infra.sandbox.segments import count_segments


@pytest.mark.parametrize(
    ("body", "segments"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("é" * 160, 1),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ŷ" + "a" * 69, 1),
        ("ŷ" + "a" * 70, 2),
        ("😟" * 35, 1),
        ("😟" * 36, 2),
        ("", 1),
    ],
)
def test_a_text_takes_as_many_segments_as_the_standard_says(body: str, segments: int) -> None:
    assert count_segments(body) == segments


def test_an_escaped_letter_is_not_cut_in_two_at_the_end_of_a_segment() -> None:
    # 152 septets, then an escaped letter that no longer fits, then 152 more: 306 in all, yet three segments.
    assert count_segments("a" * 152 + "€" + "a" * 152) == 3
