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

Finds faults of a chain or of the anchors, as sentences that say where. Takes what it checks one by one, and keeps
next to nothing.
"""

import hashlib
import json
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
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


MOST_FAULTS = 1000
"""Of one chain. Where more is wrong, the rest is counted."""


class ChainCheck:
    """Takes the entries of one chain in order of position. `anchored` are the chain's heads, in that order too.

    `start` is the position of a head that an earlier run has verified: that entry comes first. 0: from the first entry.
    """

    def __init__(self, chain: str, anchored: Sequence[Head] = (), start: int = 0) -> None:
        self.chain = chain
        self.entries = 0
        self._start = start
        self.last_anchored = anchored[-1] if anchored else None
        self._hashes = {head.position: head.hash for head in anchored}
        self._before: tuple[int, bytes, bool] | None = None
        self._order: list[str] = []
        self._content: list[str | Entry] = []
        self._rewritten: str | None = None
        self._more = 0

    def take(self, entry: Entry) -> None:
        whole = _is_whole(entry)
        if fault := self._fault_of_order(entry, whole=whole):
            self._note(self._order, fault)
        if not whole:
            self._note(self._content, entry)
        elif misfiled := _misfiled_column(entry):
            fault = f"{self.chain}: entry {entry.position} is filed under another {misfiled} than its envelope says"
            self._note(self._content, fault)
        if whole and self._rewritten is None and self._hashes.get(entry.position, entry.hash) != entry.hash:
            self._rewritten = (
                f"{self.chain}: rewritten: entry {entry.position} is not the one that was anchored, "
                "so it or one before it was changed and what follows was reckoned anew"
            )
        self.entries += 1
        self._before = entry.position, entry.hash, whole

    def faults(self) -> list[str]:
        """Once all entries were taken. Empty if the chain holds."""
        altered = [each for each in self._content if isinstance(each, Entry)]
        content = [_alteration_of(each, altered) if isinstance(each, Entry) else each for each in self._content]
        found = [*self._order, *content, *self._faults_at_the_end()]
        return [*found, f"{self.chain}: and {self._more} more faults"] if self._more else found

    def _fault_of_order(self, entry: Entry, *, whole: bool) -> str | None:
        if self._before is None:
            if entry.position > max(self._start, 1):
                return _removed(self.chain, max(self._start, 1), entry.position - 1)
            of_another = self._start == 0 and entry.previous != NOTHING_BEFORE
            return f"{self.chain}: entry 1 says that another came before it" if of_another else None
        position, hashed, was_whole = self._before
        if entry.position == position:
            return f"{self.chain}: entry {position} is there twice"
        if entry.position != position + 1:
            return _removed(self.chain, position + 1, entry.position - 1)
        if entry.previous != hashed and was_whole and whole:
            return f"{self.chain}: entry {entry.position} does not follow from entry {position}, which was replaced"
        return None

    def _faults_at_the_end(self) -> Iterator[str]:
        last = self.last_anchored.position if self.last_anchored else 0
        if self._before is None and last and not self._start:
            yield f"{self.chain}: the whole chain was removed; it had {last} entries when it was last anchored"
        elif last > (reached := max(self._start - 1, 0) if self._before is None else self._before[0]):
            gone = _range(reached + 1, last)
            yield f"{self.chain}: cut short: entry {gone} was there when the chain was last anchored"
        if self._rewritten is not None:
            yield self._rewritten

    def _note(self, faults: list[Any], fault: str | Entry) -> None:
        if len(self._order) + len(self._content) < MOST_FAULTS:
            faults.append(fault)
        else:
            self._more += 1


class AnchorsCheck:
    """Takes the anchors in order of their number, each with the heads that it fixes."""

    def __init__(self) -> None:
        self._before = NOTHING_BEFORE
        self._expected = 1

    def take(self, anchor: Anchor, heads: Iterable[Head]) -> Iterator[str]:
        if anchor.number != self._expected:
            yield f"anchor {_range(self._expected, anchor.number - 1)} is not there: it was removed"
        elif anchor.previous != self._before:
            yield f"anchor {anchor.number} does not follow from the one before it: one of the two was replaced"
        if anchor_hash(anchor.number, anchor.made_at, anchor.previous, heads) != anchor.hash:
            yield f"anchor {anchor.number} of {moment(anchor.made_at)} was changed, or a head that it fixes was"
        self._before, self._expected = anchor.hash, anchor.number + 1

    def faults_beyond(self, number: int) -> Iterator[str]:
        """Once all anchors were taken. `number`: the highest anchor that a head names."""
        if number >= self._expected:
            yield f"anchor {_range(self._expected, number)} is not there: the anchors were cut short"


def _alteration_of(entry: Entry, altered: Iterable[Entry]) -> str:
    """Of two entries in each other's place neither is whole, so the other one is among the `altered`."""
    for other in altered:
        moved = entry_hash(entry.chain, other.position, entry.recorded_at, entry.previous, entry.envelope) == entry.hash
        swapped = (
            entry_hash(entry.chain, other.position, entry.recorded_at, other.previous, entry.envelope) == other.hash
        )
        if other.position != entry.position and (moved or swapped):
            return f"{entry.chain}: reordered: entry {entry.position} holds what was recorded as entry {other.position}"
    return (
        f"{entry.chain}: changed: entry {entry.position} ({entry.kind}, recorded {moment(entry.recorded_at)}) "
        "is not what it was when it was recorded"
    )


def _is_whole(entry: Entry) -> bool:
    return entry.hash == entry_hash(entry.chain, entry.position, entry.recorded_at, entry.previous, entry.envelope)


def _misfiled_column(entry: Entry) -> str | None:
    """Returns the search column that disagrees with the envelope. The hash does not cover these columns."""
    envelope = json.loads(entry.envelope)
    data = envelope["data"]
    chain = chain_name(
        envelope["subject"],
        exercise=envelope.get("exercise") is True,
        authority=data.get("authority"),
        recorded_at=entry.recorded_at,
    )
    said = {
        "kind": (entry.kind, envelope["type"]),
        "child": (entry.chain, chain),
        "time": (entry.happened_at, datetime.fromisoformat(envelope["time"])),
        "episode": (None if entry.episode is None else str(entry.episode), data.get("episode")),
    }
    return next((name for name, (filed, told) in said.items() if filed != told), None)


def _removed(chain: str, first: int, last: int) -> str:
    return f"{chain}: removed: entry {_range(first, last)} is not there, and what came before and after is"


def _range(first: int, last: int) -> str:
    return str(first) if first >= last else f"{first} to {last}"
