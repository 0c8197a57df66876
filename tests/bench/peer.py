"""A peer: the least that takes a report in over HTTP and sends a signed notice out. `python -m tests.bench.peer` with its settings in the environment.

FastAPI takes the report, Kafka carries it, aiokafka reads it, httpx posts it. With `PEER_DATABASE` it also has an inbox and a
delivery row in PostgreSQL, so that a crash loses nothing; without, it is as fast as it is careless. With two `PEER_TOPICS` it goes by
as many hops as a report in Safe Return, from who takes it to who decides to who sends, and does nothing at any of them but mark it.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeAlias

import httpx
import uvicorn
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from fastapi import FastAPI, Request, Response
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from standardwebhooks import Webhook

KAFKA, PORT, DESK, SECRET = (os.environ[name] for name in ("PEER_KAFKA", "PEER_PORT", "PEER_DESK", "PEER_SECRET"))
TOPICS = os.environ["PEER_TOPICS"].split()
DATABASE = os.environ.get("PEER_DATABASE")
AT_ONCE = 32

Deliver: TypeAlias = Callable[[str], Awaitable[None]]

TABLES = """
CREATE SCHEMA IF NOT EXISTS peer;
CREATE TABLE IF NOT EXISTS peer.inbox (id text PRIMARY KEY);
CREATE TABLE IF NOT EXISTS peer.deliveries (id text PRIMARY KEY, body text NOT NULL, state text NOT NULL, attempts int NOT NULL)
"""


class Sender:
    def __init__(self) -> None:
        self._client = httpx.AsyncClient(timeout=10)
        self._webhook = Webhook(SECRET)

    async def send(self, report: str) -> None:
        now = datetime.now(UTC)
        body = json.dumps(
            {"type": "missing-notice.new", "timestamp": now.isoformat(), "data": {"notice": report, "episode": report}}
        )
        headers = {
            "webhook-id": report,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(report, now, body),
        }
        answer = await self._client.post(DESK, content=body.encode(), headers=headers)
        answer.raise_for_status()


async def marked(connection: AsyncConnection, name: str) -> bool:
    """False where it was done before."""
    mark = await connection.execute("INSERT INTO peer.inbox VALUES (%s) ON CONFLICT DO NOTHING RETURNING id", (name,))
    return await mark.fetchone() is not None


def with_rows(pool: AsyncConnectionPool, send: Deliver) -> Deliver:
    async def careful(report: str) -> None:
        async with pool.connection() as connection:
            if not await marked(connection, report):
                return
            await connection.execute("INSERT INTO peer.deliveries VALUES (%s, %s, 'waiting', 0)", (report, report))
        await send(report)
        async with pool.connection() as connection:
            await connection.execute(
                "UPDATE peer.deliveries SET state = 'sent', attempts = attempts + 1 WHERE id = %s", (report,)
            )

    return careful


def with_mark(pool: AsyncConnectionPool, place: str, carry_on: Deliver) -> Deliver:
    """What every hop but the last does: it is kept that the report was here before it goes on."""

    async def careful(report: str) -> None:
        async with pool.connection() as connection:
            if not await marked(connection, f"{place} {report}"):
                return
        await carry_on(report)

    return careful


async def consume(topic: str, deliver: Deliver) -> None:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=KAFKA, group_id=topic, enable_auto_commit=False)
    await consumer.start()
    places = asyncio.Semaphore(AT_ONCE)

    async def one(report: str) -> None:
        async with places:
            await deliver(report)

    while True:
        batches = await consumer.getmany(timeout_ms=500, max_records=100)
        await asyncio.gather(*(one(record.value.decode()) for records in batches.values() for record in records))
        if batches:
            await consumer.commit()


async def main() -> None:
    producer = AIOKafkaProducer(bootstrap_servers=KAFKA, acks="all")
    await producer.start()

    def onto(topic: str) -> Deliver:
        async def put(report: str) -> None:
            await producer.send_and_wait(topic, report.encode(), key=report.encode())

        return put

    hops = [*(onto(topic) for topic in TOPICS), Sender().send]
    if DATABASE is not None:
        pool = AsyncConnectionPool(DATABASE, min_size=4, max_size=10, open=False)
        await pool.open(wait=True)
        async with pool.connection() as connection:
            await connection.execute(TABLES)
        if len(TOPICS) > 1:
            hops = [*(with_mark(pool, str(place), hop) for place, hop in enumerate(hops[:-1])), hops[-1]]
        hops[-1] = with_rows(pool, hops[-1])
    app = FastAPI()

    @app.post("/reports")
    async def take(request: Request) -> Response:
        await hops[0]((await request.json())["report"])
        return Response(status_code=202)

    consuming = [asyncio.create_task(consume(topic, hop)) for topic, hop in zip(TOPICS, hops[1:], strict=True)]
    await uvicorn.Server(uvicorn.Config(app, port=int(PORT), log_config=None, access_log=False)).serve()
    for each in consuming:
        each.cancel()


if __name__ == "__main__":
    asyncio.run(main())
