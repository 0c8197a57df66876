"""What a call says where a text did not arrive: the text itself, which holds nothing of a child, read aloud twice. Pure."""

import re
from xml.sax.saxutils import escape

WELSH = re.compile(
    r"\b(?:perygl|ffoniwch|atebwch|tecstiwch|ymarfer|heddlu|yr|yn|wedi|plentyn|gofalwyr)\b", re.IGNORECASE
)
"""Every Welsh text of ours has one of these words, no English one has any (tests/unit/delivery/test_voice.py)."""
CODE = re.compile(r"\b(?=[2-9BCDFGHJKMNPQRSTVWXZ]*[BCDFGHJKMNPQRSTVWXZ])([2-9BCDFGHJKMNPQRSTVWXZ]{5})\b")
OPENING = {
    "en": "This is Safe Return, with a text that has not reached you.",
    "cy": "Dyma Safe Return, gyda neges destun nad yw wedi eich cyrraedd.",
}
VOICE = {"en": 'language="en-GB" voice="Polly.Amy"', "cy": 'language="cy-GB" voice="Polly.Gwyneth"'}
MOST_CHARACTERS = 4000
"""Twilio takes no longer TwiML in a request."""


def twiml(body: str) -> str:
    language = "cy" if WELSH.search(body) else "en"
    said = f"<Say {VOICE[language]}>{escape(f'{OPENING[language]} {_spelt(body)}')}</Say>"
    written = (
        f'<?xml version="1.0" encoding="UTF-8"?><Response><Pause length="1"/>{said}<Pause length="2"/>{said}</Response>'
    )
    return written[:MOST_CHARACTERS]


def _spelt(body: str) -> str:
    """Codes letter by letter, 999 and 101 as they are said."""
    spelt = CODE.sub(lambda found: ", ".join(found[1]), body)
    return re.sub(r"\b(999|101)\b", lambda found: " ".join(found[1]), spelt)
