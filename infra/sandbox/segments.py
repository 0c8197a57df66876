"""Counts a text's segments as a phone network does (3GPP TS 23.038 and 23.040)."""

_GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_7_EXTENSION = frozenset("^{}\\[~]|€\f")


def count_segments(body: str) -> int:
    """Count the segments of a text: 160 septets (153 when joined), or 70 UTF-16 units (67) if one letter needs it."""
    if all(letter in _GSM_7 or letter in _GSM_7_EXTENSION for letter in body):
        return _pack([2 if letter in _GSM_7_EXTENSION else 1 for letter in body], alone=160, joined=153)
    return _pack([len(letter.encode("utf-16-be")) // 2 for letter in body], alone=70, joined=67)


def _pack(widths: list[int], *, alone: int, joined: int) -> int:
    """Fill segments in order; an escaped letter or a surrogate pair is never cut in two."""
    if sum(widths) <= alone:
        return 1
    segments, filled = 1, 0
    for width in widths:
        if filled + width > joined:
            segments, filled = segments + 1, 0
        filled += width
    return segments
