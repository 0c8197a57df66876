"""Keeps connections to the authority's relay for a few seconds: opening one, with greeting, TLS and password, costs
more than the mail that goes over it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import aiosmtplib
from aiosmtplib.errors import SMTPException

KEPT_SECONDS = 5.0
"""Idle. Relays wait for minutes before they close one, but a firewall in between may forget it sooner."""
KEPT_MOST = 8
MAILS_MOST = 50
"""Over one connection. Relays that count allow a hundred and more."""

Opens: TypeAlias = Callable[[str | None], aiosmtplib.SMTP]
"""A client that is not connected yet. It greets under the name given, and finds that out by itself where none is."""


@dataclass(slots=True, eq=False)
class Connection:
    client: aiosmtplib.SMTP
    mails: int = 0
    _closing: asyncio.TimerHandle | None = field(default=None, init=False)

    def close(self) -> None:
        self.use()
        self.client.close()

    def use(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None

    def close_later(self, closed: Callable[[], None]) -> None:
        def close() -> None:
            self.client.close()
            closed()

        self._closing = asyncio.get_running_loop().call_later(KEPT_SECONDS, close)


class Connections:
    """Nobody waits for another's: where none is idle, one is opened. `sender` is the envelope's."""

    def __init__(self, opens: Opens, sender: str) -> None:
        self._opens, self._sender = opens, sender
        self._idle: list[Connection] = []
        self._own_name: str | None = None
        self._closed = False

    async def begin(self) -> Connection:
        """One on which the relay has taken the sender of a mail, and heard nothing else of it. Raises aiosmtplib's
        errors and OSError.
        """
        return await self._of_idle() or await self._begun(Connection(self._opens(self._own_name)))

    def done(self, connection: Connection) -> None:
        """The relay took the mail: another may go over the same connection."""
        connection.mails += 1
        if self._closed or connection.mails >= MAILS_MOST or len(self._idle) >= KEPT_MOST:
            connection.close()
            return
        self._idle.append(connection)
        connection.close_later(lambda: self._idle.remove(connection))

    def open(self) -> None:
        self._closed = False

    def close(self) -> None:
        """Closes those that are idle now, and each other once it has brought its mail."""
        self._closed = True
        self._close_idle()

    async def _of_idle(self) -> Connection | None:
        """The relay may have closed it meanwhile, or want no more mails over it. Whatever keeps a mail from beginning
        there, a new connection is opened and its answer counts: no recipient was named, so nothing can have been sent.
        The other idle ones are as old, and are given up with it.
        """
        while self._idle:
            connection = self._idle.pop()
            connection.use()
            if connection.client.is_connected:
                try:
                    return await self._begun(connection)
                except (SMTPException, TimeoutError, OSError):
                    self._close_idle()
        return None

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def _begun(self, connection: Connection) -> Connection:
        client, begun = connection.client, False
        try:
            if not client.is_connected:
                await client.connect()
                self._own_name = client.local_hostname
            await client.mail(self._sender)
            begun = True
        finally:
            if not begun:
                connection.close()
        return connection
