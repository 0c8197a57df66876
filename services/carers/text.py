"""A text as it came, before anybody has read it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

import phonenumbers

COUNTRY = "GB"
READ_LETTERS = 4000
"""So much of a text the grammar reads; Twilio joins at most 1,600 letters. The rest is kept for the person."""
Flaw: TypeAlias = Literal["not-utf-8", "several-bodies", "too-long", "other-words"]
"""Why a person reads a text, whatever else is made of it: its bytes are no UTF-8; it came with several bodies; it is longer than
what is read of it; another came before it by the same id of Twilio's.
"""


@dataclass(frozen=True, slots=True)
class Text:
    """`sender` is E.164 where it is a phone number. `received_at` is wall time, `story_at` the same moment in story time."""

    sid: str
    sender: str
    body: str
    pictures: tuple[str, ...]
    """Where Twilio keeps them."""
    received_at: datetime
    story_at: datetime
    flaw: Flaw | None = None
    rest: str = ""
    """What of the body is not read but by a person."""

    @property
    def words(self) -> str:
        """What is kept in the register: the body, and where the pictures are."""
        said = self.body + self.rest
        return "\n".join([*([said] if said.strip() else []), *self.pictures])

    @property
    def content(self) -> bytes:
        """The same of the same text, however often Twilio sends it. To be kept as a keyed hash alone."""
        return json.dumps([self.sid, self.sender, self.body + self.rest, *self.pictures]).encode()

    @property
    def can_be_answered(self) -> bool:
        """A sender may be a company's name instead of a number."""
        return self.sender.startswith("+")


def e164(sender: str) -> str:
    """As the register keeps numbers. What is no phone number stays as it came."""
    try:
        number = phonenumbers.parse(sender, COUNTRY)
    except phonenumbers.NumberParseException:
        return sender
    if not phonenumbers.is_possible_number(number):
        return sender
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
