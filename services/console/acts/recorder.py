"""Records an operator's act: claims its form, keeps the reason in the register, and publishes its events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from services.console.policy.permits import Operator
from services.console.read_model.repository import claim_act, message_of_act
from services.platform.register import words
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.story_time import deadlines
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import ChildId, WordsId
from services.safeguarding.message import Message
from services.safeguarding.notice_fields import QUESTIONS
from services.safeguarding.operators import OperatorAct, OperatorActed
from services.safeguarding.roles import Deed


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

    async def claim(self, what: OperatorAct | Deed) -> bool:
        """False if this form has acted before. Of two that race for one act, the second waits here for the first."""
        return await claim_act(self.uow, self.act, self.operator.account, what, self.clocks.wall(), self.child)

    async def keep_words(self, said: Mapping[str, str]) -> dict[str, tuple[WordsId, ...]]:
        """Encrypts the words of each field under the key of the child. A field that is named as a question of police is
        its answer.
        """
        by, at = self.operator.account, self.clocks.story()
        keep = partial(words.keep, self.uow, self.keyring, about=self.child, said_by=by, at=at)
        return {
            name: (await keep(words=text, answers=QUESTIONS.get(name), reference=name == "reference"),)
            for name, text in said.items()
        }

    def publish(self, *messages: Message, at: datetime | None = None) -> tuple[str, ...]:
        """Returns the messages' ids, which are derived from the act's. `at`: when it happened, if not now."""
        said = {str(message_of_act(self.act, each)): each for each in messages}
        for name, message in said.items():
            self.uow.publish(message, subject=self.child, message_id=name, at=at, exercise=self.exercise)
        return tuple(said)

    async def hold(self, *messages: Message, at: datetime | None = None) -> tuple[str, ...]:
        """As `publish`, in a minute: the clock publishes them, unless somebody undoes the act before."""
        now, said = self.clocks.story(), {message_of_act(self.act, each): each for each in messages}
        for name, message in said.items():
            how: dict[str, Any] = {"said_by": "console", "subject": self.child, "exercise": self.exercise}
            await deadlines.hold(self.uow, now, name, message, **how, at=at or now)
        return tuple(map(str, said))

    def record(self, what: OperatorAct | Deed, **about: object) -> None:
        """Publishes who acted, in which role, with which result."""
        who = {"act": what, "account": self.operator.account, "role": self.operator.role}
        self.publish(OperatorActed.model_validate(who | about))
