"""Signs and reads one-time links: a token names a delivery and its page's purpose, and nothing of a child or a person.

A mail scanner opens every link, so opening one only shows; a button's POST acts.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer

from services.platform.store.key_wrappers.wrapper import KeyFile
from services.safeguarding.identifiers import code_of

GOOD_FOR = timedelta(days=14)
ANSWERED_FOR = timedelta(days=43)
"""A rule rests for 28 days at most, from the answer on; the last of its people is asked after 14 days at most."""


class Purpose(StrEnum):
    """The purpose of a page; also its path. A link for one opens no other."""

    ACKNOWLEDGE = "acknowledge"
    DEED = "d"
    """The form of one duty, which its reader fills in when it is done. Short, since a text holds it."""
    REPLY = "invitations"
    RECORD = "records"
    """The record of a discussion, for the convener to write."""
    NOTICE = "notices"
    """The notice, and the officer's acknowledgement, for a force without an API."""
    DETAILS = "details"
    """The details too large for a notice's body: a child's photograph, long descriptions."""
    READ = "read"
    """The record of a discussion, for those invited to read."""

    @property
    def good_for(self) -> timedelta:
        return ANSWERED_FOR if self in {Purpose.ACKNOWLEDGE, Purpose.DEED} else GOOD_FOR


class NotALink(Exception):
    """Not signed by us, altered, or for another page."""


class LinkExpired(Exception):
    """It was good once, for this delivery."""

    def __init__(self, delivery: UUID) -> None:
        super().__init__()
        self.delivery = delivery


@dataclass(frozen=True, slots=True)
class Links:
    """`key`, the same for all processes of a service, is the base64 of 32 bytes, or several by white space while it is
    being changed: the first signs, each opens. `public_url` is the service's, as readers reach it.
    """

    key: str | KeyFile
    public_url: str

    def url(self, purpose: Purpose, delivery: UUID, now: datetime) -> str:
        """`now` is wall time."""
        until = int((now + purpose.good_for).timestamp())
        return f"{self.public_url.rstrip('/')}/{purpose}/{self._signer(purpose).dumps([delivery.hex, until])}"

    def read(self, purpose: Purpose, token: str, now: datetime) -> UUID:
        """The delivery. Raises NotALink or LinkExpired."""
        try:
            delivery, until = self._signer(purpose).loads(token)
        except (BadData, UnicodeError):
            raise NotALink from None
        if until < now.timestamp():
            raise LinkExpired(UUID(hex=delivery))
        return UUID(hex=delivery)

    def short_url(self, purpose: Purpose, delivery: UUID) -> str:
        """Fits a text: the code of the delivery, by which it is looked up, and a signature of 64 bits."""
        signature = _sign(KeyFile.of(self.key).newest_first()[0], purpose, delivery)
        return f"{self.public_url.rstrip('/')}/{purpose}/{code_of(delivery)}{signature}"

    def is_short(self, purpose: Purpose, token: str, delivery: UUID) -> bool:
        """Whether `token` is the delivery's. When it expires, the delivery says."""
        given = token.encode("utf-8", "replace")
        signed = [code_of(delivery) + _sign(key, purpose, delivery) for key in KeyFile.of(self.key).newest_first()]
        return any(hmac.compare_digest(given, each.encode()) for each in signed)

    def _signer(self, purpose: Purpose) -> URLSafeSerializer:
        """Without the library's timestamps, which read the machine's clock: the end of validity is signed."""
        oldest_first = KeyFile.of(self.key).newest_first()[::-1]
        how = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        return URLSafeSerializer(oldest_first, salt=purpose.value, signer_kwargs=how)


def _sign(key: bytes, purpose: Purpose, delivery: UUID) -> str:
    digest = hmac.digest(key, f"short {purpose} ".encode() + delivery.bytes, "sha256")
    return urlsafe_b64encode(digest[:8]).decode().rstrip("=")
