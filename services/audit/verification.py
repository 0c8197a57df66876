"""Verifies one chain or all of them, as the record stands at one moment. Reads it by the database's own cursors, a
batch at a time, so that a reader needs no more memory for ten million entries.

A checkpoint is a file that says up to which anchor the record was verified, so that the next run can start there.
The anchor fixes how far each chain reached and by which hash, so that number and hash of the anchor say it all. The
file belongs where no administrator of the database can change it. Form 1; another form would have another name.

The newest anchor is published, signed, in each place once an hour. A file an anchor, which nothing here overwrites
or removes: its first line is a checkpoint (JSON), its second the Ed25519 signature of the first, in base64.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any, Generic, TypeVar
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.audit import metrics, store
from services.audit.policy.chain import Anchor, AnchorsCheck, ChainCheck, Entry, Head, moment
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.runtime.places import NotOurs, OpenPlace, Place, PlaceAway, open_place, require_signed, sign
from services.platform.store.unit_of_work import Store
from services.safeguarding.identifiers import code_of

FORM = "safe-return checkpoint 1"


class NoCheckpoint(ValueError):
    """The file is none of ours."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    anchor: int
    made_at: str
    hash: str

    def __str__(self) -> str:
        return f"the checkpoint's anchor {self.anchor} of {self.made_at} is not there as it was"

    def is_of(self, anchor: Anchor) -> bool:
        return (anchor.number, anchor.hash.hex()) == (self.anchor, self.hash)


def read(file: Path) -> Checkpoint | None:
    """None where there is no file yet. Raises NoCheckpoint."""
    return parse(file.read_bytes(), str(file)) if file.exists() else None


def parse(content: bytes, named: str) -> Checkpoint:
    """Raises NoCheckpoint, which names it so."""
    try:
        said = json.loads(content)
        known = Checkpoint(int(said["anchor"]), str(said["made_at"]), str(said["hash"]))
    except (ValueError, KeyError, TypeError) as error:
        raise NoCheckpoint(f"{named} is no checkpoint of `audit verify`") from error
    if said.get("form") != FORM:
        raise NoCheckpoint(f"{named} has another form than {FORM}")
    return known


def write(file: Path, newest: Anchor) -> None:
    """In one step: who is interrupted leaves the file as it was."""
    beside = file.with_name(f"{file.name}.new")
    beside.write_bytes(content_of(newest) + b"\n")
    beside.replace(file)


def content_of(anchor: Anchor) -> bytes:
    """One line."""
    said = {"form": FORM, "anchor": anchor.number, "made_at": moment(anchor.made_at), "hash": anchor.hash.hex()}
    return json.dumps(said).encode()


AT_ONCE = 1000
COLUMNS = "e.chain, e.position, e.recorded_at, e.kind, e.happened_at, e.episode, e.envelope, e.previous, e.hash"
OF_CHAIN = f"SELECT {COLUMNS} FROM audit.entries AS e WHERE e.chain = :chain ORDER BY e.position"  # noqa: S608 own words
ENTRIES = f"SELECT {COLUMNS} FROM audit.entries AS e ORDER BY e.chain, e.position"  # noqa: S608 own words
HEADS = "SELECT h.chain, h.position, h.hash, h.anchor FROM audit.heads AS h"
# What has grown since an anchor begins with the last entry that was fixed until then, which joins it to what is known.
GROWN = """
    WITH candidates AS (
        SELECT chain, position FROM audit.tips
        UNION ALL SELECT chain, position FROM audit.heads WHERE anchor > :since
    ), reached AS (
        SELECT chain, max(position) AS position FROM candidates GROUP BY chain
    ), grown AS MATERIALIZED (
        SELECT reached.chain, coalesce(known.position, 0) AS known FROM reached LEFT JOIN LATERAL (
            SELECT position FROM audit.heads
            WHERE chain = reached.chain AND anchor <= :since ORDER BY position DESC LIMIT 1
        ) AS known ON true
        WHERE reached.position > coalesce(known.position, 0)
    )
"""
ENTRIES_SINCE = f"""
    {GROWN} SELECT {COLUMNS} FROM grown JOIN audit.entries AS e ON e.chain = grown.chain AND e.position >= grown.known
    ORDER BY e.chain, e.position
"""  # noqa: S608 own words
HEADS_SINCE = f"""
    {GROWN} SELECT h.chain, h.position, h.hash, h.anchor
    FROM grown JOIN audit.heads AS h ON h.chain = grown.chain AND h.position >= grown.known
    ORDER BY h.chain, h.position
"""  # noqa: S608 own words


async def entries_of(connection: AsyncConnection, chain: str) -> AsyncIterator[Entry]:
    async for row in _rows(connection, OF_CHAIN, {"chain": chain}):
        yield Entry(*row)


