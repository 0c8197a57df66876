"""Computes the hashes of entries and anchors. Form 1; another form would have another first line.

An entry is one message of the bus. Its chain is the envelope's subject: the child's id, real or provisional. Its hash
is the SHA-256 of these six lines, in UTF-8, each ended by a line feed:

    safe-return audit entry 1
    the chain
    the position: 1, 2, 3 and so on, in decimal digits
    when it was recorded: UTC, such as 2026-11-24T22:15:00.000123Z, always with six digits of a second
    the hash of the entry before, 64 hexadecimal digits in lower case; of the first entry 64 noughts
    the SHA-256 of the envelope, likewise

The envelope is the bytes that travelled on the bus, as they were. One kind is stored shortened: a dead letter may hold
bytes that nobody could read, so only the SHA-256 of `data.original` is stored, as `data.original_sha256` (see
`envelope_of`).

An anchor fixes the heads of all chains that have grown since the anchor before it. So `verify` also finds a chain that
was cut short, rewritten from some entry on, or removed as a whole. Its hash is the SHA-256 of these lines:

    safe-return audit anchor 1
    the anchor's number: 1, 2, 3 and so on
    when it was made, as above
    the hash of the anchor before; of the first 64 noughts
    for each of these chains, sorted by the bytes of its name: the chain, a space, its head's position, a space, its head's hash
"""

import hashlib
import json
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.safeguarding.duty.decisions import MessageDeadLettered

ENTRY_FORM = "safe-return audit entry 1"
ANCHOR_FORM = "safe-return audit anchor 1"
NOTHING_BEFORE = bytes(32)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the record. `kind`, `happened_at` and `episode` repeat the envelope, so that it can be searched."""

    chain: str
    position: int
    recorded_at: datetime
    kind: str
    happened_at: datetime
    episode: UUID | None
    envelope: bytes
    previous: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry that a chain had at an anchor."""

    chain: str
    position: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Anchor:
    number: int
    made_at: datetime
    previous: bytes
    hash: bytes


def moment(at: datetime) -> str:
    """`at` must be aware."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def entry_hash(chain: str, position: int, recorded_at: datetime, previous: bytes, envelope: bytes) -> bytes:
    digest = hashlib.sha256(envelope).hexdigest()
    return _hash(ENTRY_FORM, chain, str(position), moment(recorded_at), previous.hex(), digest)


def anchor_hash(number: int, made_at: datetime, previous: bytes, heads: Iterable[Head]) -> bytes:
    in_order = sorted(heads, key=lambda head: head.chain.encode())
    lines = [f"{head.chain} {head.position} {head.hash.hex()}" for head in in_order]
    return _hash(ANCHOR_FORM, str(number), moment(made_at), previous.hex(), *lines)


def envelope_of(raw: bytes, kind: str) -> bytes:
    """The envelope as it is stored. Nobody may ever shorten the record, so it must not hold arbitrary bytes."""
    if kind != MessageDeadLettered.kind:
        return raw
    letter = json.loads(raw)
    original = letter["data"].pop("original", None)
    if original is not None:
        letter["data"]["original_sha256"] = hashlib.sha256(b64decode(original)).hexdigest()
    return json.dumps(letter, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def _hash(*lines: str) -> bytes:
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).digest()
