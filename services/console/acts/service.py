"""Carries out an operator's act once, in one transaction, on the state that the page showed, under their name.

Each act is recorded: its form is claimed, the reason kept in the register, and its events published.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from typing import TypeAlias
from uuid import UUID

from services.console import metrics
from services.console.policy.access import Operator
from services.console.policy.acts import ACT_SPECS, HAPPENED_AT, About, ActSpec, read_form
from services.console.read_model import projections
from services.console.read_model import repository as read_model
from services.console.read_model.repository import claim_act, message_of_act
from services.platform.register import words
from services.platform.register.child import Identity, codes_of_children, identity_of_child
from services.platform.runtime.clocks import Clocks
from services.platform.store import deadlines
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Reader, all_rows
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.deeds import DEED_SPECS, Answers, Fault, Faults
from services.safeguarding.identifiers import AuthorityId, ChildId, WordsId, derived
from services.safeguarding.message import Message
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
        by, now = self.operator.account, self.clocks.story()
        kept = await words.keep_form(self.uow, self.keyring, said, about=self.child, said_by=by, at=now)
        messages = {message_of_act(self.act, each): each for each in (*say(kept), *also)}
        for name, message in messages.items():
            if held:
                how = {"said_by": "console", "exercise": self.exercise}
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


REVEAL = ACT_SPECS[OperatorAct.CHILD_REVEALED]
ONE_ACT = "SELECT pg_advisory_xact_lock(hashtextextended('acts about ' || %(child)s, 0))"
"""Of two acts at once, contrary ones or one button pressed twice, the second sees the first."""


class _HasGoneOut(Exception):
    """A part of what was to be undone: so nothing of it is undone."""


class Result(Enum):
    DONE = auto()
    DONE_BEFORE = auto()
    """The same form came before: a second press of its button."""
    STALE = auto()
    """The state that the page showed has changed. Nothing was recorded."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An episode's or a duty's id: exactly one is given. `corrects` names an event on the episode's record, and `only`
    the form whose records alone are to be undone.
    """

    episode: UUID | None = None
    duty: UUID | None = None
    corrects: UUID | None = None
    only: UUID | None = None


class ActService(ConsoleService):
    async def about(self, subject: Subject, operator: Operator) -> About | None:
        """None if there is no such episode or duty that the operator may see."""
        async with self.store.read() as reader:
            found = await _find(reader, subject, operator, self.clocks.story())
        return found if found is not None and operator.sees(found.authority) else None

    async def identity_of(self, child: ChildId, operator: Operator) -> Identity | None:
        """Call it only after the act that records who looked, and why. None: no authority of theirs holds the child."""
        async with self.store.read() as reader:
            return await reader.fetch(identity_of_child(self.keyring, child, operator.scope))

    async def read(self, spec: ActSpec, about: About, act: UUID, form: Mapping[str, str]) -> Answers:
        """The form's answers, with the child that a code or a reference names. Raises Faults."""
        answers = read_form(spec, about, act, form, self.clocks.story())
        if "child" not in answers.chosen:
            return answers
        async with self.store.read() as reader:
            child = await _find_child(reader, about.authority, answers.chosen["child"])
        if child is None or child == about.child:
            raise Faults({"child": Fault.UNKNOWN})
        return replace(answers, chosen={**answers.chosen, "child": child})

    async def candidates(self, about: About) -> list[str]:
        """The codes of the children that an unknown child may be."""
        candidates = () if about.episode is None else about.episode.candidates
        async with self.store.read() as reader:
            return sorted((await reader.fetch(codes_of_children(candidates))).values())

    async def is_done(self, act: UUID) -> bool:
        async with self.store.read() as reader:
            return await reader.fetch(read_model.is_act_done(act))

    async def has_named(self, act: UUID, child: ChildId) -> bool:
        """Whether a page for this act has named this child."""
        return await self.is_done(_naming(act, child))

    async def name_child(self, operator: Operator, spec: ActSpec, about: About, answers: Answers, seen: str) -> bool:
        """Records, before the act itself, that the child's name is looked up, under the act's own reason and once.

        False if the state that the page showed has changed. A child nobody knows has no name: the page says so.
        """
        if about.seen_for(spec.act) != seen:
            return False
        about = replace(about, child=named_child(about, answers))
        naming = replace(answers, act=_naming(answers.act, about.child))
        async with self.store.transaction() as uow:
            if REVEAL.is_possible(about):
                await self._record(uow, operator, REVEAL, about, naming)
            else:
                await read_model.claim_act(uow, naming.act, operator.account, REVEAL.act, self.clocks.wall())
        return True

    async def act(self, operator: Operator, spec: ActSpec, subject: Subject, answers: Answers, seen: str) -> Result:
        """`seen` is the state that the form remembers (`About.seen_for`)."""
        try:
            async with self.store.transaction() as uow:
                result = await self._act(uow, operator, spec, subject, answers, seen)
        except _HasGoneOut:
            result = Result.STALE
        metrics.ACTS.labels(spec.act, result.name.lower().replace("_", "-")).inc()
        return result

    async def _act(
        self, uow: UnitOfWork, operator: Operator, spec: ActSpec, subject: Subject, answers: Answers, seen: str
    ) -> Result:
        about = await _find(uow, subject, operator, self.clocks.story())
        if about is not None:
            await uow.fetch(Query(ONE_ACT, {"child": about.child}, all_rows))
            about = await _find(uow, subject, operator, self.clocks.story())
        if await uow.fetch(read_model.is_act_done(answers.act)):
            uow.wait_for_standby()
            return Result.DONE_BEFORE
        if about is None or about.seen_for(spec.act) != seen or not spec.is_possible(about):
            return Result.STALE
        if spec.act is OperatorAct.UNDONE:
            meant = [each.message for each in about.undoable]
            if await uow.fetch(deadlines.take_back(self.clocks.story(), meant)) < len(meant):
                raise _HasGoneOut
        return await self._record(uow, operator, spec, about, answers)

    async def _record(
        self, uow: UnitOfWork, operator: Operator, spec: ActSpec, about: About, answers: Answers
    ) -> Result:
        is_new = await self.recorder(uow, operator, answers.act, about.child, exercise=about.exercise).carry_out(
            spec.act,
            answers.said,
            lambda words: spec.messages(about, replace(answers, words=words)),
            held=spec.held,
            at=answers.moments.get(HAPPENED_AT.name),
            authority=about.authority,
            episode=None if about.episode is None else about.episode.episode,
            duty=None if about.duty is None else about.duty.duty,
            step=answers.chosen.get("step"),
        )
        return Result.DONE if is_new else Result.DONE_BEFORE