async def entries(connection: AsyncConnection, since: int | None) -> AsyncIterator[Entry]:
    """By chain and position. `since`: only of chains that have grown since that anchor, from their last head then."""
    sql, values = (ENTRIES, {}) if since is None else (ENTRIES_SINCE, {"since": since})
    async for row in _rows(connection, sql, values):
        yield Entry(*row)


async def heads_by_chain(connection: AsyncConnection, since: int | None) -> AsyncIterator[Head]:
    """By chain and position; of the chains, and from the place in each, that `entries` gives."""
    everything = f"{HEADS} ORDER BY h.chain, h.position"
    sql, values = (everything, {}) if since is None else (HEADS_SINCE, {"since": since})
    async for row in _rows(connection, sql, values):
        yield Head(*row)


async def heads_by_anchor(connection: AsyncConnection) -> AsyncIterator[Head]:
    async for row in _rows(connection, f"{HEADS} ORDER BY h.anchor", {}):
        yield Head(*row)


async def anchors(connection: AsyncConnection) -> AsyncIterator[Anchor]:
    """All, oldest first."""
    async for row in _rows(connection, "SELECT number, made_at, previous, hash FROM audit.anchors ORDER BY number", {}):
        yield Anchor(*row)


async def _rows(connection: AsyncConnection, sql: str, values: Mapping[str, Any]) -> AsyncIterator[Any]:
    found = await connection.stream(text(sql), values, execution_options={"yield_per": AT_ONCE})
    async for rows in found.partitions(AT_ONCE):
        for row in rows:
            yield row


K = TypeVar("K", int, str)
MOST_SAID = 10_000
NO_WITNESSES: Mapping[str, str] = {}


@dataclass
class Verified:
    """`faults` are sentences that say where, the first `MOST_SAID` of `faulty`; empty if everything holds.

    `removed`: chains of exercises that were removed because their time was over. `newest`: the last anchor.
    """

    chains: int = 0
    entries: int = 0
    anchors: int = 0
    removed: int = 0
    faulty: int = 0
    newest: Anchor | None = None
    faults: list[str] = field(default_factory=list)

    def add(self, faults: Iterable[str]) -> None:
        for each in faults:
            self.faulty += 1
            self.faults += islice([each], MOST_SAID - len(self.faults))


