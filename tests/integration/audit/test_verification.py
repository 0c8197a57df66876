"""The whole record verified as a stream, in bounded memory, and from a checkpoint: what such a run finds, and what it cannot."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from services.audit import store as kept
from services.audit.policy.chain import Anchor, moment
from services.audit.verification import MOST_SAID, Checkpoint, Verified, one_moment, verify_all
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.identifiers import new_id
from tests.support.engines.database import Database
from tests.support.histories.record import fill, verify
from tests.support.in_process.audit import heard, opened, record, tamper

SHORT, LONG = 1_000, 60_000
IN_ONE_CHAIN = 50_000
MORE_MB = 20
"""How much more memory the long record may take than the short one. The entries of its long chain at once are 60 MB."""


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    async with opened(database) as store:
        yield store
    await tamper(database, "TRUNCATE audit.entries, audit.tips, audit.heads, audit.anchors, audit.duties")


async def grown(store: Store, child: str | None = None, *, by: int = 3) -> str:
    """A chain with so many more entries, and an anchor."""
    child = child or new_id("child")
    await record(store, *(heard(ChildReportedMissing(authority="kestrel"), child) for _ in range(by)))
    async with store.transaction() as uow:
        await kept.anchor(uow, datetime.now(UTC))
    return child


async def checkpoint(store: Store) -> Checkpoint:
    async with store.engine.connect() as connection:
        newest = await kept.newest_anchor(connection)
    assert newest is not None
    return Checkpoint(newest.number, moment(newest.made_at), newest.hash.hex())


async def verified(store: Store, since: Checkpoint | None = None) -> Verified:
    async with one_moment(store.engine) as connection:
        return await verify_all(connection, checkpoint=since)


async def test_every_chain_and_every_anchor_is_read(store: Store) -> None:
    for _ in range(3):
        await grown(store)
    found = await verified(store)
    assert (found.chains, found.entries, found.anchors, found.faults) == (3, 9, 3, [])
    assert isinstance(found.newest, Anchor)


async def test_a_chain_of_which_only_heads_are_left_is_found_wherever_it_stands(
    store: Store, database: Database
) -> None:
    chains = sorted([await grown(store) for _ in range(5)])
    for gone in (chains[0], chains[2], chains[4]):
        await tamper(database, "DELETE FROM audit.entries WHERE chain = :chain", chain=gone)
    assert (await verified(store)).faults == [
        f"{gone}: the whole chain was removed; it had 3 entries when it was last anchored"
        for gone in (chains[0], chains[2], chains[4])
    ]


async def test_from_a_checkpoint_only_what_has_grown_is_read(store: Store) -> None:
    old, growing = await grown(store), await grown(store)
    since = await checkpoint(store)
    assert (await verified(store, since)).entries == 0
    await grown(store, growing, by=2)
    new = await grown(store, by=4)
    found = await verified(store, since)
    assert (found.chains, found.entries, found.anchors, found.faults) == (2, 3 + 4, 4, [])
    assert old not in (growing, new)


async def test_an_entry_that_no_anchor_has_fixed_yet_is_read_from_a_checkpoint_too(
    store: Store, database: Database
) -> None:
    child = await grown(store)
    since = await checkpoint(store)
    await record(store, heard(ChildReportedMissing(authority="kestrel"), child))
    await tamper(database, "UPDATE audit.entries SET envelope = '{}' WHERE position = 4")
    (fault,) = (await verified(store, since)).faults
    assert fault.startswith(f"{child}: changed: entry 4")


AFTER = {
    "an entry after it changed": ("UPDATE audit.entries SET envelope = '{}' WHERE position = 5", "changed: entry 5"),
    "an entry after it removed": ("DELETE FROM audit.entries WHERE position = 4", "removed: entry 4 is not there"),
    "all after it removed": ("DELETE FROM audit.entries WHERE position > 3", "cut short: entry 4 to 6 was there"),
    "the last entry before it changed": (
        "UPDATE audit.entries SET envelope = '{}' WHERE position = 3",
        "changed: entry 3",
    ),
    "the last entry before it and all after it removed": (
        "DELETE FROM audit.entries WHERE position > 2",
        "cut short: entry 3 to 6 was there",
    ),
    "a head before it changed": ("UPDATE audit.heads SET hash = '' WHERE position = 3", "anchor 1 of "),
    "its anchor reckoned anew": ("UPDATE audit.anchors SET made_at = now() WHERE number = 1", "anchor 1 of "),
}


@pytest.mark.parametrize("attack", AFTER)
async def test_from_a_checkpoint_is_found(store: Store, database: Database, attack: str) -> None:
    child = await grown(store)
    since = await checkpoint(store)
    await grown(store, child)
    statement, says = AFTER[attack]
    await tamper(database, statement)
    assert any(says in each for each in (await verified(store, since)).faults)


async def test_an_older_entry_that_was_changed_in_place_is_found_from_the_start_alone(
    store: Store, database: Database
) -> None:
    """A run from a checkpoint proves what came after it, and that heads and anchors before it stand; it does not read it again."""
    child = await grown(store)
    since = await checkpoint(store)
    await grown(store, child)
    await tamper(database, "UPDATE audit.entries SET envelope = '{}' WHERE position = 2")
    assert (await verified(store, since)).faults == []
    (fault,) = (await verified(store)).faults
    assert fault.startswith(f"{child}: changed: entry 2")


async def test_whoever_rewrites_the_past_and_its_anchors_cannot_hide_behind_the_checkpoint(
    store: Store, database: Database
) -> None:
    await grown(store)
    since = await checkpoint(store)
    await tamper(database, "TRUNCATE audit.entries, audit.tips, audit.heads, audit.anchors")
    child = await grown(store)
    found = await verified(store, since)
    (fault,) = found.faults
    assert fault.startswith("the checkpoint's anchor 1 of ")
    assert found.entries == 3, f"{child} is read from the start then"


async def test_the_command_begins_at_its_file_and_writes_it_anew_while_all_holds(
    store: Store, database: Database, tmp_path: Path
) -> None:
    child = await grown(store)
    file = tmp_path / "checkpoint.json"
    options = ("--checkpoint", str(file))
    assert "the record holds: 1 chains, 3 entries, 1 anchors" in verify(database, *options).said
    assert json.loads(file.read_text())["anchor"] == 1
    await grown(store, child)
    assert "the record holds since anchor 1: 1 chains, 4 entries, 2 anchors" in verify(database, *options).said
    assert json.loads(file.read_text())["anchor"] == 2
    assert "the record holds: 1 chains, 6 entries" in verify(database, *options, "--from-start").said
    await grown(store, child)
    await tamper(database, "DELETE FROM audit.entries WHERE position = 8")
    assert verify(database, *options).code == 1
    assert json.loads(file.read_text())["anchor"] == 2


@pytest.mark.parametrize("content", ["no JSON", "{}", "[]", '{"form": "x", "anchor": 1, "made_at": "", "hash": ""}'])
def test_another_file_is_no_checkpoint(database: Database, tmp_path: Path, content: str) -> None:
    file = tmp_path / "checkpoint.json"
    file.write_text(content)
    run = verify(database, "--checkpoint", str(file))
    assert run.code == 2
    assert file.read_text() == content
    assert verify(database, "child-1", "--checkpoint", str(tmp_path / "none")).code == 2


async def test_a_long_record_is_verified_in_little_memory(store: Store, database: Database) -> None:
    """In many chains, and in one."""
    del store
    fill(database, SHORT)
    short = verify(database)
    fill(database, LONG - SHORT - IN_ONE_CHAIN)
    fill(database, IN_ONE_CHAIN, length=IN_ONE_CHAIN)
    long = verify(database)
    assert f"{(LONG - IN_ONE_CHAIN) // 100 + 1} chains, {LONG} entries" in long.said
    assert long.peak_mb < short.peak_mb + MORE_MB, (short.peak_mb, long.peak_mb)


async def test_a_record_that_is_wrong_from_end_to_end_needs_little_memory_too(store: Store, database: Database) -> None:
    fill(database, MOST_SAID + 500, length=10)
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        admin.execute("UPDATE audit.entries SET hash = ''")
    found = await verified(store)
    assert len(found.faults) == MOST_SAID
    assert found.faulty > MOST_SAID
