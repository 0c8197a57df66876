"""Computes the hashes of entries and anchors. Form 1; another form would have another first line.

An entry is one message of the bus. Its chain is the envelope's subject: the child's id, real or provisional. Self-tests
of an exercise authority have a chain a day, which is removed as a whole after ninety days (see `chain_name`). Its hash
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
    for each of these chains, by its name's bytes: the chain, a space, its head's position, a space, its head's hash
"""

import hashlib
import json
import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.safeguarding.duty.decisions import MessageDeadLettered
from services.safeguarding.identifiers import is_for_exercises

ENTRY_FORM = "safe-return audit entry 1"
ANCHOR_FORM = "safe-return audit anchor 1"
NOTHING_BEFORE = bytes(32)
EXERCISE_CHAIN = re.compile(r"^(?P<subject>[^/]+)/exercise/(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})$")
EXERCISES_KEPT = timedelta(days=90)


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
    """The last entry that a chain had at an anchor: the first anchor that fixed that entry."""

    chain: str
    position: int
    hash: bytes
    anchor: int = 0


@dataclass(frozen=True, slots=True)
class Anchor:
    number: int
    made_at: datetime
    previous: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class RemovedChain:
    """What is left of a chain that was removed by retention: its last entry's place and hash."""

    chain: str
    position: int
    hash: bytes
    removed_at: datetime

    def was_due(self) -> bool:
        """Whether it was an exercise's chain, and old enough. Nothing else is ever removed."""
        named = EXERCISE_CHAIN.match(self.chain)
        return named is not None and named["day"] < f"{(self.removed_at - EXERCISES_KEPT).astimezone(UTC):%Y-%m-%d}"


def chain_name(subject: str, *, exercise: bool, authority: str | None, recorded_at: datetime) -> str:
    """The chain of a message. A real authority's exercise, such as a carer's practice, is in the child's own chain."""
    if exercise and authority is not None and is_for_exercises(authority):
        return f"{subject}/exercise/{recorded_at.astimezone(UTC):%Y-%m-%d}"
    return subject


def subject_of(chain: str) -> str:
    """The child's id, which is also the key under which its messages travel."""
    named = EXERCISE_CHAIN.match(chain)
    return chain if named is None else named["subject"]


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
