"""Carries out what the duty desk does beside a case's own acts: a report for somebody who rings, an
exercise, another try for a dead letter, and the name of another authority's child in an emergency.

A report opens the episode as a carer's text would. An exercise is a report about a child who does not exist, marked as
an exercise from end to end. A dead letter is published before it is recorded: one that is
published twice is skipped by its consumers. Of a name that was told in an emergency, a manager there hears.
"""

import asyncio
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from uuid import UUID

from services.console import metrics
from services.console.acts.service import ConsoleService, KeptWords, all_words
from services.console.policy.access import Operator
from services.console.policy.acts import REASON
from services.console.policy.child import IDENTITY
from services.console.read_model.repository import is_dead_letter, mark_redriven
from services.platform.bus import dead_letters
from services.platform.bus.connection import Connection
from services.platform.register import directory
from services.platform.register.child import Identity, cared_for_by, child_by_code, identity_of_child
from services.platform.register.directory import e164
from services.platform.store.query import EVERY, Query, Reader, first_row
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.care_events import AccessOverridden
from services.safeguarding.child_events.events import ChildProvisional, ChildReportedMissing
from services.safeguarding.deeds import Answers, Fault, Faults, Field, Kind
from services.safeguarding.duty.decisions import RegisterLookedUp
from services.safeguarding.identifiers import AuthorityId, ChildId, ForceId, derived, is_provisional, provisional_child
from services.safeguarding.message import Message
from services.safeguarding.operators import OperatorAct

LIVE = "SELECT live FROM register.authorities WHERE id = %(authority)s"


class NotLive(Exception):
    """Nobody is told: the authority takes exercises alone as yet."""


REPORT = (
    Field("child", Kind.CODE, required=False),
    Field("last_seen_at", Kind.PAST, required=False),
    *(Field(name, Kind.LINE, required=False) for name in ("last_seen_place", "clothing", "companions")),
    *(Field(name, Kind.WORDS, required=False) for name in ("why_worried", "risks_now", "done_so_far")),
    Field("reporter", Kind.LINE),
    Field("reporter_telephone", Kind.LINE),
    Field("story", Kind.WORDS, required=False),
)
"""What police will ask of whoever reports a child by telephone."""


async def is_live(uow: UnitOfWork, authority: AuthorityId) -> bool:
    """Whether real reports about its children are taken."""
    found = await uow.fetch(Query(LIVE, {"authority": authority}, first_row))
    return found is None or bool(found.live)


class ReportService(ConsoleService):
    async def asks(self, operator: Operator) -> tuple[Field, ...]:
        """An operator of several authorities says which one's child it is."""
        if operator.only_authority is not None:
            return REPORT
        async with self.store.read() as reader:
            areas = await reader.fetch(directory.areas_with_placements(operator.scope))
        return (Field("authority", Kind.CHOICE, choices=tuple(sorted({each for each, _ in areas}))), *REPORT)

    async def report(self, operator: Operator, answers: Answers) -> bool:
        """False if this form has reported before. Raises Faults for a code that no child of the authority has."""
        authority = operator.only_authority or answers.chosen["authority"]
        async with self.store.transaction() as uow:
            if not await is_live(uow, authority):
                raise NotLive
            child, where = await self._find(uow, authority, answers)
            seen = {"channel": "console", "last_seen_at": answers.moments.get("last_seen_at")}

            def say(words: KeptWords) -> list[Message]:
                told = where | {"authority": authority, "words": all_words(words)}
                unknown = [ChildProvisional.model_validate(told)] if is_provisional(child) else []
                return [ChildReportedMissing.model_validate(told | seen), *unknown]

            recorder = self.recorder(uow, operator, answers.act, child)
            is_new = await recorder.carry_out(OperatorAct.REPORTED, answers.said, say, authority=authority)
        metrics.ACTS.labels(OperatorAct.REPORTED, "done" if is_new else "done-before").inc()
        return is_new

    async def _find(
        self, reader: Reader, authority: AuthorityId, answers: Answers
    ) -> tuple[ChildId, dict[str, object]]:
        """The child, and where it lives. One that nobody can name may be any child of the caller's placement."""
        code = answers.chosen.get("child")
        if code is not None:
            child = await reader.fetch(child_by_code(authority, code))
            if child is None:
                raise Faults({"child": Fault.UNKNOWN})
            return child, {}
        numbers = self.keyring.number_hashes(e164(answers.said["reporter_telephone"]))
        placement, children = await reader.fetch(cared_for_by(authority, numbers))
        if len(children) == 1:
            return children[0], {"placement": placement}
        unknown = provisional_child(f"report {answers.act}")
        return unknown, {"placement": placement, "candidates": tuple(children)}


class ExerciseService(ConsoleService):
    async def areas(self, operator: Operator) -> list[tuple[AuthorityId, ForceId]]:
        """The areas in which the operator may start one."""
        async with self.store.read() as reader:
            return await reader.fetch(directory.areas_with_placements(operator.scope))

    async def start(self, operator: Operator, act: UUID, authority: AuthorityId, force: ForceId, reason: str) -> bool:
        """A repeated `act` starts nothing. The report names a placement, which decides the force, and no real child.

        False: the authority has no placement in that force's area, or the operator may not see it.
        """
        if not operator.sees(authority):
            return False
        async with self.store.transaction() as uow:
            placement = await uow.fetch(directory.placement_in_area(authority, force))
            if placement is None:
                return False
            report = partial(ChildReportedMissing, authority=authority, channel="console", placement=placement)
            await self.recorder(uow, operator, act, provisional_child(f"exercise {act}"), exercise=True).carry_out(
                OperatorAct.EXERCISE_STARTED,
                {"reason": reason},
                lambda words: [report(words=words["reason"])],
                authority=authority,
            )
        metrics.ACTS.labels(OperatorAct.EXERCISE_STARTED, "done").inc()
        return True


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


class BreakGlassService(ConsoleService):
    async def asks(self, operator: Operator) -> tuple[Field, ...]:
        """The authorities that the operator does not see."""
        async with self.store.read([EVERY]) as reader:  # the names of authorities alone
            areas = await reader.fetch(directory.areas_with_placements(None))
        others = sorted({each for each, _ in areas if not operator.sees(each)})
        return (Field("authority", Kind.CHOICE, choices=tuple(others)), Field("child", Kind.CODE), REASON)

    async def reveal(self, operator: Operator, answers: Answers) -> Identity | None:
        """The same form shows the same child and tells the manager once. Raises Faults for a code of no child."""
        authority = answers.chosen["authority"]
        async with self.store.transaction([authority]) as uow:
            child = await uow.fetch(child_by_code(authority, answers.chosen["child"]))
            if child is None:
                raise Faults({"child": Fault.UNKNOWN})
            act = derived("breaks the glass", str(answers.act), operator.account, child)
            broken = partial(AccessOverridden, authority=authority, account=operator.account)
            await self.recorder(uow, operator, act, child).carry_out(
                OperatorAct.GLASS_BROKEN,
                answers.said,
                lambda words: [broken(words=words["reason"])],
                also=[RegisterLookedUp(authority=authority, purpose="console", fields=IDENTITY)],
                authority=authority,
            )
        metrics.ACTS.labels(OperatorAct.GLASS_BROKEN, "done").inc()
        async with self.store.read([authority]) as reader:
            return await reader.fetch(identity_of_child(self.keyring, child, [authority]))
