"""Records an operator's act: claims its form, keeps the reason in the register, and publishes its events."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from services.console.policy.permits import Operator
from services.console.read_model.repository import claim_act
from services.platform.register import words
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import ChildId, WordsId, derived
from services.safeguarding.message import Message
from services.safeguarding.operators import OperatorAct, OperatorActed


@dataclass(frozen=True)
class ActRecorder:
    """For one act about one child, in one transaction. `act` is the form's id."""

    clocks: Clocks
    keyring: Keyring
    uow: UnitOfWork
    operator: Operator
    act: UUID
    child: ChildId
    exercise: bool = False

    async def claim(self, what: OperatorAct) -> bool:
        """False if this form has acted before. Of two that race for one act, the second waits here for the first."""
        return await claim_act(self.uow, self.act, self.operator.account, what, self.clocks.wall(), self.child)

    async def keep_words(self, said: Mapping[str, str]) -> dict[str, tuple[WordsId, ...]]:
        """Encrypts the words of each field under the key of the child."""
        about, by, at = self.child, self.operator.account, self.clocks.story()
        return {
            name: (await words.keep(self.uow, self.keyring, about=about, words=text, said_by=by, at=at),)
            for name, text in said.items()
        }

    def publish(self, *messages: Message) -> tuple[str, ...]:
        """Returns the messages' ids, which are derived from the act's."""
        ids = tuple(str(derived("act", str(self.act), each.kind)) for each in messages)
        for message_id, message in zip(ids, messages, strict=True):
            self.uow.publish(message, subject=self.child, message_id=message_id, exercise=self.exercise)
        return ids

    def record(self, what: OperatorAct, **about: object) -> None:
        """Publishes who acted, in which role, with which result."""
        who = {"act": what, "account": self.operator.account, "role": self.operator.role}
        self.publish(OperatorActed.model_validate(who | about))
