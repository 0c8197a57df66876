"""Correspondence: who invited whoever mails, and which discussions a mail in answer to ours is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.store.query import execute_pipelined


@dataclass(frozen=True, slots=True)
class Inviting:
    """An authority that has invited somebody. `exercise`: to exercises alone."""

    authority: str
    person: str | None
    exercise: bool


INVITING = """
    SELECT d.authority, min(a.person), bool_and(d.exercise)
    FROM attendees AS a JOIN discussions AS d ON d.discussion = a.discussion
    WHERE a.address_hash = ANY(%(hashes)s) GROUP BY d.authority ORDER BY d.authority
"""
OF_MAILS = """
    SELECT a.discussion FROM attendees AS a JOIN delivery.deliveries AS sent ON sent.duty = a.duty AND sent.step = a.step
    WHERE sent.id = ANY(%(mails)s)
    UNION SELECT r.discussion FROM recorders AS r JOIN delivery.deliveries AS sent ON sent.duty = r.duty AND sent.step = r.step
    WHERE sent.id = ANY(%(mails)s)
"""


async def inviting(connection: AsyncConnection, address_hashes: Sequence[bytes]) -> list[Inviting]:
    """Every authority that ever invited somebody at this address."""
    [rows] = await execute_pipelined(connection, (INVITING, {"hashes": list(address_hashes)}))
    return [Inviting(*row) for row in rows]


async def of_mails(connection: AsyncConnection, mails: Sequence[UUID]) -> set[UUID]:
    """The discussions that these mails of ours are about."""
    [rows] = await execute_pipelined(connection, (OF_MAILS, {"mails": list(mails)}))
    return {discussion for (discussion,) in rows}
