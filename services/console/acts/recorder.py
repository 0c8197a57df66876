"""How the console says what an operator did: the reason kept in the register, the act on the bus, once."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from services.console.policy.permits import Operator
from services.console.read_model import repository as read_model
from services.platform.register import words
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import ChildId, WordsId, derived
from services.safeguarding.message import Message
from services.safeguarding.operators import OperatorAct, OperatorActed

SERVICE = "console"


@dataclass(frozen=True)
class ActRecorder:
    """Of one act about one child, in one transaction. `act` is the form's id."""

    clocks: Clocks
    keyring: Keyring
    uow: UnitOfWork
    operator: Operator
    act: UUID
    child: ChildId
    exercise: bool = False

    async def is_first(self, what: OperatorAct) -> bool:
        """False where this form has acted before. Two that race for one act wait for each other here."""
        return await read_model.keep_act(self.uow, self.act, self.operator.account, what, self.clocks.wall())

    async def keep(self, said: Mapping[str, str]) -> dict[str, tuple[WordsId, ...]]:
        """The words of each field, encrypted under the key of whom they are about."""
        kept: dict[str, tuple[WordsId, ...]] = {}
        for name, text in said.items():
            kept[name] = (
                await words.keep(
                    self.uow,
                    self.keyring,
                    about=self.child,
                    words=text,
                    said_by=self.operator.account,
                    at=self.clocks.story(),
                ),
            )
        return kept

    async def say(self, *messages: Message) -> tuple[str, ...]:
        """Their ids, which follow from the act's."""
        ids = tuple(str(derived("act", str(self.act), each.kind)) for each in messages)
        for name, content in zip(ids, messages, strict=True):
            self.uow.publish(content, subject=self.child, message_id=name, exercise=self.exercise)
        return ids

    async def record(self, what: OperatorAct, **about: object) -> None:
        """Who acted, as what, and what came of it: for the record alone."""
        who = {"act": what, "account": self.operator.account, "role": self.operator.role}
        await self.say(OperatorActed.model_validate(who | about))
