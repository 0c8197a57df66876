"""Records an operator's act: claims its form, keeps the reason in the register, and publishes its events."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeAlias
from uuid import UUID

from services.console.policy.access import Operator
from services.console.read_model.repository import claim_act, message_of_act
from services.platform.register import words
from services.platform.runtime.clocks import Clocks
from services.platform.store import deadlines
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.identifiers import ChildId, WordsId
from services.safeguarding.message import Message
from services.safeguarding.notice_fields import QUESTIONS
from services.safeguarding.operators import OperatorAct, OperatorActed
from services.safeguarding.roles import Deed

KeptWords: TypeAlias = Mapping[str, tuple[WordsId, ...]]
"""By field."""


def all_words(kept: KeptWords) -> tuple[WordsId, ...]:
    """Of every field, in the order of the form."""
    return tuple(each for ids in kept.values() for each in ids)


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

    async def carry_out(
        self,
        what: OperatorAct | Deed,
        said: Mapping[str, str],
        say: Callable[[KeptWords], Sequence[Message]] = lambda _words: (),
        *,
        also: Sequence[Message] = (),
        held: bool = False,
        at: datetime | None = None,
        **about: object,
    ) -> bool:
        """Keeps the words in `said`, publishes the messages that `say` makes of them and those in `also`, and records
        the act with the fields in `about`. `held`: the clock publishes it in a minute, unless somebody undoes the act
        before. `at`: when it happened, if not now. False if this form has acted before.
        """
        if not await self.claim(what):
            return False
        kept = await self._keep_words(said)
        messages = {message_of_act(self.act, each): each for each in (*say(kept), *also)}
        for name, message in messages.items():
            if held:
                now, how = self.clocks.story(), {"said_by": "console", "exercise": self.exercise}
                deadlines.hold(self.uow, now, name, message, subject=self.child, at=at or now, **how)
            else:
                self._publish(message, at)
        self.record(what, words=all_words(kept), said=tuple(map(str, messages)), **about)
        return True

    async def claim(self, what: OperatorAct | Deed) -> bool:
        """False if this form has acted before. Of two that race for one act, the second waits here for the first."""
        is_new = await claim_act(self.uow, self.act, self.operator.account, what, self.clocks.wall(), self.child)
        if not is_new:
            self.uow.wait_for_standby()
        return is_new

    def record(self, what: OperatorAct | Deed, **about: object) -> None:
        """Publishes who acted, in which role, with which result."""
        who = {"act": what, "account": self.operator.account, "role": self.operator.role}
        self._publish(OperatorActed.model_validate(who | about))

    async def _keep_words(self, said: Mapping[str, str]) -> KeptWords:
        """Under the key of the child. A field that is named as a question of police is its answer."""
        by, at = self.operator.account, self.clocks.story()
        keep = partial(words.keep, self.uow, self.keyring, about=self.child, said_by=by, at=at)
        return {
            name: (await keep(words=text, answers=QUESTIONS.get(name), reference=name == "reference"),)
            for name, text in said.items()
        }

    def _publish(self, message: Message, at: datetime | None = None) -> None:
        """Its id is derived from the act's."""
        name = str(message_of_act(self.act, message))
        self.uow.publish(message, subject=self.child, message_id=name, at=at, exercise=self.exercise)


@dataclass(frozen=True)
class ConsoleService:
    """What each service of the console reads and acts with."""

    store: Store
    clocks: Clocks
    keyring: Keyring

    def recorder(
        self, uow: UnitOfWork, operator: Operator, act: UUID, child: ChildId, *, exercise: bool = False
    ) -> ActRecorder:
        return ActRecorder(self.clocks, self.keyring, uow, operator, act, child, exercise)
