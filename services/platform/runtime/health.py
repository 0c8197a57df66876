"""Tells whether the process is live (its loop turns) and ready (nothing that it waits for is away)."""

from collections.abc import Callable


class Health:
    """Collects obstacles. A source returns None while all is well, else a short reason without personal data."""

    def __init__(self) -> None:
        self._sources: dict[str, Callable[[], str | None]] = {}

    def watch(self, name: str, source: Callable[[], str | None]) -> None:
        self._sources[name] = source

    @property
    def watched(self) -> tuple[str, ...]:
        return tuple(self._sources)

    def obstacles(self) -> dict[str, str]:
        found = {name: source() for name, source in self._sources.items()}
        return {name: reason for name, reason in found.items() if reason is not None}
