"""Holds the rules by which each authority goes, for the handlers, and is replaced as a whole while the service runs."""

import asyncio
from collections.abc import Sequence
from datetime import date

from services.protocol.editions.choice import LONG_AGO, Choice, Dated
from services.protocol.loader import Library
from services.protocol.rule_file import RulesFile

BEFORE_ALL = -1


class RulesInForce:
    """Has none until the first are put in force; `ready` waits for them."""

    def __init__(self, files: Sequence[RulesFile] | None = None) -> None:
        self._choice: Choice | None = None
        self._libraries: dict[tuple[str | None, int, int], Library] = {}
        self._ready = asyncio.Event()
        if files is not None:
            self.put(Choice((Dated(LONG_AGO, tuple(files)),)))

    def put(self, choice: Choice) -> None:
        """Takes effect with the next message. Episodes go on by the rules with which they opened."""
        self._choice, self._libraries = choice, {}
        self._ready.set()

    @property
    def are_put(self) -> bool:
        return self._choice is not None

    async def ready(self) -> None:
        await self._ready.wait()

    def library(self, authority: str, on: date) -> Library:
        """The files by which the authority goes on that day. Raises RuntimeError before the first are put."""
        if self._choice is None:
            raise RuntimeError("no rules are in force yet")
        base, own = self._choice.everybody, self._choice.own.get(authority, ())
        key = (authority if own else None, _in_force(base, on), _in_force(own, on))
        if key not in self._libraries:
            its_own = own[key[2]].files if key[2] != BEFORE_ALL else ()
            self._libraries[key] = Library([*base[key[1]].files, *its_own])
        return self._libraries[key]


def _in_force(editions: Sequence[Dated], on: date) -> int:
    """The index of the newest edition that holds on that day; BEFORE_ALL if none does."""
    places = (place for place in reversed(range(len(editions))) if editions[place].since <= on)
    return next(places, BEFORE_ALL)
