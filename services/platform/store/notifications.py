"""Listens to PostgreSQL on one connection, for all parts of a process, and lets these hear each other.

A notification only hurries what a turn would find by itself, later. So one that is lost costs time and nothing else.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

import psycopg
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier
from sqlalchemy import URL

from services.platform.runtime.logs import logger

Heard: TypeAlias = Callable[[str | None], None]
"""Takes the notification's payload; None where some may have been missed. Must not raise and must not wait."""


class Channels:
    """What the parts of one process want to hear."""

    def __init__(self) -> None:
        self._heard: dict[str, list[Heard]] = {}

    def on(self, channel: str, heard: Heard) -> None:
        """From the start of the process's listener on. Where there is none, nothing is heard."""
        self._heard.setdefault(channel, []).append(heard)

    @property
    def names(self) -> list[str]:
        return list(self._heard)

    def tell(self, channel: str, payload: str) -> None:
        for heard in self._heard.get(channel, ()):
            heard(payload)

    def tell_of_gap(self) -> None:
        for each in self._heard.values():
            for heard in each:
                heard(None)


PROBE_EVERY_SECONDS, ANSWERED_WITHIN_SECONDS = 5.0, 3.0
"""A connection that only listens does not notice that its other end is gone, so it is probed."""
AGAIN_SECONDS = 0.5


class Listener:
    """A part of the process. Once connected or cut off, it tells all others that something may have been missed."""

    def __init__(
        self,
        database: URL,
        channels: Channels,
        *,
        probe_every: float = PROBE_EVERY_SECONDS,
        answered_within: float = ANSWERED_WITHIN_SECONDS,
    ) -> None:
        self._database = database.set(drivername="postgresql").render_as_string(hide_password=False)
        self._channels = channels
        self._probe_every, self._answered_within = probe_every, answered_within
        self._listening: asyncio.Task[None] | None = None
        self._failure: str | None = None

    def obstacle(self) -> str | None:
        has_ended = self._listening is not None and self._listening.done()
        return "listening has ended" if has_ended else self._failure

    async def start(self) -> None:
        self._listening = asyncio.create_task(self._listen(), name="listening")

    async def stop(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except (psycopg.Error, OSError) as error:
                if self._failure is None:
                    logger().warning("notifications are not heard until the database is back", exc_info=error)
                self._failure = type(error).__name__
                self._channels.tell_of_gap()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _hear(self) -> None:
        """Raises when the connection is lost."""
        async with await psycopg.AsyncConnection.connect(
            self._database, autocommit=True, connect_timeout=3
        ) as connection:
            connection.add_notify_handler(lambda each: self._channels.tell(each.channel, each.payload))
            names = [SQL("LISTEN {}").format(Identifier(each)) for each in self._channels.names]
            if names:
                await connection.execute(SQL("; ").join(names))
            self._failure = None
            self._channels.tell_of_gap()
            while True:
                if await self._is_readable(connection):
                    self._take(connection)
                else:
                    await self._probe(connection)

    async def _is_readable(self, connection: psycopg.AsyncConnection[TupleRow]) -> bool:
        """False after some silence. psycopg's own waiting would look ten times a second."""
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(connection.fileno(), readable.set)
        try:
            # Not `wait_for`: Python 3.11 loses a cancellation that comes with a notification, and stopping never ended.
            async with asyncio.timeout(self._probe_every):
                await readable.wait()
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(connection.fileno())
        return True

    def _take(self, connection: psycopg.AsyncConnection[TupleRow]) -> None:
        """Tells what has come. Raises OperationalError at the connection's end."""
        connection.pgconn.consume_input()
        while (each := connection.pgconn.notifies()) is not None:
            self._channels.tell(each.relname.decode(), each.extra.decode())

    async def _probe(self, connection: psycopg.AsyncConnection[TupleRow]) -> None:
        """Sends an empty pipeline, whose end PostgreSQL confirms without a transaction."""
        too_late = asyncio.get_running_loop().call_later(self._answered_within, _hang_up, connection)
        try:
            async with connection.pipeline():
                pass
        finally:
            too_late.cancel()


def _hang_up(connection: psycopg.AsyncConnection[TupleRow]) -> None:
    """Makes the pending statement fail at once. Cancelling it would make psycopg ask the silent other end first."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as ours:
        ours.shutdown(socket.SHUT_RDWR)
