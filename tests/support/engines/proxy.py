"""A TCP proxy that can be cut or silenced, for outages of the database that leave the database itself alone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Proxy:
    """`cut` resets what is open and refuses what comes; `mend` lets connections through again.

    What is open when `silence` is called, or comes before `speak`, stays open for ever and nothing arrives on it: a firewall that
    forgot it, or a machine that went without a word.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._lost: set[asyncio.StreamWriter] = set()
        self._silent = False
        self.port = 0

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        self._server = None

    def silence(self) -> None:
        self._silent = True
        self._lost |= self._open

    def speak(self) -> None:
        self._silent = False

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        both = {writer, target_writer}
        self._open |= both
        if self._silent:
            self._lost |= both
        try:
            await asyncio.gather(self._copy(reader, target_writer), self._copy(target_reader, writer))
        finally:
            self._open -= both
            self._lost -= both

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(65536):
                if writer in self._lost:
                    continue
                writer.write(chunk)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def proxy_to(port: int) -> AsyncIterator[Proxy]:
    proxy = Proxy(port)
    await proxy.mend()
    try:
        yield proxy
    finally:
        await proxy.cut()
