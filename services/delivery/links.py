"""One-time links: a signed token that names a delivery and what its page is for. It says nothing of a child or a person.

A mail scanner opens every link, so opening one only shows; a button's POST acts.
"""

import base64
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

GOOD_FOR = timedelta(days=14)
KEY_BYTES = 32
SEAL_BYTES = 16


class Purpose(StrEnum):
    """Of the page; also its path. A link for one opens no other."""

    ACKNOWLEDGE = "acknowledge"
    REPLY = "invitations"
    RECORD = "records"
    """Of a discussion, written by whoever convened it."""
    NOTICE = "notices"
    """Of a force without an API: the notice, and the officer's acknowledgement."""
    DETAILS = "details"
    """What is too much for a notice's body: a child's photograph, long descriptions."""
    READ = "read"
    """The record of a discussion, read by whoever was invited."""


class NotALink(Exception):
    """Made by nobody here, altered, or for another page."""


class LinkExpired(Exception):
    """It was good once."""


@dataclass(frozen=True, slots=True)
class Links:
    """`key` is the base64 of 32 bytes, the same for all processes of a service; `public_url` is the service's, as readers reach it."""

    key: str
    public_url: str

    def url(self, purpose: Purpose, delivery: UUID, now: datetime, good_for: timedelta = GOOD_FOR) -> str:
        """`now` is wall time."""
        named = delivery.bytes + struct.pack(">I", int((now + good_for).timestamp()))
        token = base64.urlsafe_b64encode(named + self._seal(purpose, named)).decode().rstrip("=")
        return f"{self.public_url.rstrip('/')}/{purpose}/{token}"

    def read(self, purpose: Purpose, token: str, now: datetime) -> UUID:
        """The delivery. Raises NotALink or LinkExpired."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise NotALink from None
        named, seal = raw[:20], raw[20:]
        if len(named) != 20 or not hmac.compare_digest(seal, self._seal(purpose, named)):
            raise NotALink
        if datetime.fromtimestamp(struct.unpack(">I", named[16:])[0], UTC) < now:
            raise LinkExpired
        return UUID(bytes=named[:16])

    def _seal(self, purpose: Purpose, named: bytes) -> bytes:
        key = base64.b64decode(self.key, validate=True)
        if len(key) != KEY_BYTES:
            raise ValueError(f"link_key must be the base64 of {KEY_BYTES} bytes")
        return hmac.new(key, f"{purpose}/".encode() + named, hashlib.sha256).digest()[:SEAL_BYTES]
