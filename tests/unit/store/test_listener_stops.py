"""How a listener ends: stopped at the moment of a notification, and by a defect."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import make_url

from services.platform.store.engine import Channels, Listener


async def test_stopping_ends_though_a_notification_comes_at_that_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, readable = asyncio.get_running_loop(), list[Callable[[], None]]()
    monkeypatch.setattr(loop, "add_reader", lambda _, callback: readable.append(callback))
    monkeypatch.setattr(loop, "remove_reader", lambda _: None)
    listener = Listener(make_url("postgresql://127.0.0.1/none"), Channels(), probe_every=60)
    connection = cast("Any", SimpleNamespace(fileno=lambda: 0))

    async def listen() -> None:
        while True:
            await listener._is_readable(connection)

    listening = asyncio.create_task(listen())
    for _ in range(2):
        await asyncio.sleep(0)
    readable[-1]()
    await asyncio.sleep(0)
    listening.cancel()
    done, left = await asyncio.wait({listening}, timeout=15)
    for each in left:
        each.cancel()
    assert done


async def test_a_listener_that_a_defect_has_ended_is_an_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: Listener) -> None:
        raise LookupError

    monkeypatch.setattr(Listener, "_hear", fail)
    listener = Listener(make_url("postgresql://127.0.0.1/none"), Channels())
    await listener.start()
    for _ in range(3):
        await asyncio.sleep(0)
    assert listener.obstacle() == "listening has ended"
    await listener.stop()
