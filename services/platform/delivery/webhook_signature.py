"""Signs and verifies webhooks (Standard Webhooks 1.0): `v1` by a shared secret (`whsec_`, the published library), `v1a`
by an Ed25519 key (`whsk_` signs, `whpk_` verifies), which that library lacks.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from standardwebhooks import Webhook, WebhookVerificationError

from services.platform.runtime.clocks import Clocks

TOLERANCE = timedelta(minutes=5)
PRIVATE, PUBLIC, VERSION = "whsk_", "whpk_", "v1a,"
OF_SECRET = re.compile(r"v1,[A-Za-z0-9+/]{43}=")
KEY_BYTES = 32
"""A private key may have its public half behind it."""


def generate_key() -> tuple[str, str]:
    """The private key and the public one."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    return PRIVATE + b64encode(key.private_bytes_raw() + public).decode(), PUBLIC + b64encode(public).decode()


def sign(key: str, message_id: str, now: datetime, body: str) -> str:
    """One signature. `now` is in UTC, by the machine's own clock."""
    if not key.startswith(PRIVATE):
        return Webhook(key).sign(message_id, now, body)
    private = Ed25519PrivateKey.from_private_bytes(b64decode(key.removeprefix(PRIVATE))[:KEY_BYTES])
    return VERSION + b64encode(private.sign(_content(message_id, str(int(now.timestamp())), body.encode()))).decode()


def is_signed(body: bytes, headers: Mapping[str, str], keys: Iterable[str]) -> bool:
    """Whether any of `keys` signs it, within five minutes of now. Header names in lower case."""
    given = dict(headers)
    return any((_by_key if key.startswith(PUBLIC) else _by_secret)(key, body, given) for key in keys)


def _by_secret(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    """Whatever is no signature is passed over: the library would refuse a valid one behind it."""
    signatures = " ".join(each for each in headers.get("webhook-signature", "").split() if OF_SECRET.fullmatch(each))
    try:
        Webhook(secret).verify(body, headers | {"webhook-signature": signatures}, json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True


def _by_key(key: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """For a key that an organisation gave: none of another length is among them."""
    try:
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        content = _content(headers["webhook-id"], headers["webhook-timestamp"], body)
        given = headers["webhook-signature"].split(" ")
        if abs(Clocks().own() - at) > TOLERANCE:
            return False
        public = Ed25519PublicKey.from_public_bytes(b64decode(key.removeprefix(PUBLIC)))
        return any(_verifies(public, each.removeprefix(VERSION), content) for each in given if each.startswith(VERSION))
    except (KeyError, ValueError, OverflowError, OSError):
        return False


def _verifies(public: Ed25519PublicKey, signature: str, content: bytes) -> bool:
    try:
        public.verify(b64decode(signature), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _content(message_id: str, timestamp: str, body: bytes) -> bytes:
    return f"{message_id}.{timestamp}.".encode() + body
