"""An operator's act: once, on what its page showed, under their name, with what it brings about. All in one transaction."""

from dataclasses import dataclass, replace
from enum import Enum, auto
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.bus.envelope import say
from services.console import metrics, store
from services.console.policy.acts import About, Deed
from services.console.policy.answers import Answers
from services.console.policy.permits import Operator
from services.register import words
from services.runtime.clocks import Clocks
from services.safeguarding.identifiers import derived
from services.safeguarding.message import Message
from services.safeguarding.operators import OperatorActed
from services.store.encryption import Keyring
from services.store.transaction import Store, Transaction

SERVICE = "console"


class Result(Enum):
    DONE = auto()
    DONE_BEFORE = auto()
    """The same form came before: a second press of its button."""
    STALE = auto()
    """What the page showed is so no longer. Nothing was recorded."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An episode's or a duty's id, of which exactly one is given."""

    episode: UUID | None = None
    duty: UUID | None = None


@dataclass(frozen=True)
class Acting:
    store: Store
    clocks: Clocks
    keyring: Keyring

    async def about(self, subject: Subject, operator: Operator) -> About | None:
        """None where there is no such thing that the operator sees."""
        async with self.store.engine.connect() as connection:
            found = await _about(connection, subject)
        return found if found is not None and operator.sees(found.authority) else None

    async def done_before(self, act: UUID) -> bool:
        async with self.store.engine.connect() as connection:
            return await store.acted_before(connection, act)

    async def act(self, operator: Operator, deed: Deed, subject: Subject, answers: Answers, seen: str) -> Result:
        """`seen` is what the form remembers (`About.seen`)."""
        async with self.store.transaction() as transaction:
            result = await self._act(transaction, operator, deed, subject, answers, seen)
        metrics.ACTS.labels(deed.act, result.name.lower().replace("_", "-")).inc()
        return result

    async def _act(
        self, transaction: Transaction, operator: Operator, deed: Deed, subject: Subject, answers: Answers, seen: str
    ) -> Result:
        if await store.acted_before(transaction.connection, answers.act):
            return Result.DONE_BEFORE
        about = await _about(transaction.connection, subject)
        if about is None or about.seen != seen or not deed.possible(about):
            return Result.STALE
        if not await store.keep_act(transaction, answers.act, operator.account, deed.act, self.clocks.wall()):
            return Result.DONE_BEFORE
        answers = await self._kept(transaction, about, operator, answers)
        messages = deed.says(about, answers)
        ids = [str(derived("act", str(answers.act), each.kind)) for each in messages]
        for name, each in zip(ids, messages, strict=True):
            await self._say(transaction, about, each, name)
        await self._say(transaction, about, _record(operator, deed, about, answers, ids), f"acted-{answers.act}")
        return Result.DONE

    async def _kept(self, transaction: Transaction, about: About, operator: Operator, answers: Answers) -> Answers:
        """With what was said lying in the register, under the key of whom it is about."""
        kept = {}
        for name, said in answers.said.items():
            at = self.clocks.story()
            id_ = await words.keep(
                transaction, self.keyring, about=about.child, words=said, said_by=operator.account, at=at
            )
            kept[name] = (id_,)
        return replace(answers, words=kept)

    async def _say(self, transaction: Transaction, about: About, content: Message, message_id: str) -> None:
        await say(
            transaction,
            content,
            said_by=SERVICE,
            subject=about.child,
            at=self.clocks.story(),
            now=self.clocks.wall(),
            message_id=message_id,
            exercise=about.exercise,
        )


def _record(operator: Operator, deed: Deed, about: About, answers: Answers, said: list[str]) -> OperatorActed:
    step = answers.chosen.get("step")
    return OperatorActed(
        authority=about.authority,
        act=deed.act,
        account=operator.account,
        role=operator.role,
        episode=None if about.episode is None else about.episode.episode,
        duty=None if about.duty is None else about.duty.duty,
        step=None if step is None else int(step),
        words=tuple(name for each in answers.words.values() for name in each),
        said=tuple(said),
    )


async def _about(connection: AsyncConnection, subject: Subject) -> About | None:
    if subject.duty is None:
        return await _about_episode(connection, subject.episode)
    duty = await store.duty(connection, subject.duty)
    if duty is None:
        return None
    of = await _about_episode(connection, duty.content.episode)
    episode = None if of is None else of.episode
    return About(duty.child, duty.content.authority, duty.exercise, episode=episode, duty=duty.content)


async def _about_episode(connection: AsyncConnection, episode: UUID | None) -> About | None:
    found = None if episode is None else await store.episode(connection, episode)
    if found is None:
        return None
    discussion = await store.newest_discussion(connection, found.child, found.content.episode)
    return About(found.child, found.content.authority, found.exercise, episode=found.content, discussion=discussion)
