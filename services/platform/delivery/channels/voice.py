"""Writes the words of a call for a text that did not arrive: the text itself, which holds nothing of a child, and the
keys that answer it.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import yaml

WELSH = re.compile(
    r"\b(?:perygl|ffoniwch|atebwch|tecstiwch|ymarfer|heddlu|yr|yn|wedi|cofnodwyd|dyletswydd|plentyn|gofalwyr)\b",
    re.IGNORECASE,
)
"""Every Welsh text of ours has one of these words, no English one has any (tests/unit/delivery/test_voice.py)."""
CODE = re.compile(r"\b(?=[2-9BCDFGHJKMNPQRSTVWXZ]*[BCDFGHJKMNPQRSTVWXZ])([2-9BCDFGHJKMNPQRSTVWXZ]{5})\b")
VOICE = {"en": "Polly.Amy", "cy": "Polly.Gwyneth"}
WORDS = yaml.load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
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
    words, keys = f"{WORDS[language]['opening']} {_spelt(body)}", f" {WORDS[language]['menu']}" if menu else ""
    while len(escape(words + keys)) > MOST_CHARACTERS:
        words = words[:-1]
    return Spoken(words + keys, f"{language}-GB", VOICE[language])


def answered(body: str, answer: str) -> Spoken:
    """What is said to whoever has pressed a key in the call of this text."""
    language = "cy" if WELSH.search(body) else "en"
    return Spoken(WORDS[language][answer], f"{language}-GB", VOICE[language])


def _spelt(body: str) -> str:
    """Codes letter by letter, 999 and 101 as they are said. A link is nothing to hear."""
    spelt = CODE.sub(lambda found: ", ".join(found[1]), re.sub(r" https?://\S+", ".", body))
    return re.sub(r"\b(999|101)\b", lambda found: " ".join(found[1]), spelt)
