"""What an attacker with the database in hand may do to the record, and the sentence that finds it."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.audit.policy import chain as chain_faults
from services.audit.policy.chain import (
    NOTHING_BEFORE,
    Anchor,
    AnchorsCheck,
    ChainCheck,
    Entry,
    Head,
    anchor_hash,
    entry_hash,
)

CHILD = "child-00000000-0000-4000-8000-000000000001"
START = datetime(2026, 11, 25, 2, 10, tzinfo=UTC)
EPISODE = uuid4()


def faults_of_chain(chain: str, entries: Iterable[Entry], anchored: Sequence[Head], start: int = 0) -> list[str]:
    check = ChainCheck(chain, anchored, start)
    for each in entries:
        check.take(each)
    return check.faults()


def faults_of_anchors(made: Iterable[Anchor], heads: Mapping[int, Sequence[Head]]) -> list[str]:
    check = AnchorsCheck()
    faults = [fault for each in made for fault in check.take(each, heads.get(each.number, ()))]
    return [*faults, *check.faults_beyond(max(heads))]


def entry(position: int, previous: bytes, **envelope: str) -> Entry:
    at = START + timedelta(minutes=position)
    said = {"type": "child.located.v1", "subject": CHILD, "time": at.isoformat(), "data": {"episode": str(EPISODE)}}
    raw = json.dumps(said | envelope).encode()
    hashed = entry_hash(CHILD, position, at, previous, raw)
    return Entry(CHILD, position, at, "child.located.v1", at, EPISODE, raw, previous, hashed)


def chain(length: int = 5) -> list[Entry]:
    entries: list[Entry] = []
    for position in range(1, length + 1):
        entries.append(entry(position, entries[-1].hash if entries else NOTHING_BEFORE))
    return entries


ENTRIES = chain()
ANCHORED = [Head(CHILD, each.position, each.hash) for each in ENTRIES if each.position in {2, 4}]


def reckoned_anew(entries: list[Entry], position: int) -> list[Entry]:
    """Entry `position` changed, and all that follows made to fit."""
    kept = entries[: position - 1]
    for each in range(position, len(entries) + 1):
        kept.append(entry(each, kept[-1].hash if kept else NOTHING_BEFORE, id="another"))
    return kept


def swapped(entries: list[Entry], one: int, other: int) -> list[Entry]:
    places = {one: entries[other - 1], other: entries[one - 1]}
    return [
        replace(places[each.position], position=each.position) if each.position in places else each for each in entries
    ]


def test_a_chain_that_nobody_touched_has_no_fault() -> None:
    assert faults_of_chain(CHILD, ENTRIES, ANCHORED) == []
    assert faults_of_chain(CHILD, [], []) == []


@pytest.mark.parametrize(
    ("attacked", "says"),
    [
        (lambda them: them[1:], "removed: entry 1 is not there"),
        (lambda them: [them[0], *them[3:]], "removed: entry 2 to 3 is not there"),
        (lambda them: them[:3], "cut short: entry 4 was there when the chain was last anchored"),
        (lambda them: [*them[:2], *them[1:]], "entry 2 is there twice"),
        (lambda _: [], "the whole chain was removed; it had 4 entries"),
        (
            lambda them: [replace(them[0], envelope=b"{}"), *them[1:]],
            "changed: entry 1 (child.located.v1, recorded 2026",
        ),
        (lambda them: swapped(them, 2, 3), "reordered: entry 2 holds what was recorded as entry 3"),
        (lambda them: [entry(1, bytes(31) + b"1"), *them[1:]], "entry 1 says that another came before it"),
        (lambda them: [*them[:2], entry(3, bytes(32)), *them[3:]], "entry 3 does not follow from entry 2"),
        (lambda them: reckoned_anew(them, 3), "rewritten: entry 4 is not the one that was anchored"),
        (lambda them: reckoned_anew(them, 1), "rewritten: entry 2 is not the one that was anchored"),
        (lambda them: [replace(them[0], kind="x.y.v1"), *them[1:]], "filed under another kind than its envelope says"),
        (lambda them: [replace(them[0], happened_at=START), *them[1:]], "filed under another time"),
        (lambda them: [replace(them[0], episode=None), *them[1:]], "filed under another episode"),
    ],
)
def test_each_attack_on_a_chain_is_found_and_said(attacked: Callable[[list[Entry]], list[Entry]], says: str) -> None:
    assert any(says in each for each in faults_of_chain(CHILD, attacked(list(ENTRIES)), ANCHORED))


def test_what_was_recorded_after_the_last_anchor_may_be_rewritten_without_a_trace_and_no_more() -> None:
    assert faults_of_chain(CHILD, reckoned_anew(ENTRIES, 5), ANCHORED) == []


@pytest.mark.parametrize(
    ("attacked", "says"),
    [
        (lambda _: [], "cut short: entry 2 to 4 was there"),
        (lambda them: them[2:], "removed: entry 2 is not there"),
        (lambda them: [replace(them[1], envelope=b"{}"), *them[2:]], "changed: entry 2"),
        (lambda them: [*them[1:3], entry(4, bytes(32)), *them[4:]], "entry 4 does not follow from entry 3"),
        (lambda them: reckoned_anew(them, 2)[1:], "rewritten: entry 2 is not the one that was anchored"),
    ],
)
def test_from_an_entry_that_was_verified_before_the_attacks_after_it_are_found(
    attacked: Callable[[list[Entry]], list[Entry]], says: str
) -> None:
    assert faults_of_chain(CHILD, ENTRIES[1:], ANCHORED, start=2) == []
    assert any(says in each for each in faults_of_chain(CHILD, attacked(list(ENTRIES)), ANCHORED, start=2))


def test_of_a_chain_that_is_wrong_from_end_to_end_so_many_faults_are_said_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chain_faults, "MOST_FAULTS", 50)  # each is compared with each: a thousand take six seconds
    wrong = [replace(each, hash=bytes(32)) for each in chain(55)]
    said = faults_of_chain(CHILD, wrong, [])
    assert len(said) == 51
    assert said[-1] == f"{CHILD}: and 5 more faults"


HEADS = {number: [Head(CHILD, number, bytes([number]) * 32)] for number in (1, 2, 3)}


def anchors(numbers: tuple[int, ...] = (1, 2, 3)) -> list[Anchor]:
    made: list[Anchor] = []
    for number in numbers:
        previous = made[-1].hash if made else NOTHING_BEFORE
        at = START + timedelta(hours=number)
        made.append(Anchor(number, at, previous, anchor_hash(number, at, previous, HEADS[number])))
    return made


def test_anchors_that_nobody_touched_have_no_fault() -> None:
    assert list(faults_of_anchors(anchors(), HEADS)) == []


@pytest.mark.parametrize(
    ("attacked", "says"),
    [
        (lambda them: them[1:], "anchor 1 is not there: it was removed"),
        (lambda them: [them[0], them[2]], "anchor 2 is not there: it was removed"),
        (lambda them: them[:2], "anchor 3 is not there: the anchors were cut short"),
        (lambda them: them[:1], "anchor 2 to 3 is not there: the anchors were cut short"),
        (
            lambda them: [them[0], replace(them[1], previous=bytes(32)), them[2]],
            "anchor 2 does not follow from the one",
        ),
        (
            lambda them: [replace(them[0], made_at=START), *them[1:]],
            "anchor 1 of 2026-11-25T02:10:00.000000Z was changed",
        ),
    ],
)
def test_each_attack_on_the_anchors_is_found_and_said(
    attacked: Callable[[list[Anchor]], list[Anchor]], says: str
) -> None:
    assert any(says in each for each in faults_of_anchors(attacked(anchors()), HEADS))


def test_a_head_that_an_anchor_fixes_is_not_exchanged() -> None:
    other = HEADS | {2: [Head(CHILD, 2, bytes(32))]}
    assert [each.partition(" of ")[0] for each in faults_of_anchors(anchors(), other)] == ["anchor 2"]
