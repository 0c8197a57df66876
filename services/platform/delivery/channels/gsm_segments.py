"""Counts the segments of a text (GSM 03.38): a single segment arrives whole or not at all. Pure."""

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")
"""Each takes two septets."""
GSM_SINGLE, GSM_JOINED = 160, 153
UCS2_SINGLE, UCS2_JOINED = 70, 67


def is_gsm(text: str) -> bool:
    return all(character in BASIC or character in EXTENSION for character in text)


def units(text: str) -> int:
    """Septets where the text is GSM 7-bit, UTF-16 code units where it is not."""
    if is_gsm(text):
        return sum(2 if character in EXTENSION else 1 for character in text)
    return len(text.encode("utf-16-be")) // 2


def segments(text: str) -> int:
    """A two-septet character, or a surrogate pair, is never split over two segments."""
    gsm = is_gsm(text)
    if units(text) <= (GSM_SINGLE if gsm else UCS2_SINGLE):
        return 1
    room = GSM_JOINED if gsm else UCS2_JOINED
    count, used = 1, 0
    for character in text:
        size = units(character) if gsm else len(character.encode("utf-16-be")) // 2
        if used + size > room:
            count, used = count + 1, 0
        used += size
    return count
