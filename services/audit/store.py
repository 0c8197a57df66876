"""Reads the record, and adds to it by the database's own functions: this role can write nothing else."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.audit.policy.chain import Anchor, Entry, Head, envelope_of
from services.audit.policy.consequences import duty_columns, thread_of
from services.platform.messages.envelope import Received
from services.platform.store.query import unnest_rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.message import Message

GIVEN = {
    "chain": "text",
    "at": "timestamptz",
    "kind": "text",
    "happened": "timestamptz",
    "episode": "uuid",
    "expects": "text",
    "answers": "text",
    "envelope": "bytea",
    "duty": "uuid",
    "revision": "integer",
    "goes_on": "boolean",
    "next_step_at": "timestamptz",
}
APPEND = f"SELECT audit.append({', '.join(GIVEN)}) FROM (SELECT * FROM {unnest_rows(GIVEN)} ORDER BY place) AS in_order"
ENTRIES = text(
    "SELECT chain, position, recorded_at, kind, happened_at, episode, envelope, previous, hash "
    "FROM audit.entries WHERE chain = :chain ORDER BY position"
)
NO_DUTY = {"duty": None, "revision": None, "goes_on": None, "next_step_at": None}
ROWS_AT_ONCE = 500


def append(uow: UnitOfWork, received: Received[Message], at: datetime) -> None:
    """Adds the next entry of the child's chain, with the commit. `at` is wall time."""
    content = received.content
    thread = thread_of(content, received.id)
    row = {
        "chain": received.subject,
        "at": at,
        "kind": content.kind,
        "happened": received.time,
        "episode": getattr(content, "episode", None),
        "expects": thread.expects,
        "answers": thread.answers,
        "envelope": envelope_of(received.raw, content.kind),
    }
    uow.bulk_write(APPEND, row | (duty_columns(content) or NO_DUTY), locks="chain")


async def anchor(uow: UnitOfWork, at: datetime) -> Anchor | None:
    """Fixes the heads of the chains that have grown. None if none has."""
    number = await uow.connection.scalar(text("SELECT audit.anchor(:at)"), {"at": at})
    return None if number is None else await newest_anchor(uow.connection)


async def newest_anchor(connection: AsyncConnection) -> Anchor | None:
    rows = await connection.execute(text("SELECT * FROM audit.anchors ORDER BY number DESC LIMIT 1"))
    return next((Anchor(*row) for row in rows), None)


async def anchors(connection: AsyncConnection) -> list[Anchor]:
    """All, oldest first."""
    return [Anchor(*row) for row in await connection.execute(text("SELECT * FROM audit.anchors ORDER BY number"))]


async def anchor_numbers(connection: AsyncConnection) -> list[int]:
    """The numbers of the anchors that have fixed a head, even if the anchor itself is missing."""
    return list((await connection.execute(text("SELECT DISTINCT anchor FROM audit.heads ORDER BY anchor"))).scalars())


async def heads_of_anchor(connection: AsyncConnection, number: int) -> list[Head]:
    found = text("SELECT chain, position, hash FROM audit.heads WHERE anchor = :number")
    return [Head(*row) for row in await connection.execute(found, {"number": number})]


async def heads_of_chain(connection: AsyncConnection, chain: str) -> list[Head]:
    """Each head of the chain that an anchor has fixed, the first one first."""
    found = text("SELECT chain, position, hash FROM audit.heads WHERE chain = :chain ORDER BY position")
    return [Head(*row) for row in await connection.execute(found, {"chain": chain})]


async def entries_of(connection: AsyncConnection, chain: str) -> list[Entry]:
    """The whole chain, in order."""
    return [Entry(*row) for row in await connection.execute(ENTRIES, {"chain": chain})]


async def chains(connection: AsyncConnection) -> AsyncIterator[str]:
    """All chains that have an entry or a head, by name, read in pages of ROWS_AT_ONCE."""
    after = ""
    found = text(
        "SELECT chain FROM (SELECT DISTINCT chain FROM audit.entries WHERE chain > :after "
        "UNION SELECT DISTINCT chain FROM audit.heads WHERE chain > :after) AS known ORDER BY chain LIMIT :most"
    )
    while True:
        rows = list((await connection.execute(found, {"after": after, "most": ROWS_AT_ONCE})).scalars())
        if not rows:
            return
        for chain in rows:
            yield chain
        after = rows[-1]


async def episodes(connection: AsyncConnection) -> list[tuple[UUID, str]]:
    """Each episode on the record, with its chain."""
    found = text(
        "SELECT DISTINCT episode, chain FROM audit.entries WHERE kind = 'episode.changed.v1' AND episode IS NOT NULL"
    )
    return [(row.episode, row.chain) for row in await connection.execute(found)]


async def latest_episode(connection: AsyncConnection, chain: str) -> UUID | None:
    """The episode of the chain's last entry about an episode."""
    found = text(
        "SELECT episode FROM audit.entries WHERE chain = :chain AND kind = 'episode.changed.v1' "
        "ORDER BY position DESC LIMIT 1"
    )
    episode: UUID | None = await connection.scalar(found, {"chain": chain})
    return episode


async def has_chain(connection: AsyncConnection, chain: str) -> bool:
    found = text(
        "SELECT EXISTS (SELECT FROM audit.entries WHERE chain = :chain) "
        "OR EXISTS (SELECT FROM audit.heads WHERE chain = :chain)"
    )
    return bool(await connection.scalar(found, {"chain": chain}))
