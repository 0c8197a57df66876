"""Who sends a request's body a byte at a time is answered, and the connection ends, however long the bytes go on."""

import asyncio
import socket

import pytest
from fastapi import FastAPI, Request

from services.platform.runtime import problems
from services.platform.runtime.problems import answer_with_problems, body_within
from services.platform.runtime.server import Web

MOST = 1000


def _pages() -> FastAPI:
    app = FastAPI()
    answer_with_problems(app, passing=(), passes_by_itself=lambda _: False)

    @app.post("/")
    async def take(request: Request) -> int:
        return len(await body_within(request, MOST))

    return app


async def _answer(port: int, *, pause: float) -> bytes:
    """A body of ten bytes, one after each pause; then whatever comes until the other end closes."""
    for _ in range(300):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)
    writer.write(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\nConnection: close\r\n\r\n")
    reading = asyncio.create_task(reader.read())
    for _ in range(10):
        if reading.done():
            break
        writer.write(b"a")
        await asyncio.sleep(pause)
    async with asyncio.timeout(10):
        answer = await reading
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(("pause", "status"), [(0.4, b"408"), (0.0, b"200")])
async def test_a_body_that_does_not_come_to_an_end_is_given_up(
    monkeypatch: pytest.MonkeyPatch, pause: float, status: bytes
) -> None:
    monkeypatch.setattr(problems, "BODY_WITHIN_SECONDS", 1.5)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    web = Web(_pages(), port)
    await web.start()
    try:
        answer = await _answer(port, pause=pause)
    finally:
        await web.stop()
    assert answer.split()[1] == status


async def test_who_is_large_has_the_time_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A register of 20 MB over a slow line."""
    monkeypatch.setattr(problems, "BODY_WITHIN_SECONDS", 0.5)
    monkeypatch.setattr(problems, "BYTES_A_SECOND", MOST / 10)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    web = Web(_pages(), port)
    await web.start()
    try:
        answer = await _answer(port, pause=0.1)
    finally:
        await web.stop()
    assert answer.split()[1] == b"200"
