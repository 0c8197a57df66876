"""The channels on which the parts of a process hear each other, and other processes through PostgreSQL."""

from collections.abc import Callable
from typing import TypeAlias

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