@asynccontextmanager
async def one_moment(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that does not see later entries, so that entries and anchors are of one moment."""
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        async with connection.begin():
            yield connection


async def chain_of(connection: AsyncConnection, named: str) -> tuple[str, UUID | None] | None:
    """The chain of a child's id, an episode's id or an episode's five-letter code. None if there is no such chain."""
    if await store.has_chain(connection, named):
        return named, None
    for episode, chain in await store.episodes(connection):
        if named.lower() == str(episode) or named.upper() == code_of(episode):
            return chain, episode
    return None


async def verify_chain(connection: AsyncConnection, chain: str, into: Verified) -> None:
    check = ChainCheck(chain, await store.heads_of_chain(connection, chain))
    async for entry in entries_of(connection, chain):
        check.take(entry)
    await _finish(connection, check, into)


async def verify_anchors(
    connection: AsyncConnection,
    into: Verified,
    *,
    witnesses: Mapping[str, str] = NO_WITNESSES,
    checkpoint: Checkpoint | None = None,
) -> bool:
    """`witnesses` has the hashes of anchors that were stored elsewhere, in hexadecimal, and for each the fault that it
    is if the record does not hold that anchor any more.

    Returns whether it also holds the anchor of `checkpoint`, if there is one.
    """
    check, unseen, known = AnchorsCheck(), dict(witnesses), checkpoint is None
    heads = _Groups[int](heads_by_anchor(connection), attrgetter("anchor"))
    async for anchor in anchors(connection):
        async for _of_none in heads.before(anchor.number):
            pass
        into.add(check.take(anchor, await heads.of(anchor.number)))
        into.anchors += 1
        into.newest = anchor
        unseen.pop(anchor.hash.hex(), None)
        known = known or (checkpoint is not None and checkpoint.is_of(anchor))
    into.add(check.faults_beyond(max([each[0].anchor async for each in heads.before(None)], default=0)))
    into.add(unseen.values())
    if checkpoint is not None and not known:
        into.add([f"{checkpoint}: the record is older than that, is another one, or was rewritten since"])
    return known


async def verify_all(
    connection: AsyncConnection, *, witnesses: Mapping[str, str] = NO_WITNESSES, checkpoint: Checkpoint | None = None
) -> Verified:
    """From the checkpoint on, if there is one and the record still holds its anchor; all anchors in any case."""
    into = Verified()
    if not await verify_anchors(connection, into, witnesses=witnesses, checkpoint=checkpoint):
        checkpoint = None
    since = None if checkpoint is None else checkpoint.anchor
    heads, check = _Groups[str](heads_by_chain(connection, since), attrgetter("chain")), None
    async for entry in entries(connection, since):
        if check is None or check.chain != entry.chain:
            if check is not None:
                await _finish(connection, check, into)
            async for without in heads.before(entry.chain):
                await _finish(connection, _check_of(without[0].chain, without, since), into)
            check = _check_of(entry.chain, await heads.of(entry.chain), since)
        check.take(entry)
    if check is not None:
        await _finish(connection, check, into)
    async for without in heads.before(None):
        await _finish(connection, _check_of(without[0].chain, without, since), into)
    return into


async def _finish(connection: AsyncConnection, check: ChainCheck, into: Verified) -> None:
    if check.entries == 0 and await store.was_removed_by_retention(connection, check.chain, check.last_anchored):
        into.removed += 1
        return
    into.chains += 1
    into.entries += check.entries
    into.add(check.faults())


def _check_of(chain: str, heads: Sequence[Head], since: int | None) -> ChainCheck:
    """`since`: the anchor of a checkpoint."""
    begins_known = since is not None and bool(heads) and heads[0].anchor <= since
    return ChainCheck(chain, heads, heads[0].position if begins_known else 0)


class _Groups(Generic[K]):
    """Heads in order of their key, handed out key by key."""

    def __init__(self, heads: AsyncIterator[Head], key: Callable[[Head], K]) -> None:
        self._heads = heads
        self._key: Callable[[Head], K] = key
        self._next: Head | None = None

    async def before(self, key: K | None) -> AsyncIterator[list[Head]]:
        """Those of each smaller key; None: of each that is left."""
        while (head := await self._peek()) is not None and (key is None or self._key(head) < key):
            yield await self.of(self._key(head))

    async def of(self, key: K) -> list[Head]:
        """Those of this key, once `before` has handed out the smaller ones."""
        found: list[Head] = []
        while (head := await self._peek()) is not None and self._key(head) == key:
            found.append(head)
            self._next = None
        return found

    async def _peek(self) -> Head | None:
        if self._next is None:
            self._next = await anext(self._heads, None)
        return self._next


FOLDER = "anchors"
EVERY = timedelta(hours=1)


class AnchorPublisher:
    """A place that is away is tried again at the next turn, and delays no other."""

    def __init__(self, record: Store, clocks: Clocks, places: Sequence[Place], key: Ed25519PrivateKey) -> None:
        self._store, self._clocks, self._key = record, clocks, key
        self._places = dict(enumerate(places, start=1))
        self._last: dict[int, datetime] = {}
        for number in self._places:
            metrics.ANCHOR_PUBLISHED_AT.labels(number).set(clocks.wall().timestamp())

    async def turn(self) -> bool:
        now = self._clocks.wall()
        due = [each for each in self._places if each not in self._last or now - self._last[each] >= EVERY]
        if not due:
            return False
        async with self._store.transaction() as uow:
            newest = await store.newest_anchor(uow.connection)
        if newest is None:
            return False
        for number in due:
            try:
                await asyncio.to_thread(_put, self._places[number], newest, self._key)
            except PlaceAway as away:
                logger().warning("an anchor was not taken", name=f"place {number}", reason=str(away))
                continue
            self._last[number] = now
            metrics.ANCHOR_PUBLISHED_AT.labels(number).set(now.timestamp())
        return False


def witnesses_in(place: OpenPlace, signers: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """By the hash of each published anchor, the fault that it is if the record does not hold it; and the faults of the
    files. Raises PlaceAway.
    """
    witnesses, faults = {}, []
    for name in place.names(FOLDER):
        into = BytesIO()
        place.fetch(name, into)
        said, _, signature = into.getvalue().partition(b"\n")
        try:
            _require_signed_by_any(said, signature, signers)
            known = parse(said, name)
        except NotOurs:
            faults.append(f"{name}: was not signed by this installation, or was changed since")
        except NoCheckpoint as error:
            faults.append(str(error))
        else:
            witnesses[known.hash] = (
                f"anchor {known.anchor} of {known.made_at} was published and is not in the record:"
                " the record is older than that anchor, or was rewritten since"
            )
    return witnesses, faults if witnesses or faults else ["no anchor was published there"]


def _put(place: Place, anchor: Anchor, key: Ed25519PrivateKey) -> None:
    said = content_of(anchor)
    name = f"{FOLDER}/anchor-{anchor.number:09}-{anchor.hash.hex()[:12]}.json"
    open_place(place).put(name, BytesIO(said + b"\n" + sign(said, key) + b"\n"))


def _require_signed_by_any(said: bytes, signature: bytes, signers: Sequence[str]) -> None:
    for each in signers:
        try:
            return require_signed(said, signature.strip(), each)
        except NotOurs:
            continue
    raise NotOurs
