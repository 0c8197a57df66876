"""A text as it came, before anybody has read it."""

from dataclasses import dataclass
from datetime import datetime

import phonenumbers

COUNTRY = "GB"


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

    @property
    def words(self) -> str:
        """What is kept in the register: the body, and where the pictures are."""
        return "\n".join([*([self.body] if self.body.strip() else []), *self.pictures])

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
