"""Writes the words of a call for a text that did not arrive: the text itself, which holds nothing of a child, twice. Pure."""

import re
from dataclasses import dataclass
from xml.sax.saxutils import escape

WELSH = re.compile(
    r"\b(?:perygl|ffoniwch|atebwch|tecstiwch|ymarfer|heddlu|yr|yn|wedi|cofnodwyd|dyletswydd|plentyn|gofalwyr)\b",
    re.IGNORECASE,
)
"""Every Welsh text of ours has one of these words, no English one has any (tests/unit/delivery/test_voice.py)."""
CODE = re.compile(r"\b(?=[2-9BCDFGHJKMNPQRSTVWXZ]*[BCDFGHJKMNPQRSTVWXZ])([2-9BCDFGHJKMNPQRSTVWXZ]{5})\b")
OPENING = {
    "en": "This is Safe Return, with a text that has not reached you.",
    "cy": "Dyma Safe Return, gyda neges destun nad yw wedi eich cyrraedd.",
}
VOICE = {"en": "Polly.Amy", "cy": "Polly.Gwyneth"}
MOST_CHARACTERS = 1850
"""As XML writes them. Twilio takes no more than 4,000 of TwiML in a request, in which they stand twice."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """`locale` and `voice` as Twilio names them."""

    words: str
    locale: str
    voice: str


def spoken(body: str) -> Spoken:
    language = "cy" if WELSH.search(body) else "en"
    words = f"{OPENING[language]} {_spelt(body)}"
    while len(escape(words)) > MOST_CHARACTERS:
        words = words[:-1]
    return Spoken(words, f"{language}-GB", VOICE[language])


def _spelt(body: str) -> str:
    """Codes letter by letter, 999 and 101 as they are said."""
    spelt = CODE.sub(lambda found: ", ".join(found[1]), body)
    return re.sub(r"\b(999|101)\b", lambda found: " ".join(found[1]), spelt)
