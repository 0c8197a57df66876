"""Reads the rules for the console's pages, again whenever a file has changed."""

import asyncio
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from services.protocol.editions.choice import Choice, Kept, choose
from services.protocol.editions.edition import adoption_of
from services.protocol.editions.folder import Signature, find_editions, signature
from services.protocol.editions.rules_in_force import RulesInForce
from services.protocol.loader import Library, files


@dataclass
class ShownRules:
    """As the protocol service chooses them; but no rules from before this process began are known here, so for an
    authority whose files were at fault even then it shows the default rules, with the fault.
    """

    folder: Path | None
    _shipped: Library = field(default_factory=lambda: Library(files()))
    _rules: RulesInForce = field(default_factory=RulesInForce)
    _choice: Choice | None = None
    _seen: Signature | None = None
    _kept: dict[str, list[Kept]] = field(default_factory=dict)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def refresh(self, today: date) -> None:
        """Call it before a page is made. If nothing has changed, it reads only the files' names and times."""
        async with self._one_at_a_time:
            now = await asyncio.to_thread(signature, self.folder)
            if now != self._seen:
                await asyncio.to_thread(self._choose, today)
                self._seen = now

    def library(self, authority: str, on: date) -> Library:
        return self._rules.library(authority, on)

    @property
    def authorities(self) -> list[str]:
        """Those with files of their own, even if these are at fault."""
        return [] if self._choice is None else sorted(self._choice.own)

    def faults(self, authority: str) -> tuple[str, ...]:
        return () if self._choice is None else tuple(self._choice.faults.get(authority, ()))

    def _choose(self, today: date) -> None:
        known = [each.edition for editions in self._kept.values() for each in editions]
        self._choice = choose(self._shipped.read_files, find_editions(self.folder, known), self._kept, today)
        for whose, edition in self._choice.new.items():
            kept = self._kept.setdefault(whose, [])
            since = adoption_of(edition.read(), today).effective_from
            kept.append(Kept(len(kept) + 1, edition.hash, edition, since))
        self._rules.put(self._choice)
