"""An operator's act: once, on what its page showed, under their name, with what it brings about. All in one transaction."""

from dataclasses import dataclass, replace
from enum import Enum, auto
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.console import metrics
from services.console.acts.recorder import ActRecorder
from services.console.policy.about import About
from services.console.policy.acts import DEEDS, Deed
from services.console.policy.answers import Answers
from services.console.policy.permits import Operator
from services.console.read_model import repository as read_model
from services.platform.register import identity
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Reader
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.identifiers import derived
from services.safeguarding.operators import OperatorAct

REVEALS = DEEDS[OperatorAct.CHILD_REVEALED]


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
class ActService:
    store: Store
    clocks: Clocks
    keyring: Keyring

    async def about(self, subject: Subject, operator: Operator) -> About | None:
        """None where there is no such thing that the operator sees."""
        async with self.store.reading.connect() as connection:
            found = await _about(connection, subject)
        return found if found is not None and operator.sees(found.authority) else None

    async def who(self, about: About) -> identity.Identity | None:
        """Only after the act that says who looked, and why. None: the register does not know the child."""
        async with self.store.reading.connect() as connection:
            return await Reader(connection).fetch(identity.identity_of_child(self.keyring, about.child))

    async def done_before(self, act: UUID) -> bool:
        async with self.store.reading.connect() as connection:
            return await read_model.acted_before(connection, act)

    async def named_before(self, act: UUID) -> bool:
        """Whether a page for this act has named the child."""
        return await self.done_before(_naming(act))

    async def name(self, operator: Operator, about: About, answers: Answers, seen: str) -> bool:
        """Before the act itself the child's name is looked up, once and on the record, under the act's own reason. False where what the
        page showed is so no longer. Of a child nobody knows there is no name, and the page says so.
        """
        naming = replace(answers, act=_naming(answers.act))
        subject = Subject(episode=None if about.episode is None else about.episode.episode)
        async with self.store.transaction() as uow:
            if about.seen != seen:
                return False
            if REVEALS.possible(about):
                return await self._act(uow, operator, REVEALS, subject, naming, seen) is not Result.STALE
            await read_model.keep_act(uow, naming.act, operator.account, REVEALS.act, self.clocks.wall())
            return True

    async def act(self, operator: Operator, deed: Deed, subject: Subject, answers: Answers, seen: str) -> Result:
        """`seen` is what the form remembers (`About.seen`)."""
        async with self.store.transaction() as uow:
            result = await self._act(uow, operator, deed, subject, answers, seen)
        metrics.ACTS.labels(deed.act, result.name.lower().replace("_", "-")).inc()
        return result

    async def _act(
        self, uow: UnitOfWork, operator: Operator, deed: Deed, subject: Subject, answers: Answers, seen: str
    ) -> Result:
        if await read_model.acted_before(uow.connection, answers.act):
            return Result.DONE_BEFORE
        about = await _about(uow.connection, subject)
        if about is None or about.seen != seen or not deed.possible(about):
            return Result.STALE
        voice = ActRecorder(self.clocks, self.keyring, uow, operator, answers.act, about.child, about.exercise)
        if not await voice.is_first(deed.act):
            return Result.DONE_BEFORE
        answers = replace(answers, words=await voice.keep(answers.said))
        said = await voice.say(*deed.says(about, answers))
        await voice.record(
            deed.act,
            authority=about.authority,
            episode=None if about.episode is None else about.episode.episode,
            duty=None if about.duty is None else about.duty.duty,
            step=answers.chosen.get("step"),
            words=tuple(name for each in answers.words.values() for name in each),
            said=said,
        )
        return Result.DONE


def _naming(act: UUID) -> UUID:
    return derived("names the child", str(act))


async def _about(connection: AsyncConnection, subject: Subject) -> About | None:
    if subject.duty is None:
        return await _about_episode(connection, subject.episode)
    duty = await read_model.duty(connection, subject.duty)
    if duty is None:
        return None
    of = await _about_episode(connection, duty.content.episode)
    episode = None if of is None else of.episode
    return About(duty.child, duty.content.authority, duty.exercise, episode=episode, duty=duty.content)


async def _about_episode(connection: AsyncConnection, episode: UUID | None) -> About | None:
    found = None if episode is None else await read_model.episode(connection, episode)
    if found is None:
        return None
    discussion = await read_model.newest_discussion(connection, found.child, found.content.episode)
    return About(found.child, found.content.authority, found.exercise, episode=found.content, discussion=discussion)
