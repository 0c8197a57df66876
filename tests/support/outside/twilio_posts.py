"""Forms as bytes, signed over what the test says Twilio signed, and how our doors count what they refuse."""

import hmac
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote_plus
from uuid import uuid4

import httpx
from prometheus_client import REGISTRY
from twilio.request_validator import RequestValidator

from tests.support.in_process.carers import ACCOUNT_SID, PUBLIC_URL, TOKEN, Carers

URL = f"{PUBLIC_URL}/texts/inbound"
TYPE = {"content-type": "application/x-www-form-urlencoded"}


@contextmanager
def counted(door: str, reason: str, whose: str) -> Iterator[None]:
    """Exactly one is, within."""
    labels = {"door": door, "reason": reason, "whose": whose}
    before = REGISTRY.get_sample_value("texts_refused_total", labels) or 0
    yield
    assert REGISTRY.get_sample_value("texts_refused_total", labels) == before + 1


def form_of(sender: str, *bodies: bytes, sid: str | None = None) -> list[tuple[bytes, bytes]]:
    ids = [(b"MessageSid", (sid or f"SM{uuid4().hex}").encode()), (b"AccountSid", ACCOUNT_SID.encode())]
    return [*ids, (b"From", sender.encode()), *((b"Body", body) for body in bodies)]


def escaped(pairs: list[tuple[bytes, bytes]]) -> bytes:
    return b"&".join(f"{quote_plus(name)}={quote_plus(value)}".encode() for name, value in pairs)


def signed_bytes(pairs: list[tuple[bytes, bytes]], token: str = TOKEN, url: str = URL) -> str:
    said = url.encode() + b"".join(name + value for name, value in sorted(pairs))
    return b64encode(hmac.digest(token.encode(), said, "sha1")).decode()


def signed_as(pairs: list[tuple[bytes, bytes]], encoding: str, errors: str = "strict", token: str = TOKEN) -> str:
    """As by a Twilio that had read the bytes in that encoding."""
    form = {name.decode(): value.decode(encoding, errors) for name, value in pairs}
    return str(RequestValidator(token).compute_signature(URL, form))


async def post(service: Carers, raw: bytes, *signatures: str) -> httpx.Response:
    headers = [*TYPE.items(), *(("X-Twilio-Signature", each) for each in signatures)]
    return await service.client.post("/texts/inbound", content=raw, headers=headers)