def named_child(about: About, answers: Answers) -> ChildId:
    """The child that the confirming page names: the one that the form names, else the one of the page."""
    return answers.chosen.get("child", about.child)


async def _find_child(reader: Reader, authority: AuthorityId, named: str) -> ChildId | None:
    """By the child's code, else by our reference of a report."""
    found = await reader.fetch(projections.children_named(named))
    return next((child for child, owner in found if owner == authority), None)


def _naming(act: UUID, child: ChildId) -> UUID:
    """The id of the act that names the child before `act`. A form that names another child by now names it too."""
    return derived("names the child", str(act), child)


async def _find(reader: Reader, subject: Subject, operator: Operator, now: datetime) -> About | None:
    if subject.duty is None:
        return await _find_episode(reader, subject, operator, now)
    duty = await reader.fetch(read_model.duty_by_id(subject.duty))
    if duty is None:
        return None
    deed, told_at = duty.content.deed, min((each.told_at for each in duty.content.steps), default=duty.at)
    episode, waiting = await reader.fetch(
        read_model.episode_by_id(duty.content.episode),
        read_model.waiting(duty.child, duty.content.episode, now, operator.sees),
    )
    kind = None if deed is None else DEED_SPECS[deed].kind
    recorded = (
        None if kind is None else await reader.fetch(read_model.event_to_correct(duty.child, kind=kind, since=told_at))
    )
    return About(
        duty.child,
        duty.content.authority,
        duty.exercise,
        episode=None if episode is None else episode.content,
        duty=duty.content,
        held=tuple(each for each in waiting.held if kind is not None and isinstance(each.content, kind)),
        recorded=recorded,
        viewer=operator,
        only=subject.only,
    )


async def _find_episode(reader: Reader, subject: Subject, operator: Operator, now: datetime) -> About | None:
    found = await reader.fetch(read_model.episode_by_id(subject.episode))
    if found is None:
        return None
    discussion, waiting, recorded, same_phone = await reader.fetch(
        read_model.newest_discussion(found.child, found.content.episode),
        read_model.waiting(found.child, found.content.episode, now, operator.sees),
        read_model.event_to_correct(found.child, name=subject.corrects),
        read_model.same_phone(found.child),
    )
    return About(
        found.child,
        found.content.authority,
        found.exercise,
        episode=found.content,
        discussion=discussion,
        held=waiting.held,
        recorded=recorded,
        same_phone=same_phone,
        viewer=operator,
        only=subject.only,
    )
