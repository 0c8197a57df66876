"""Looks at the folder of the authorities' rules every few seconds, and puts new ones in force if they are sound."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.runtime.process import Repeating
from services.platform.store.unit_of_work import Store
from services.protocol import metrics
from services.protocol.editions.choice import Choice, Kept, RulesInForce, choose
from services.protocol.editions.edition import Edition, Signature, adoption_of, find_editions, signature
from services.protocol.editions.store import add, editions_since
from services.protocol.loader import DEFAULT, RulesFile
from services.safeguarding.duty.decisions import RulesTakenUp
from services.safeguarding.working_time import day_in_england

LOOK_EVERY_SECONDS = 5.0
FAULTS_LOGGED = 10


class RulesWatch:
    """Takes a change up at the second look that sees it: it leaves a file alone that is still being written."""

    def __init__(
        self, rules: RulesInForce, shipped: Sequence[RulesFile], folder: Path | None, store: Store, clocks: Clocks
    ) -> None:
        self._rules = rules
        self._shipped = shipped
        self._folder = folder
        self._store = store
        self._clocks = clocks
        self._seen: Signature | None = None
        self._taken: Signature | None = None
        # Shown from the start: "none at fault" is then told apart from no answer.
        self._shown = {DEFAULT}

    def repeating(self) -> Repeating:
        return Repeating("rules", self.turn, every_seconds=LOOK_EVERY_SECONDS)

    async def turn(self) -> bool:
        found = await asyncio.to_thread(signature, self._folder)
        lies_still = found == self._seen or not self._rules.are_put
        self._seen = found
        if lies_still and found != self._taken and await self._take_up():
            self._taken = found
        return False

    async def _take_up(self) -> bool:
        """Checks in a thread, since that takes a second, and writes the record before the rules take effect. False if
        another process has written at the same time: the next look goes by its record.
        """
        now = self._clocks.story()
        today = day_in_england(now)
        async with self._store.read() as reader:
            kept = await reader.fetch(editions_since(today))
        choice = await asyncio.to_thread(self._choose, kept, today)
        recorded = [await self._record(edition, kept, now) for edition in choice.new.values()]
        self._rules.put(choice)
        self._show(choice, kept)
        return all(recorded)

    def _choose(self, kept: Mapping[str, Sequence[Kept]], today: date) -> Choice:
        known = [each.edition for editions in kept.values() for each in editions]
        return choose(self._shipped, find_editions(self._folder, known), kept, today)

    async def _record(self, edition: Edition, kept: Mapping[str, Sequence[Kept]], now: datetime) -> bool:
        before = kept.get(edition.whose)
        number = before[-1].number + 1 if before else 1
        adoption = adoption_of(edition.read(), day_in_england(now))
        async with self._store.transaction() as uow:
            if not await add(uow, edition, number, adoption, now):
                return False
            taken_up = RulesTakenUp(
                authority=edition.whose,
                edition=number,
                hash=edition.hash,
                adopted=adoption.by is not None,
                effective_from=adoption.effective_from,
            )
            name = f"rules-{edition.whose}"
            uow.publish(taken_up, subject=name, at=now, message_id=f"{name}-{number}")
        state = "adopted" if adoption.by is not None else "nobody is named"
        about = {"name": edition.whose, "version": number, "hash": edition.hash, "state": state}
        logger().info("an authority's rules were taken up", **about, at=str(adoption.effective_from))
        return True

    def _show(self, choice: Choice, kept: Mapping[str, Sequence[Kept]]) -> None:
        self._shown |= {*kept, *choice.own, *choice.faults}
        for whose in self._shown:
            metrics.RULES_FAULTY.labels(whose).set(whose in choice.faults)
        for whose, faults in choice.faults.items():
            for says in faults[:FAULTS_LOGGED]:
                logger().error("an authority's rules are at fault; its last good ones hold", name=whose, reason=says)
