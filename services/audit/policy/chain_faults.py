"""Finds faults of a chain or of the anchors, as sentences that say where. Takes what it checks one by one, and keeps
next to nothing.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from services.audit.policy.chain import NOTHING_BEFORE, Anchor, Entry, Head, anchor_hash, chain_name, entry_hash, moment

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
