"""Signs what a service says, and believes a message only if a service has signed it that may say its kind
(`said.yaml`).

An envelope ends with its signature, an extension of CloudEvents: Ed25519 over every byte before it. The proof thus
stays with the bytes wherever they lie (topic, dead letter, record), and whoever checks it parses nothing again.
"""

import hashlib
import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

import yaml
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.platform.messages.envelope import PREFIX, Received, Unreadable
from services.safeguarding.child_events import events
from services.safeguarding.contracts import contract_of, contracts
from services.safeguarding.deeds import EVENTS_OF_DEEDS
from services.safeguarding.duty.decisions import DeliveriesAttempted, DeliveryAttempted, RegisterLookedUp
from services.safeguarding.duty.duties import Duty, DutyAccepted, DutyDelivered, DutyFailed, DutyOutcomes
from services.safeguarding.message import Message

Kinds = tuple[type[Message], ...]


def every(of: type[Message]) -> Kinds:
    return tuple(each for each in contracts().values() if issubclass(each, of))


GROUPS: Mapping[str, Kinds] = {
    "told": every(events.Told),
    "police-replies": every(events.PoliceReply),
    "due": every(events.Due),
    "duties": every(Duty),
    # What somebody records by a form, behind a link or at the console.
    "deeds": tuple(each for each in contracts().values() if each in EVENTS_OF_DEEDS),
    # What every service says that sends things (services.platform.delivery).
    "sending": (
        *(DutyAccepted, DutyDelivered, DutyFailed, DutyOutcomes, DeliveryAttempted, DeliveriesAttempted),
        *(RegisterLookedUp, events.ContactUnreachable),
    ),
}


def read_kinds(names: Iterable[str], groups: Mapping[str, Kinds]) -> Kinds:
    """Each name is a kind's or a group's; after a hyphen, a kind that a group before it leaves out."""
    found: list[type[Message]] = []
    for name in names:
        if name.startswith("-"):
            found.remove(contracts()[name.removeprefix("-")])
        else:
            found += groups.get(name) or [contracts()[name]]
    return tuple(found)


_WRITTEN: Mapping[str, list[str]] = yaml.load(Path(__file__).with_name("said.yaml").read_text(), yaml.CSafeLoader)
SAYS = {service: read_kinds(names, GROUPS) for service, names in _WRITTEN.items()}


TAIL = re.compile(rb', "signature": "(?P<key>[a-z]{1,32}:[0-9a-f]{16}):(?P<value>[A-Za-z0-9_-]{86})"\}\Z')
TAIL_LENGTH = 170
"""The longest that a signature can be."""
AGENCIES = "casework"
"""Takes in the events of agencies, which keep a source of their own."""
NamedKey: TypeAlias = tuple[Ed25519PrivateKey, bytes]
PublicKeys: TypeAlias = dict[bytes, tuple[str, Ed25519PublicKey]]
"""By their names."""
MAY_SAY = {service: frozenset(each.kind for each in kinds) for service, kinds in SAYS.items()}


class Doubt(StrEnum):
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown-key"
    WRONG_SIGNATURE = "wrong-signature"
    MAY_NOT_SAY = "may-not-say"
    OTHER_SOURCE = "other-source"


class Refused(Unreadable):
    """Nobody who may say it has said it."""

    def __init__(self, doubt: Doubt, kind: str) -> None:
        super().__init__(f"refused: {doubt}", kind=kind)
        self.doubt = doubt


class Signer:
    """`own` returns the service's key as it is now."""

    def __init__(self, own: Callable[[], NamedKey]) -> None:
        self._own = own

    def sign(self, envelope: bytes) -> bytes:
        """Leaves alone what is signed already, such as what the console gave the clock to publish later."""
        if is_signed(envelope) or not envelope.endswith(b"}"):
            return envelope
        said = envelope[:-1]
        key, name = self._own()
        return b'%b, "signature": "%b:%b"}' % (said, name, urlsafe_b64encode(key.sign(said))[:-2])


def is_signed(envelope: bytes) -> bool:
    """Whether it ends with a signature, true or not."""
    return TAIL.search(envelope, max(0, len(envelope) - TAIL_LENGTH)) is not None


class KnownSpeakers:
    """`listed` returns all services' keys as they are now: two of a service while one replaces the other."""

    def __init__(self, listed: Callable[[], PublicKeys]) -> None:
        self._listed = listed

    def speaker_of(self, raw: bytes, kind: str) -> str:
        """Raises Refused unless a service has signed it that may say this kind."""
        found = TAIL.search(raw, max(0, len(raw) - TAIL_LENGTH))
        if found is None:
            raise Refused(Doubt.UNSIGNED, kind)
        service, key = self._listed().get(found["key"], ("", None))
        if key is None:
            raise Refused(Doubt.UNKNOWN_KEY, kind)
        try:
            key.verify(urlsafe_b64decode(found["value"] + b"=="), raw[: found.start()])
        except InvalidSignature:
            raise Refused(Doubt.WRONG_SIGNATURE, kind) from None
        if contract_of(kind) is not None and kind not in MAY_SAY.get(service, ()):
            raise Refused(Doubt.MAY_NOT_SAY, kind)
        return service


def require_own_source(received: Received[Message], speaker: str) -> None:
    """Raises Refused for a message under another service's name: its id would take the place of a genuine one."""
    is_agencys = speaker == AGENCIES and not received.source.startswith(PREFIX)
    if received.source != PREFIX + speaker and not is_agencys:
        raise Refused(Doubt.OTHER_SOURCE, received.content.kind)


def read_signing_key(service: str, key: str) -> NamedKey:
    """Raises ValueError."""
    private = Ed25519PrivateKey.from_private_bytes(b64decode(key))
    return private, key_name(service, private.public_key()).encode()


def read_public_keys(listed: str) -> PublicKeys:
    """Reads lines of `service key`. Raises ValueError."""
    keys: PublicKeys = {}
    for line in filter(None, listed.splitlines()):
        service, key = line.split()
        public = Ed25519PublicKey.from_public_bytes(b64decode(key))
        keys[key_name(service, public).encode()] = service, public
    if not keys:
        raise ValueError("no service's key")
    return keys


def key_name(service: str, key: Ed25519PublicKey) -> str:
    """The name by which a signature refers to the key that made it."""
    return f"{service}:{hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]}"
