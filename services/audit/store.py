"""Reads the record, and adds to it by the database's own functions: this role can write nothing else."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.audit.policy.chain import Anchor, Head, RemovedChain, chain_name, envelope_of
from services.audit.policy.consequences import duty_rows, thread_of
from services.platform.messages.envelope import Received
from services.platform.messages.signature import KnownSpeakers, Refused, read_public_keys
from services.platform.runtime.settings import SigningKeys
from services.platform.store.query import unnest_rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.message import Message
from services.safeguarding.operators import OrganisationChanged

GIVEN = {
    "chain": "text",
    "at": "timestamptz",
    "kind": "text",
    "happened": "timestamptz",
    "episode": "uuid",
    "expects": "jsonb",
    "answers": "jsonb",
    "envelope": "bytea",
    "duties": "jsonb",
}
SPEAKERS = KnownSpeakers(cache(lambda: read_public_keys(SigningKeys().all_keys)))
APPEND = f"SELECT audit.append({', '.join(GIVEN)}) FROM (SELECT * FROM {unnest_rows(GIVEN)} ORDER BY place) AS in_order"

DIGEST = (
    "encode(sha256(convert_to(coalesce(string_agg(chain || ' ' || position || ' ' || encode(hash, 'hex') || chr(10), ''"
    " ORDER BY chain), ''), 'UTF8')), 'hex')"
)
"""Of the chains in these rows, and of how each ended."""
REMOVED = text(f"""
    SELECT chain, position, hash, removed_at, ARRAY(
        SELECT e.envelope FROM audit.entries e, LATERAL (SELECT convert_from(e.envelope, 'UTF8')::jsonb -> 'data') AS said (data)
        WHERE e.chain = 'authority-' || r.authority AND e.kind = 'organisation.changed.v1'
        AND data ->> 'step' = 'left' AND data -> 'fields' @> to_jsonb(r.heads)
        AND r.heads = (SELECT {DIGEST} FROM audit.removed WHERE authority = r.authority AND heads = r.heads)
    ) AS partings
    FROM audit.removed r WHERE chain = :chain
""")


def append(uow: UnitOfWork, received: Received[Message], at: datetime) -> None:
    """Adds the next entry of the child's chain, with the commit. `at` is wall time."""
    content = received.content
    thread = thread_of(content, received.id)
    row = {
        "chain": chain_name(
            received.subject, exercise=received.exercise, authority=getattr(content, "authority", None), recorded_at=at
        ),
        "at": at,
        "kind": content.kind,
        "happened": received.time,
        "episode": getattr(content, "episode", None),
        "expects": _as_json(thread.expects),
        "answers": _as_json(thread.answers),
        "envelope": envelope_of(received.raw, content.kind),
        "duties": _as_json(duty_rows(content)),
    }
    uow.bulk_write(APPEND, row, locks="chain")


async def anchor(uow: UnitOfWork, at: datetime) -> Anchor | None:
    """Fixes the heads of the chains that have grown. None if none has."""
    number = await uow.connection.scalar(text("SELECT audit.anchor(:at)"), {"at": at})
    return None if number is None else await newest_anchor(uow.connection)


async def newest_anchor(connection: AsyncConnection) -> Anchor | None:
    rows = await connection.execute(text("SELECT * FROM audit.anchors ORDER BY number DESC LIMIT 1"))
    return next((Anchor(*row) for row in rows), None)


async def heads_of_chain(connection: AsyncConnection, chain: str) -> list[Head]:
    """Each head of the chain that an anchor has fixed, the first one first."""
    found = text("SELECT chain, position, hash FROM audit.heads WHERE chain = :chain ORDER BY position")
    return [Head(*row) for row in await connection.execute(found, {"chain": chain})]


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


async def remove_old_exercises(uow: UnitOfWork) -> int:
    """Removes chains of exercises whose time is over, a few at once. Returns how many."""
    removed: int = await uow.connection.scalar(text("SELECT audit.remove_old_exercises()"))
    return removed


async def was_removed_by_retention(connection: AsyncConnection, chain: str, last: Head | None) -> bool:
    """Whether a chain of which only heads are left was rightly removed. It was if it ended as its last head says, and
    either its time was over or it went with its authority, whose own chain then names all that went, in a message that
    a service signed: an administrator of the database can add one that none did.
    """
    row = (await connection.execute(REMOVED, {"chain": chain})).one_or_none()
    if row is None or last is None or (row.position, row.hash) != (last.position, last.hash):
        return False
    return RemovedChain(*row[:4]).was_due() or any(map(_is_signed, row.partings))


def _is_signed(parting: bytes) -> bool:
    try:
        return bool(SPEAKERS.speaker_of(parting, OrganisationChanged.kind))
    except Refused:
        return False


def _as_json(several: Sequence[Any]) -> str | None:
    """PostgreSQL's own lists cannot be of different lengths in one column of a statement. None: there are none."""
    return to_json(several).decode() if several else None
