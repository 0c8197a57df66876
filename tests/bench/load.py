"""Sends reports at a steady rate and says how long each took from the request's start to the desk."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiohttp

from services.platform.runtime import logs


@contextmanager
def logged_in(folder: Path) -> Iterator[None]:
    """Log lines are written, since they are part of what a delivery costs, and are not shown."""
    with (folder / "log").open("w") as log, redirect_stderr(log):
        logs.configure("police", None)
        yield


@dataclass(frozen=True)
class Spread:
    """Milliseconds. `missing` counts reports that no desk had when the time was over."""

    reports: int
    p50: float
    p95: float
    p99: float
    missing: int

    @classmethod
    def of(cls, took: Sequence[float], reports: int) -> "Spread":
        ordered = sorted(took) or [float("nan")]

        def at(share: float) -> float:
            return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000

        return cls(reports, at(0.5), at(0.95), at(0.99), reports - len(took))


async def steadily(send: Callable[[int], Awaitable[None]], count: int, a_second: float | None) -> dict[int, float]:
    """The wall time at which each report's request began. All at once where `a_second` is None."""
    begun: dict[int, float] = {}

    async def one(each: int) -> None:
        begun[each] = time.time()
        await send(each)

    sending = []
    started = time.monotonic()
    for each in range(count):
        if a_second is not None:
            await asyncio.sleep(max(0.0, started + each / a_second - time.monotonic()))
        sending.append(asyncio.create_task(one(each)))
    await asyncio.gather(*sending)
    return begun


class DeskLog:
    """What the sandbox's desks received, read as it grows."""

    def __init__(self, session: aiohttp.ClientSession, sandbox: str) -> None:
        self._session, self._sandbox = session, sandbox
        self._since = 0
        self.notices: list[dict[str, object]] = []

    async def read(self) -> None:
        async with self._session.get(f"{self._sandbox}/notices", params={"since": self._since}) as answer:
            fresh = await answer.json()
        self.notices += fresh
        self._since = max((notice["n"] for notice in fresh), default=self._since)


def seconds(written: object) -> float:
    return datetime.fromisoformat(str(written)).timestamp()
