"""Gives a dead letter another try, and records who did so.

Publishes before it records: a letter that is published twice is skipped by its consumers.
"""

import asyncio
from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from services.console import metrics
from services.console.acts.recorder import ConsoleService
from services.console.policy.permits import Operator
from services.console.read_model.repository import is_dead_letter, mark_redriven
from services.platform.bus import dead_letters
from services.platform.bus.connection import Connection
from services.safeguarding.operators import OperatorAct


class RedriveResult(Enum):
    DONE = auto()
    NO_LONGER_KEPT = auto()
    """The bus no longer holds the letter, or the message that it is about."""
    BUS_AWAY = auto()


@dataclass(frozen=True)
class DeadLetterRedrive(ConsoleService):
    bus: Connection

    async def is_known(self, letter: UUID) -> bool:
        async with self.store.read() as reader:
            return await reader.fetch(is_dead_letter(str(letter)))

    async def redrive(self, operator: Operator, letter: UUID, act: UUID, reason: str) -> RedriveResult:
        """The same `act` again publishes again, but is recorded once."""
        try:
            listed = await asyncio.to_thread(dead_letters.list_dead_letters, self.bus)
            found = next((each for each in listed if each.id == str(letter)), None)
            if found is None:
                return RedriveResult.NO_LONGER_KEPT
            await asyncio.to_thread(dead_letters.redrive, self.bus, found)
        except LookupError:
            return RedriveResult.NO_LONGER_KEPT
        except dead_letters.AWAY:
            return RedriveResult.BUS_AWAY
        await self._record(operator, found, act, reason)
        return RedriveResult.DONE

    async def _record(self, operator: Operator, found: dead_letters.DeadLetter, act: UUID, reason: str) -> None:
        async with self.store.transaction() as uow:
            recorder, said = self.recorder(uow, operator, act, found.subject), {"reason": reason}
            if await recorder.carry_out(OperatorAct.DEAD_LETTER_REDRIVEN, said, letter=found.id):
                mark_redriven(uow, found.id, operator.account, self.clocks.story())
        metrics.ACTS.labels(OperatorAct.DEAD_LETTER_REDRIVEN, "done").inc()
