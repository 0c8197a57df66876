"""The record on a real PostgreSQL: what is done to it by whoever may do anything is found, and where."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from services.audit import store as kept
from services.audit import verification
from services.audit.verification import one_moment, verify_all
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.duty.decisions import MessageDeadLettered
from services.safeguarding.identifiers import new_id
from tests.support.engines.database import Database
from tests.support.in_process.audit import entries_of, faults, faults_of_anchors, heard, opened, record, tamper

LENGTH = 6


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    async with opened(database) as store:
        yield store


async def chain_of_reports(store: Store, length: int = LENGTH) -> str:
    child = new_id("child")
    await record(store, *(heard(ChildReportedMissing(authority="kestrel"), child) for _ in range(length)))
    return child


async def anchor(store: Store, at: datetime | None = None) -> None:
    async with store.transaction() as uow:
        await kept.anchor(uow, at or datetime.now(UTC))


async def test_what_was_heard_is_a_chain_that_holds(store: Store) -> None:
    child = await chain_of_reports(store)
    async with store.engine.connect() as connection:
        entries = await entries_of(connection, child)
    assert [entry.position for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert await faults(store, child) == []


async def test_somebody_else_reckons_the_same_hash_from_the_docstring_alone(store: Store) -> None:
    """As `printf ... | sha256sum` would."""
    child = await chain_of_reports(store, 1)
    async with store.engine.connect() as connection:
        (entry,) = await entries_of(connection, child)
    at = entry.recorded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"
    lines = ["safe-return audit entry 1", child, "1", at, "0" * 64, hashlib.sha256(entry.envelope).hexdigest()]
    assert entry.hash == hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).digest()


async def test_many_who_add_at_once_never_fork_a_chain(store: Store) -> None:
    child = new_id("child")
    each = [heard(ChildReportedMissing(authority="kestrel"), child) for _ in range(40)]
    await asyncio.gather(*(record(store, *each[start::8]) for start in range(8)))
    async with store.engine.connect() as connection:
        entries = await entries_of(connection, child)
    assert [entry.position for entry in entries] == list(range(1, 41))
    assert await faults(store, child) == []


async def test_a_changed_envelope_is_found(store: Store, database: Database) -> None:
    child = await chain_of_reports(store)
    done = await tamper(
        database,
        "UPDATE audit.entries SET envelope = convert_to(replace(convert_from(envelope, 'UTF8'), 'kestrel', 'lapwing'), 'UTF8') "
        "WHERE chain = :chain AND position = 3",
        chain=child,
    )
    assert done == 1
    assert [fault.split(" (")[0] for fault in await faults(store, child)] == [f"{child}: changed: entry 3"]


async def test_a_changed_time_of_recording_is_found(store: Store, database: Database) -> None:
    child = await chain_of_reports(store)
    await tamper(
        database,
        "UPDATE audit.entries SET recorded_at = recorded_at - interval '1 hour' WHERE chain = :chain AND position = 6",
        chain=child,
    )
    assert [fault.split(" (")[0] for fault in await faults(store, child)] == [f"{child}: changed: entry 6"]


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [("kind", "'child.located.v1'", "kind"), ("happened_at", "now()", "time"), ("episode", f"'{uuid4()}'", "episode")],
    ids=["kind", "time", "episode"],
)
async def test_an_entry_filed_under_what_its_envelope_does_not_say_is_found(
    store: Store, database: Database, column: str, value: str, named: str
) -> None:
    child = await chain_of_reports(store)
    await tamper(
        database, f"UPDATE audit.entries SET {column} = {value} WHERE chain = :chain AND position = 2", chain=child
    )
    assert await faults(store, child) == [f"{child}: entry 2 is filed under another {named} than its envelope says"]


@pytest.mark.parametrize(("gone", "said"), [("1", "1"), ("3", "3"), ("3, 4, 5", "3 to 5")])
async def test_a_removed_entry_is_found(store: Store, database: Database, gone: str, said: str) -> None:
    child = await chain_of_reports(store)
    await tamper(database, f"DELETE FROM audit.entries WHERE chain = :chain AND position IN ({gone})", chain=child)
    assert await faults(store, child) == [
        f"{child}: removed: entry {said} is not there, and what came before and after is"
    ]


async def test_a_removed_entry_is_found_when_the_others_have_closed_ranks(store: Store, database: Database) -> None:
    child = await chain_of_reports(store)
    await tamper(database, "DELETE FROM audit.entries WHERE chain = :chain AND position = 3", chain=child)
    for position in (4, 5, 6):
        await tamper(
            database,
            "UPDATE audit.entries SET position = position - 1 WHERE chain = :chain AND position = :position",
            chain=child,
            position=position,
        )
    assert await faults(store, child) != []


SWAPS: dict[str, Callable[[], str]] = {
    "whole rows": lambda: (
        "UPDATE audit.entries AS e SET envelope = o.envelope, recorded_at = o.recorded_at, kind = o.kind, "
        "happened_at = o.happened_at, previous = o.previous, hash = o.hash "
        "FROM audit.entries AS o WHERE e.chain = :chain AND o.chain = :chain AND e.position IN (3, 4) AND o.position = 7 - e.position"
    ),
    "what they hold": lambda: (
        "UPDATE audit.entries AS e SET envelope = o.envelope, recorded_at = o.recorded_at, happened_at = o.happened_at "
        "FROM audit.entries AS o WHERE e.chain = :chain AND o.chain = :chain AND e.position IN (3, 4) AND o.position = 7 - e.position"
    ),
}


@pytest.mark.parametrize("swap", SWAPS)
async def test_two_entries_in_each_others_place_are_found(store: Store, database: Database, swap: str) -> None:
    child = await chain_of_reports(store)
    assert await tamper(database, SWAPS[swap](), chain=child) == 2
    assert await faults(store, child) == [
        f"{child}: reordered: entry 3 holds what was recorded as entry 4",
        f"{child}: reordered: entry 4 holds what was recorded as entry 3",
    ]


async def test_a_chain_that_was_cut_short_is_found_once_it_was_anchored(store: Store, database: Database) -> None:
    child = await chain_of_reports(store)
    await anchor(store)
    await tamper(database, "DELETE FROM audit.entries WHERE chain = :chain AND position > 4", chain=child)
    assert await faults(store, child) == [
        f"{child}: cut short: entry 5 to 6 was there when the chain was last anchored"
    ]


async def test_a_chain_that_was_removed_as_a_whole_is_found(store: Store, database: Database) -> None:
    child = await chain_of_reports(store)
    await anchor(store)
    await tamper(database, "DELETE FROM audit.entries WHERE chain = :chain", chain=child)
    assert await faults(store, child) == [
        f"{child}: the whole chain was removed; it had 6 entries when it was last anchored"
    ]
    async with one_moment(store.engine) as connection:
        verified = await verify_all(connection)
    assert f"{child}: the whole chain was removed; it had 6 entries when it was last anchored" in verified.faults


async def test_a_chain_that_was_reckoned_anew_is_found(store: Store, database: Database) -> None:
    """The attacker knows the form, and the database reckons for them."""
    child = await chain_of_reports(store)
    await anchor(store)
    await tamper(database, "DELETE FROM audit.entries WHERE chain = :chain AND position > 3", chain=child)
    await tamper(
        database,
        "UPDATE audit.tips AS t SET position = 3, hash = e.hash FROM audit.entries AS e "
        "WHERE t.chain = :chain AND e.chain = t.chain AND e.position = 3",
        chain=child,
    )
    await record(store, *(heard(ChildReportedMissing(authority="lapwing"), child) for _ in range(3)))
    (fault,) = await faults(store, child)
    assert fault.startswith(f"{child}: rewritten: entry 6 is not the one that was anchored")


async def test_an_anchor_takes_in_what_has_grown_and_nothing_else(store: Store) -> None:
    first, second = await chain_of_reports(store, 2), await chain_of_reports(store, 2)
    await anchor(store)
    await record(store, heard(ChildReportedMissing(authority="kestrel"), first))
    await anchor(store)
    async with store.engine.connect() as connection:
        newest = await kept.newest_anchor(connection)
        assert newest is not None
        heads = [each async for each in verification.heads_by_anchor(connection) if each.anchor == newest.number]
        assert [(head.chain, head.position) for head in heads] == [(first, 3)]
        assert [head.position for head in await kept.heads_of_chain(connection, second)] == [2]
    assert await faults_of_anchors(store) == []
    async with store.transaction() as uow:
        assert await kept.anchor(uow, datetime.now(UTC)) is None


async def test_a_head_that_was_changed_after_it_was_anchored_is_found(store: Store, database: Database) -> None:
    child = await chain_of_reports(store)
    await anchor(store)
    await tamper(database, "UPDATE audit.heads SET position = 5 WHERE chain = :chain", chain=child)
    (fault,) = await faults_of_anchors(store)
    assert fault.startswith("anchor ")
    assert fault.endswith("was changed, or a head that it fixes was")
    await tamper(database, "UPDATE audit.heads SET position = 6 WHERE chain = :chain", chain=child)
    assert await faults_of_anchors(store) == []


async def test_an_anchor_that_was_kept_elsewhere_must_still_be_there(store: Store) -> None:
    await chain_of_reports(store)
    await anchor(store)
    async with store.engine.connect() as connection:
        newest = await kept.newest_anchor(connection)
    assert newest is not None
    assert await faults_of_anchors(store, newest.hash.hex()) == []
    (fault,) = await faults_of_anchors(store, "ab" * 32)
    assert fault == f"no anchor has the hash {'ab' * 32}"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit.entries SET kind = kind",
        "DELETE FROM audit.entries",
        "TRUNCATE audit.entries",
        "INSERT INTO audit.anchors VALUES (1000000, now(), '', '')",
        "DELETE FROM audit.anchors",
        "UPDATE audit.heads SET position = 1",
        "DELETE FROM audit.heads",
        "UPDATE audit.duties SET goes_on = false",
        "UPDATE audit.tips SET position = 1",
        "INSERT INTO audit.removed VALUES ('child-x/exercise/2020-01-01', 1, '', now())",
        "INSERT INTO audit.entries VALUES ('child-x', 1, now(), 'x', now(), NULL, NULL, NULL, '', '', '')",
        "CREATE TABLE audit.mine (x int)",
    ],
)
def test_the_audits_own_role_can_add_by_its_functions_and_do_nothing_else(database: Database, statement: str) -> None:
    settings = database.settings("audit")
    password = settings.database_password.get_secret_value()
    with (
        psycopg.connect(settings.database, user="audit", password=password, autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


@pytest.mark.parametrize("role", ["console", "protocol", "police", "casework"])
def test_no_other_role_reads_the_record_or_adds_to_it(database: Database, role: str) -> None:
    settings = database.settings(role)
    password = settings.database_password.get_secret_value()
    for statement in (b"SELECT * FROM audit.entries", b"SELECT audit.anchor(now())"):
        with (
            psycopg.connect(settings.database, user=role, password=password, autocommit=True) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement)


async def test_of_bytes_that_nobody_could_read_only_their_hash_is_kept(store: Store) -> None:
    child = new_id("provisional")
    letter = MessageDeadLettered(service="police", origin="duties/1/2", reason="KeyError", original="QWRhIEZlcnJpcw==")
    await record(store, heard(letter, child))
    async with store.engine.connect() as connection:
        (entry,) = await entries_of(connection, child)
    assert b"QWRhIEZlcnJpcw==" not in entry.envelope
    assert hashlib.sha256(b"Ada Ferris").hexdigest().encode() in entry.envelope
    assert await faults(store, child) == []


async def test_an_anchor_misses_nothing_that_committed_a_little_late(store: Store) -> None:
    """An entry bears the time at which it was begun; the anchor made meanwhile could not see it."""
    child = await chain_of_reports(store, 1)
    await anchor(store, datetime.now(UTC) + timedelta(minutes=5))
    await record(store, heard(ChildReportedMissing(authority="kestrel"), child))
    await anchor(store, datetime.now(UTC) + timedelta(minutes=5))
    async with store.engine.connect() as connection:
        assert [head.position for head in await kept.heads_of_chain(connection, child)] == [1, 2]
