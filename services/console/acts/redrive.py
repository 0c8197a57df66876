"""Gives a dead letter another try, and records who did so. Publishing comes first: whoever hears it twice passes it over."""

import asyncio
from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID, uuid4

from services.console import metrics
from services.console.acts.recorder import ActRecorder
from services.console.policy.permits import Operator
from services.console.read_model import repository as read_model
from services.platform.bus import dead_letters
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.safeguarding.message import Topic
from services.safeguarding.operators import OperatorAct


class Redriven(Enum):
    DONE = auto()
    NO_LONGER_KEPT = auto()
    """The bus does not hold the letter, or the message that it is about, any more."""
    BUS_AWAY = auto()


@dataclass(frozen=True)
class DeadLetterRedrive:
    """`bus` is Kafka's address."""

    store: Store
    clocks: Clocks
    keyring: Keyring
    bus: str

    async def known(self, letter: UUID) -> bool:
        async with self.store.reading.connect() as connection:
            return await read_model.is_dead_letter(connection, str(letter))

    async def redrive(self, operator: Operator, letter: UUID, act: UUID, reason: str) -> Redriven:
        """The same `act` again publishes again, and is recorded once."""
        try:
            found = await asyncio.to_thread(self._published_again, str(letter))
        except LookupError:
            return Redriven.NO_LONGER_KEPT
        except dead_letters.AWAY:
            return Redriven.BUS_AWAY
        await self._record(operator, found, act, reason)
        return Redriven.DONE

    async def again(self, operator: Operator, found: dead_letters.DeadLetter, reason: str) -> Topic:
        """For whoever has it from the bus already. Raises LookupError where its message is no longer kept, and AWAY's."""
        topic = await asyncio.to_thread(dead_letters.redrive, self.bus, found)
        await self._record(operator, found, uuid4(), reason)
        return topic

    async def _record(self, operator: Operator, found: dead_letters.DeadLetter, act: UUID, reason: str) -> None:
        async with self.store.transaction() as uow:
            voice = ActRecorder(self.clocks, self.keyring, uow, operator, act, found.subject)
            if await voice.is_first(OperatorAct.DEAD_LETTER_REDRIVEN):
                kept = await voice.keep({"reason": reason})
                await read_model.redriven(uow, found.id, operator.account, self.clocks.story())
                await voice.record(OperatorAct.DEAD_LETTER_REDRIVEN, letter=found.id, words=kept["reason"])
        metrics.ACTS.labels(OperatorAct.DEAD_LETTER_REDRIVEN, "done").inc()

    def _published_again(self, letter: str) -> dead_letters.DeadLetter:
        """Raises LookupError."""
        found = next((each for each in dead_letters.listed(self.bus) if each.id == letter), None)
        if found is None:
            raise LookupError(letter)
        dead_letters.redrive(self.bus, found)
        return found
