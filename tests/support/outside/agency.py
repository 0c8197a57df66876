"""An agency's system that sends events to casework."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks import Webhook

from services.platform.messages.envelope import read
from tests.support.in_process.register import SECRET


class Hospital:
    """An agency's system: signs what it sends, as the published library does."""

    def __init__(self, client: httpx.AsyncClient, engine: AsyncEngine, name: str, ids: dict[str, str]) -> None:
        self.client = client
        self.engine = engine
        self.name = name
        self.ids = ids
        self.source = f"/agencies/{name}-hospital"

    def event(self, **changes: Any) -> dict[str, Any]:
        whole = {
            "specversion": "1.0",
            "id": str(uuid4()),
            "source": self.source,
            "type": "child.reported-missing.v1",
            "subject": self.ids["C1"],
            "time": "2026-11-24T22:10:00Z",
            "datacontenttype": "application/json",
            "data": {},
        }
        return {name: value for name, value in (whole | changes).items() if value is not ...}

    async def send(self, event: object, *, secret: str = SECRET, **headers: str) -> httpx.Response:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        now = datetime.now(UTC)
        signature = Webhook(secret).sign("msg-1", now, body.decode("latin-1") if _is_text(body) else "")
        signed = {
            "content-type": "application/cloudevents+json",
            "webhook-id": "msg-1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }
        return await self.client.post("/events", content=body, headers=signed | headers)

    async def said(self, child: str) -> list[Any]:
        async with self.engine.connect() as connection:
            rows = await connection.execute(
                text("SELECT envelope FROM outbox WHERE key = :k ORDER BY position"), {"k": child}
            )
            return [read(bytes(row.envelope)) for row in rows]


def _is_text(body: bytes) -> bool:
    return body.isascii()
