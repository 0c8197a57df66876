"""Tells whether the process is ready (nothing that it waits for is away) and accepting (not about to stop)."""

import asyncio
from collections.abc import Callable


class Health:
    """Collects obstacles. A source returns None while all is well, else a short reason without personal data."""

    def __init__(self) -> None:
        self.accepting = True
        self._sources: dict[str, Callable[[], str | None]] = {}

    def watch(self, name: str, source: Callable[[], str | None]) -> None:
        self._sources[name] = source

    @property
    def watched(self) -> tuple[str, ...]:
        return tuple(self._sources)

    def obstacles(self) -> dict[str, str]:
        found = {name: source() for name, source in self._sources.items()}
        return {name: reason for name, reason in found.items() if reason is not None}


class Drain:
    """Starts last and stops first. Tells proxies to send no more, and waits until they have noticed. Meanwhile
    everything that comes is taken as before.
    """

    def __init__(self, health: Health, seconds: float) -> None:
        self._health = health
        self._seconds = seconds

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self._health.accepting = False
        await asyncio.sleep(self._seconds)
