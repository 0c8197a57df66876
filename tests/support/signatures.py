"""Every service's signing key, the same in each run, and messages as the services would say them."""

import hashlib
from base64 import b64encode
from pathlib import Path
from typing import Any

from infra.local.settings.secret_files import public_key
from services.platform.messages.envelope import compose
from services.platform.messages.signature import SAYS, TAIL, KnownSpeakers, Signer, read_public_keys, read_signing_key
from services.safeguarding.message import Message
from services.schemas.messages import first_to_say

KEYS = {service: b64encode(hashlib.sha256(service.encode()).digest()).decode() for service in SAYS}
BUS_KEYS = "".join(f"{service} {public_key(key)}\n" for service, key in KEYS.items())


def signer_of(service: str, key: str) -> Signer:
    named = read_signing_key(service, key)
    return Signer(lambda: named)


def speakers_of(listed: str) -> KnownSpeakers:
    keys = read_public_keys(listed)
    return KnownSpeakers(lambda: keys)


SIGNERS = {service: signer_of(service, key) for service, key in KEYS.items()}
SPEAKERS = speakers_of(BUS_KEYS)


def unsigned(envelope: bytes) -> bytes:
    """As nobody's word."""
    return TAIL.sub(b"}", envelope)


def say(content: Message, *, by: str | None = None, **envelope: Any) -> bytes:
    """As the service `by` says it, signed: the first that may, if none is named."""
    service = by or first_to_say(type(content))
    return SIGNERS[service].sign(compose(content, said_by=service, **envelope))


def give_keys(folder: Path, service: str) -> None:
    """Writes what `service` reads at its start into its folder of secrets."""
    (folder / "signing_key").write_text(KEYS[service])
    (folder / "bus_keys").write_text(BUS_KEYS)
