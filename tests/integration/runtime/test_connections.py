"""Connections on which nobody asks anything: they end, and stop nobody who does."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.platform.runtime import server
from services.platform.runtime.server import BoundedConnection, Web

HALF = b"POST / HTTP/1.1\r\nHost: here\r\nX-Half: "
BODY_DUE = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\nhalf"
Connected = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    async def take(request: Request) -> Response:
        return Response(await request.body())

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    web = Web(Starlette(routes=[Route("/", take, methods=["POST"])]), port)
    await web.start()
    while not web._server.started:  # noqa: ASYNC110 uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield int(port)
    finally:
        await web.stop()


async def connect(port: int, sends: Sequence[bytes]) -> list[Connected]:
    opened = []
    for said in sends:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        opened.append((reader, writer))
    return opened


async def close(opened: Sequence[Connected]) -> None:
    for _, writer in opened:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer in opened), return_exceptions=True)


async def wait_for_end(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(15):
        with contextlib.suppress(ConnectionError):
            while await reader.read(1000):
                pass


async def answered(port: int) -> bool:
    async with httpx.AsyncClient(timeout=30) as http:
        return (await http.post(f"http://127.0.0.1:{port}/", content=b"MISSING")).content == b"MISSING"


async def test_fifteen_hundred_idle_and_half_open_connections_stop_no_text() -> None:
    """Attack 9. Both ends are files of this process, which begins with as many as is usual."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, most))
    async with serving() as port:
        opened = await connect(port, [b"", HALF, BODY_DUE] * 500)
        assert await answered(port)
        await close(opened)


@pytest.mark.parametrize("said", [b"", HALF, b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nOKPOST / HT"])
async def test_who_does_not_come_to_the_end_of_the_headers_is_given_up(
    monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(server, "HEADERS_WITHIN_SECONDS", 0.2)
    async with serving() as port:
        opened = await connect(port, [said])
        await wait_for_end(opened[0][0])
        await close(opened)


async def test_headers_without_end_are_given_up() -> None:
    async with serving() as port:
        opened = await connect(port, [HALF + b"x" * 40_000])
        await wait_for_end(opened[0][0])
        await close(opened)


async def test_of_too_many_the_oldest_ends_and_who_asks_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as port:
        monkeypatch.setattr(BoundedConnection, "most_waiting", 20)
        opened = await connect(port, [b"", HALF, BODY_DUE, HALF] * 10)
        assert await answered(port)
        assert len(BoundedConnection._waiting) <= 20
        await wait_for_end(opened[0][0])
        await close(opened)
