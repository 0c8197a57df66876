"""Publishes recorded messages again, for a bus that has lost them: if Kafka and the database are both lost and a copy
of the database is restored, a message that one service had published and another had not yet consumed is only on the
record.

Services that did consume a message ignore it, by its id. A dead letter is not recorded in full, and is left out. So is
a message of a kind that this version no longer has: no service would read it, and its topic is not known.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.audit.policy.chain import subject_of
from services.platform.bus.connection import Connection
from services.safeguarding.contracts import contract_of
from services.safeguarding.duty.decisions import MessageDeadLettered

SINCE = text(
    "SELECT chain, kind, envelope FROM audit.entries WHERE recorded_at >= :since AND kind <> :letters "
    "ORDER BY recorded_at, chain, position"
)
ACKNOWLEDGED_WITHIN_SECONDS = 60


async def recorded_since(
    connection: AsyncConnection, since: datetime
) -> tuple[list[tuple[str, str, bytes]], Counter[str]]:
    """Child, topic and envelope of each message, in the order of the record; and what is left out, counted by kind."""
    recorded, gone = [], Counter[str]()
    for row in await connection.execute(SINCE, {"since": since, "letters": MessageDeadLettered.kind}):
        contract = contract_of(row.kind)
        if contract is None:
            gone[row.kind] += 1
        else:
            recorded.append((subject_of(row.chain), str(contract.topic), bytes(row.envelope)))
    return recorded, gone


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
