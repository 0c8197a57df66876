"""Verifies one chain or all of them, as the record stands at one moment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.audit import store
from services.audit.policy.chain_faults import faults_of_anchors, faults_of_chain
from services.safeguarding.identifiers import code_of


@dataclass
class Verified:
    """`faults` are sentences that say where; empty if everything holds."""

    chains: int = 0
    entries: int = 0
    anchors: int = 0
    faults: list[str] = field(default_factory=list)


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
    entries = await store.entries_of(connection, chain)
    into.faults += faults_of_chain(chain, entries, await store.heads_of_chain(connection, chain))
    into.chains += 1
    into.entries += len(entries)


async def verify_anchors(connection: AsyncConnection, into: Verified, *, witness: str | None = None) -> None:
    """`witness` is the hash, in hexadecimal, of an anchor stored elsewhere. The record must still hold that anchor."""
    made = await store.anchors(connection)
    heads = {
        number: await store.heads_of_anchor(connection, number) for number in await store.anchor_numbers(connection)
    }
    into.faults += faults_of_anchors(made, heads)
    into.anchors = len(made)
    if witness is not None and bytes.fromhex(witness) not in {each.hash for each in made}:
        into.faults.append(
            f"no anchor has the hash {witness}: the record is older than that anchor, or was rewritten since"
        )


async def verify_all(connection: AsyncConnection, *, witness: str | None = None) -> Verified:
    into = Verified()
    async for chain in store.chains(connection):
        await verify_chain(connection, chain, into)
    await verify_anchors(connection, into, witness=witness)
    return into
