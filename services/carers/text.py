"""Holds a text as it came, before it is read."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Literal, TypeAlias

READ_LETTERS = 4000
"""The grammar reads so much of a text; Twilio joins at most 1,600 letters. The rest is kept for a person."""
Flaw: TypeAlias = Literal["not-utf-8", "several-bodies", "too-long", "other-words"]
"""Why a person reads a text as well: its bytes are no UTF-8; it came with several bodies; it is longer than
`READ_LETTERS`; another text came before it under the same Twilio id.
"""


class Priority(IntEnum):
    """Which texts are read first. A number's own texts are read in the order in which they came, whatever they are."""

    KNOWN = 0
    """Of a number that the register knows."""
    URGENT_STRANGER = 1
    STRANGER = 2


@dataclass(frozen=True, slots=True)
class Text:
    """`sender` is E.164 if it is a phone number. `received_at` is wall time, `story_at` the same in story time."""

    sid: str
    sender: str
    body: str
    pictures: tuple[str, ...]
    """Where Twilio keeps them."""
    received_at: datetime
    story_at: datetime
    flaw: Flaw | None = None
    to: str = ""
    """Our number that it came to, E.164."""
    rest: str = ""
    """The end of a long body, which only a person reads."""

    @property
    def words(self) -> str:
        """For the register: the body, and where the pictures are."""
        said = self.body + self.rest
        return "\n".join([*([said] if said.strip() else []), *self.pictures])

    @property
    def content(self) -> bytes:
        """Equal for the same text, however often Twilio sends it. Keep it only as a keyed hash."""
        return json.dumps([self.sid, self.sender, self.body + self.rest, *self.pictures]).encode()

    @property
    def can_be_answered(self) -> bool:
        """A sender may be a company's name instead of a number."""
        return self.sender.startswith("+")
