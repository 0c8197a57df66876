"""Writes the words of a call for a text that did not arrive: the text itself, which holds nothing of a child, twice, and the
keys that answer it. Pure.
"""

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
MENU = {
    "en": "Press 1 if you have it. Press 2 if you cannot take it. Press 9 to hear it again.",
    "cy": "Pwyswch 1 os yw gennych chi. Pwyswch 2 os na allwch ei gymryd. Pwyswch 9 i'w glywed eto.",
}
PRESSED = {
    "en": {
        "have-it": "Thank you. It is recorded that you have it. Goodbye.",
        "cannot": "It is recorded that you cannot take it. The next person is asked now. Goodbye.",
        "over": "This is over. There is nothing more for you to do. Goodbye.",
    },
    "cy": {
        "have-it": "Diolch. Mae wedi ei gofnodi ei fod gennych chi. Hwyl fawr.",
        "cannot": "Mae wedi ei gofnodi na allwch ei gymryd. Gofynnir i'r person nesaf nawr. Hwyl fawr.",
        "over": "Mae hyn ar ben. Nid oes dim arall i chi ei wneud. Hwyl fawr.",
    },
}
"""What is said once a key was pressed."""
MOST_CHARACTERS = 1700
"""As XML writes them. Twilio takes no more than 4,000 of TwiML in a request, in which they stand twice."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """`locale` and `voice` as Twilio names them."""

    words: str
    locale: str
    voice: str


def spoken(body: str, *, menu: bool = False) -> Spoken:
    """`menu`: with the keys that answer it, which a long text does not push out."""
    language = "cy" if WELSH.search(body) else "en"
    words, keys = f"{OPENING[language]} {_spelt(body)}", f" {MENU[language]}" if menu else ""
    while len(escape(words + keys)) > MOST_CHARACTERS:
        words = words[:-1]
    return Spoken(words + keys, f"{language}-GB", VOICE[language])


def answered(body: str, answer: str) -> Spoken:
    """What is said to whoever has pressed a key in the call of this text."""
    language = "cy" if WELSH.search(body) else "en"
    return Spoken(PRESSED[language][answer], f"{language}-GB", VOICE[language])


def _spelt(body: str) -> str:
    """Codes letter by letter, 999 and 101 as they are said. A link is nothing to hear."""
    spelt = CODE.sub(lambda found: ", ".join(found[1]), re.sub(r" https?://\S+", ".", body))
    return re.sub(r"\b(999|101)\b", lambda found: " ".join(found[1]), spelt)
