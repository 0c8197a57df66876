"""Keeps the texts on the phone network, found by their id and by the phone at the other end."""

import uuid
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from infra.sandbox.config import NotifyService
from infra.sandbox.ledger import KEPT, Ledger
from infra.sandbox.segments import count_segments

Direction = Literal["inbound", "outbound-api", "outbound-reply"]


def new_sid() -> str:
    """Make a message's id as Twilio does: SM and 32 hexadecimal digits."""
    return f"SM{uuid.uuid4().hex}"


@dataclass(slots=True)
class Text:
    """One text, in either direction, with the ids of its pictures. `attempts`: the webhook requests about it, of which
    the last was `answered` or not.
    """

    sender: str
    recipient: str
    body: str
    direction: Direction
    status: str
    callback_url: str | None = None
    validity_seconds: int = 36_000
    sid: str = field(default_factory=new_sid)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    sent_at: datetime | None = None
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    error_code: int | None = None
    service: NotifyService | None = None
    """At GOV.UK Notify. None: it went or came by Twilio."""
    reference: str | None = None
    attempts: int = 0
    answered: bool = False
    pictures: list[str] = field(default_factory=list)

    @property
    def segments(self) -> int:
        return count_segments(self.body)

    @property
    def phone(self) -> str:
        """The number at the other end from Safe Return."""
        return self.sender if self.direction == "inbound" else self.recipient

    def count_attempt(self) -> None:
        self.attempts += 1

    def becomes(self, status: str, error_code: int | None = None) -> None:
        """Move to another status, now."""
        self.status, self.error_code, self.updated_at = status, error_code, datetime.now(UTC)
        if status in {"sent", "received"} and self.sent_at is None:
            self.sent_at = self.updated_at


class Texts:
    """All texts, newest kept; a phone's own thread is found without reading the others."""

    def __init__(self, limit: int = KEPT) -> None:
        self._ledger: Ledger[Text] = Ledger(limit)
        self._threads: dict[str, deque[tuple[int, Text]]] = {}

    def add(self, text: Text) -> None:
        oldest = self._ledger.add(text.sid, text)
        self._threads.setdefault(text.phone, deque()).append((self._ledger.last_number, text))
        if oldest:
            self._leave_thread(oldest)

    def get(self, sid: str) -> Text | None:
        return self._ledger.get(sid)

    def remove(self, text: Text) -> None:
        """Forget a text, as a DELETE asks."""
        self._ledger.remove(text.sid)
        thread = self._threads[text.phone]
        self._threads[text.phone] = deque(numbered for numbered in thread if numbered[1] is not text)

    def since(self, number: int, phone: str | None = None) -> list[tuple[int, Text]]:
        """List the texts after that number, or one phone's, oldest first."""
        if phone is None:
            return self._ledger.since(number)
        return [numbered for numbered in self._threads.get(phone, ()) if numbered[0] > number]

    def newest_first(self, phone: str | None = None) -> Iterable[Text]:
        """Walk all texts, or one phone's, from the newest back."""
        for _, text in reversed(self.since(0, phone)):
            yield text

    def last_number_of(self, phone: str) -> int:
        """Give the number of a phone's newest text, 0 where it has none."""
        thread = self._threads.get(phone)
        return thread[-1][0] if thread else 0

    def _leave_thread(self, text: Text) -> None:
        """Drop the oldest of all texts, which is therefore the oldest of its thread."""
        thread = self._threads[text.phone]
        thread.popleft()
        if not thread:
            del self._threads[text.phone]
