"""A relay in the test's own loop, over real SMTP: it answers as the test says, and keeps what it took."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiosmtpd.smtp import SMTP

from services.platform.delivery.channels.channel import SendRequest
from services.platform.delivery.channels.email import EmailContent, EmailMedium, Relay, build_email

SENDER, RECIPIENT = "safe-return@kestrel.example", "desk@home-office.example"
NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)
LETTER = EmailContent(
    "Mae plentyn ar goll (4K7PX)", ("Adroddwyd: tŷ.",), "Agor", "https://x.example/acknowledge/AbC", ("Diolch.",), "cy"
)


@dataclass
class PlayedRelay:
    """Answers RCPT and DATA as told, and keeps what it took."""

    rcpt: str = ""
    data: str = "250 2.0.0 Taken"
    mails: list[bytes] = field(default_factory=list)
    sessions: list[Any] = field(default_factory=list)
    """For each mail, that of the connection which brought it."""
    connections: list[SMTP] = field(default_factory=list)
    port: int = 0

    def hang_up(self) -> None:
        """Without a word, as a relay that restarts."""
        for each in self.connections:
            if isinstance(each.transport, asyncio.Transport):
                each.transport.abort()

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if self.rcpt:
            return self.rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(envelope.original_content)
        self.sessions.append(session)
        if self.data == "gone":
            server.transport.abort()
            await asyncio.sleep(0)
        return self.data


@asynccontextmanager
async def answering(relay: PlayedRelay, **options: Any) -> AsyncIterator[None]:
    """Under the port that it had before, if any."""

    def greet() -> SMTP:
        relay.connections.append(SMTP(relay, loop=asyncio.get_running_loop(), **options))
        return relay.connections[-1]

    server = await asyncio.get_running_loop().create_server(greet, "127.0.0.1", relay.port)
    relay.port = server.sockets[0].getsockname()[1]
    yield
    server.close()
    relay.hang_up()


@asynccontextmanager
async def listening(relay: PlayedRelay, **options: Any) -> AsyncIterator[EmailMedium]:
    async with answering(relay, **options):
        medium = EmailMedium(Relay("127.0.0.1", relay.port, SENDER, encrypted=False))
        await medium.start()
        yield medium
        await medium.stop()


def a_sending(body: str | None = None) -> SendRequest:
    delivery = uuid4()
    written = build_email(LETTER, delivery=delivery, sender=SENDER, recipient=RECIPIENT, at=NOW)
    return SendRequest(delivery, 1, RECIPIENT, body or written, (), True, False, NOW, NOW)
