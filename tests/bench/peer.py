"""A peer: the least that takes a report in over HTTP and sends a signed notice out. `python -m tests.bench.peer` with its settings in the environment.

FastAPI takes the report, Kafka carries it, aiokafka reads it, httpx posts it. With `PEER_DATABASE` it also has an inbox and a
delivery row in PostgreSQL, so that a crash loses nothing; without, it is as fast as it is careless.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import httpx
import uvicorn
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from fastapi import FastAPI, Request, Response
from psycopg_pool import AsyncConnectionPool
from standardwebhooks import Webhook

KAFKA, PORT, DESK, SECRET, TOPIC = (
    os.environ[name] for name in ("PEER_KAFKA", "PEER_PORT", "PEER_DESK", "PEER_SECRET", "PEER_TOPIC")
)
DATABASE = os.environ.get("PEER_DATABASE")
AT_ONCE = 32

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


def with_rows(pool: AsyncConnectionPool, send: Callable[[str], Awaitable[None]]) -> Callable[[str], Awaitable[None]]:
    async def careful(report: str) -> None:
        async with pool.connection() as connection:
            marked = await connection.execute(
                "INSERT INTO peer.inbox VALUES (%s) ON CONFLICT DO NOTHING RETURNING id", (report,)
            )
            if await marked.fetchone() is None:
                return
            await connection.execute("INSERT INTO peer.deliveries VALUES (%s, %s, 'waiting', 0)", (report, report))
        await send(report)
        async with pool.connection() as connection:
            await connection.execute(
                "UPDATE peer.deliveries SET state = 'sent', attempts = attempts + 1 WHERE id = %s", (report,)
            )

    return careful


async def consume(deliver: Callable[[str], Awaitable[None]]) -> None:
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=KAFKA, group_id=TOPIC, enable_auto_commit=False)
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
    deliver: Callable[[str], Awaitable[None]] = Sender().send
    if DATABASE is not None:
        pool = AsyncConnectionPool(DATABASE, min_size=4, max_size=10, open=False)
        await pool.open(wait=True)
        async with pool.connection() as connection:
            await connection.execute(TABLES)
        deliver = with_rows(pool, deliver)
    app = FastAPI()

    @app.post("/reports")
    async def take(request: Request) -> Response:
        report = (await request.json())["report"]
        await producer.send_and_wait(TOPIC, report.encode(), key=report.encode())
        return Response(status_code=202)

    consuming = asyncio.create_task(consume(deliver))
    await uvicorn.Server(uvicorn.Config(app, port=int(PORT), log_config=None, access_log=False)).serve()
    consuming.cancel()


if __name__ == "__main__":
    asyncio.run(main())
