"""Finds faults of a chain or of the anchors, as sentences that say where."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from services.audit.policy.chain import NOTHING_BEFORE, Anchor, Entry, Head, anchor_hash, entry_hash, moment


def faults_of_chain(chain: str, entries: Sequence[Entry], anchored: Sequence[Head]) -> list[str]:
    """Empty if the chain holds. `entries` are in order of position, and so are `anchored`, the chain's heads."""
    return [*_faults_of_entries(chain, entries), *_faults_against_anchors(chain, entries, anchored)]


def faults_of_anchors(anchors: Sequence[Anchor], heads: Mapping[int, Sequence[Head]]) -> Iterator[str]:
    """Checks the anchors' own chain. `heads` by the anchor's number."""
    before = NOTHING_BEFORE
    expected = 1
    for anchor in anchors:
        if anchor.number != expected:
            yield f"anchor {_range(expected, anchor.number - 1)} is not there: it was removed"
        elif anchor.previous != before:
            yield f"anchor {anchor.number} does not follow from the one before it: one of the two was replaced"
        if anchor_hash(anchor.number, anchor.made_at, anchor.previous, heads.get(anchor.number, ())) != anchor.hash:
            yield f"anchor {anchor.number} of {moment(anchor.made_at)} was changed, or a head that it fixes was"
        before, expected = anchor.hash, anchor.number + 1
    beyond = sorted(set(heads) - {anchor.number for anchor in anchors})
    if beyond and beyond[-1] >= expected:
        yield f"anchor {_range(max(expected, beyond[0]), beyond[-1])} is not there: the anchors were cut short"


def _faults_of_entries(chain: str, entries: Sequence[Entry]) -> Iterator[str]:
    if entries and entries[0].position != 1:
        yield _removed(chain, 1, entries[0].position - 1)
    elif entries and entries[0].previous != NOTHING_BEFORE:
        yield f"{chain}: entry 1 says that another came before it"
    for before, after in pairwise(entries):
        if after.position != before.position + 1:
            yield _removed(chain, before.position + 1, after.position - 1)
        elif after.previous != before.hash and _is_whole(before) and _is_whole(after):
            yield f"{chain}: entry {after.position} does not follow from entry {before.position}, which was replaced"
    for entry in entries:
        if not _is_whole(entry):
            yield _alteration_of(entry, entries)
        elif fault := _misfiled_column(entry):
            yield f"{chain}: entry {entry.position} is filed under another {fault} than its envelope says"


def _faults_against_anchors(chain: str, entries: Sequence[Entry], anchored: Sequence[Head]) -> Iterator[str]:
    if not anchored:
        return
    last = anchored[-1].position
    if not entries:
        yield f"{chain}: the whole chain was removed; it had {last} entries when it was last anchored"
        return
    by_position = {entry.position: entry for entry in entries}
    if entries[-1].position < last:
        yield f"{chain}: cut short: entry {_range(entries[-1].position + 1, last)} was there when the chain was last anchored"
    for head in anchored:
        entry = by_position.get(head.position)
        if entry is not None and entry.hash != head.hash and _is_whole(entry):
            yield (
                f"{chain}: rewritten: entry {entry.position} is not the one that was anchored, "
                "so it or one before it was changed and what follows was reckoned anew"
            )
            return


def _alteration_of(entry: Entry, entries: Iterable[Entry]) -> str:
    for other in entries:
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
    said = {
        "kind": (entry.kind, envelope["type"]),
        "child": (entry.chain, envelope["subject"]),
        "time": (entry.happened_at, datetime.fromisoformat(envelope["time"])),
        "episode": (None if entry.episode is None else str(entry.episode), envelope["data"].get("episode")),
    }
    return next((name for name, (filed, told) in said.items() if filed != told), None)


def _removed(chain: str, first: int, last: int) -> str:
    return f"{chain}: removed: entry {_range(first, last)} is not there, and what came before and after is"


def _range(first: int, last: int) -> str:
    return str(first) if first >= last else f"{first} to {last}"
