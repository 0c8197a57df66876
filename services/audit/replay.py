"""Publishes recorded messages again, for a bus that has lost them: if Kafka and the database are both lost and a copy
of the database is restored, a message that one service had published and another had not yet consumed is only on the
record.

Services that did consume a message ignore it, by its id. A dead letter is not recorded in full, and is left out.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.audit.policy.chain import subject_of
from services.platform.bus.connection import Connection
from services.safeguarding.duty.decisions import MessageDeadLettered
from services.safeguarding.message import CONTRACTS

SINCE = text(
    "SELECT chain, kind, envelope FROM audit.entries WHERE recorded_at >= :since AND kind <> :letters "
    "ORDER BY recorded_at, chain, position"
)
ACKNOWLEDGED_WITHIN_SECONDS = 60


async def recorded_since(connection: AsyncConnection, since: datetime) -> list[tuple[str, str, bytes]]:
    """Child, topic and envelope of each message, in the order of the record."""
    rows = await connection.execute(SINCE, {"since": since, "letters": MessageDeadLettered.kind})
    return [(subject_of(row.chain), str(CONTRACTS[row.kind].topic), bytes(row.envelope)) for row in rows]


def publish(connection: Connection, recorded: Iterable[tuple[str, str, bytes]]) -> int:
    """Returns how many, once Kafka has acknowledged them all."""
    producer = connection.plain_producer(acks="all", max_in_flight_requests_per_connection=1)
    try:
        sent = [producer.send(topic, value=raw, key=child.encode()) for child, topic, raw in recorded]
        for each in sent:
            each.get(timeout=ACKNOWLEDGED_WITHIN_SECONDS)
    finally:
        producer.close()
    return len(sent)
