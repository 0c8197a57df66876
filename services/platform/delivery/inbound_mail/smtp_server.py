"""Listens on SMTP for mail that the authority's relay hands over to a service's own mailbox."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from aiosmtpd.smtp import SMTP

from services.platform.delivery.inbound_mail.classifier import ReadMail, fallback_readings, read_mail
from services.platform.runtime.limits import MAIL_BYTES
from services.platform.runtime.logs import logger
from services.platform.store.transient_errors import is_transient

TAKEN = "250 2.0.0 Taken"
LATER = "451 4.3.0 Not now, try again"
NO_RELAY = "421 4.7.1 Mail is taken from our relay alone"
"""It passes, so that a relay whose network was set wrongly keeps the mail."""
MOST_SESSIONS = 32
"""Each may hold a mail in memory. The oldest ends for a new one: a relay repeats what it could not hand over."""
SILENT_SECONDS = 30
SESSION_SECONDS = 120

Networks: TypeAlias = Sequence[IPv4Network | IPv6Network]
Takes: TypeAlias = Callable[[ReadMail], Awaitable[str]]
"""Handles and commits a mail, then returns the outcome in a word. If it raises, it has done nothing."""


class BoundedSession(SMTP):
    """aiosmtpd's session, which by itself lasts as long as its client says something every five minutes."""

    _running: ClassVar[dict["BoundedSession", asyncio.TimerHandle]] = {}

    def __init__(self, handler: Any, networks: Networks, **options: Any) -> None:
        """Speaks with clients from `networks` alone; from anywhere, if there are none."""
        super().__init__(handler, **options)
        self._networks = networks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self in self._running:  # STARTTLS makes the connection again
            super().connection_made(transport)
            return
        peer = transport.get_extra_info("peername")  # None of a client that is gone already
        if self._networks and (peer is None or not self._is_relay(str(peer[0]))):
            _send_away(transport)
            return
        super().connection_made(transport)
        self._running[self] = self.loop.call_later(SESSION_SECONDS, self.end)
        if len(self._running) > MOST_SESSIONS:
            next(iter(self._running)).end()

    def connection_lost(self, error: Exception | None) -> None:
        self._forget()
        super().connection_lost(error)

    def end(self) -> None:
        self._forget()
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    def _is_relay(self, address: str) -> bool:
        if not self._networks or any(ip_address(address) in each for each in self._networks):
            return True
        logger().warning("mail was refused: no relay of ours is at that address", name=address)
        return False

    def _forget(self) -> None:
        if (ends := self._running.pop(self, None)) is not None:
            ends.cancel()


def _send_away(transport: asyncio.BaseTransport) -> None:
    transport.set_protocol(asyncio.Protocol())  # nothing that it says is read
    if isinstance(transport, asyncio.WriteTransport):
        transport.write(f"{NO_RELAY}\r\n".encode())
    transport.close()


def tls_of(certificate: Path) -> ssl.SSLContext:
    """`certificate` is a PEM file with the key and the chain. Raises OSError (ssl.SSLError) if it holds neither."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


class MailListener:
    """A part. Takes mail for one address and no other; answers 250 when its effects are committed.

    After a transient error the relay is asked to repeat the mail. A mail that fails for another reason is for a person
    to read.
    """

    def __init__(
        self,
        host: str,
        port: int,
        mailbox: str,
        takes: Takes,
        *,
        relay: str,
        networks: Networks = (),
        certificate: Path | None = None,
    ) -> None:
        """`relay` is the name (authserv-id) that our relay gives itself in Authentication-Results: whoever may hand
        over mail may write it, so with `networks` only clients there may. With a certificate, no mail is taken before
        STARTTLS.
        """
        self._tls = None if certificate is None else tls_of(certificate)
        self._address, self._mailbox, self._takes, self._relay = (host, port), mailbox.lower(), takes, relay
        self._networks = networks
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Replicas on one machine share the port."""
        self._server = await asyncio.get_running_loop().create_server(self._greet, *self._address, reuse_port=True)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    def _greet(self) -> asyncio.BaseProtocol:
        return BoundedSession(
            self,
            self._networks,
            hostname="safe-return",
            data_size_limit=MAIL_BYTES,
            enable_SMTPUTF8=True,
            timeout=SILENT_SECONDS,
            tls_context=self._tls,
            require_starttls=True,
            loop=asyncio.get_running_loop(),
        )

    async def handle_RCPT(  # noqa: N802 aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address.strip().lower() != self._mailbox:
            return "550 5.1.1 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 aiosmtpd's name
        try:
            made = await self._handle(envelope.original_content or b"", (envelope.mail_from or "").strip("<>"))
        except Exception as error:  # noqa: BLE001 the relay keeps the mail and tries again
            if not is_transient(error):
                logger().error("a mail could not be taken", exc_info=error)
            return LATER
        logger().info("a mail was taken", result=made)
        return TAKEN

    async def _handle(self, raw: bytes, envelope_sender: str) -> str:
        """Tries simpler readings after a permanent failure: the relay would repeat the mail, then give up, and nobody
        would hear of the answer.
        """
        read = await asyncio.to_thread(read_mail, raw, envelope_sender, self._relay)
        logger().info(
            "a mail was read" if read.authenticated else "a mail was read that the relay does not vouch for",
            result=str(read.kind),
        )
        *more, least = fallback_readings(read)
        for mail in more:
            try:
                return await self._takes(mail)
            except Exception as error:
                if is_transient(error):
                    raise
                logger().error("a mail could not be taken as it is", exc_info=error)
        return await self._takes(least)
