"""Changes the rota in an operator's name, once for each form."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.console import metrics
from services.console.acts.recorder import ActRecorder
from services.console.policy.permits import Operator
from services.console.policy.shift.changes import RotaChange, needed_to_end
from services.console.read_model.hand_overs import HandOver, accept_hand_over, add_hand_over
from services.platform.register.people import directory_page, rota_changes
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.child_events.contact_events import ShiftAccepted, ShiftHandedOver
from services.safeguarding.deeds.answers import Answers
from services.safeguarding.duty.rota import RotaLine
from services.safeguarding.identifiers import derived
from services.safeguarding.operators import OperatorAct


@dataclass(frozen=True)
class RotaService:
    """Whom an operator's own rota does not hold, none of these changes."""

    store: Store
    clocks: Clocks
    keyring: Keyring

    async def lines(self, operator: Operator) -> list[RotaLine]:
        async with self.store.read() as reader:
            return await reader.fetch(directory_page.rota_lines(self.keyring, operator.authority, self.clocks.story()))

    async def change(
        self,
        operator: Operator,
        what: OperatorAct,
        act: UUID,
        changes: Sequence[RotaChange],
        lines: Iterable[RotaLine],
    ) -> None:
        """All of one authority: the first person's. `lines` are those that were offered."""
        authority_of = {line.person: line.authority for line in lines}
        async with self.store.transaction() as uow:
            recorder = self._recorder(uow, operator, act, changes[0].person)
            if await recorder.claim(what):
                for at, each in enumerate(changes):
                    if authority_of[each.person] != authority_of[changes[0].person]:
                        raise ValueError("a change of the rota is of one authority")
                    rota_changes.add(
                        uow,
                        id_=derived("rota change", str(act), str(at)),
                        authority=authority_of[each.person],
                        person=each.person,
                        role=each.role,
                        in_place_of=each.in_place_of,
                        away=each.away,
                        from_at=each.from_at,
                        to_at=each.to_at,
                        made_by=operator.account,
                    )
                recorder.record(what, authority=authority_of[changes[0].person])
        metrics.ACTS.labels(what, "done").inc()

    async def end(self, operator: Operator, act: UUID, change: UUID) -> None:
        """At once; one that has not begun never begins. Nothing where the operator may not have made it either."""
        line = next((each for each in await self.lines(operator) if each.change == change), None)
        if line is None or not operator.may(needed_to_end(line)):
            return
        async with self.store.transaction() as uow:
            recorder = self._recorder(uow, operator, act, line.person)
            if await recorder.claim(OperatorAct.ROTA_CHANGE_ENDED):
                rota_changes.end(uow, change, self.clocks.story())
                recorder.record(OperatorAct.ROTA_CHANGE_ENDED, authority=line.authority)
        metrics.ACTS.labels(OperatorAct.ROTA_CHANGE_ENDED, "done").inc()

    async def hand_over(self, operator: Operator, answers: Answers, lines: Iterable[RotaLine]) -> None:
        """Who comes on is told by the protocol. `lines` are those that were offered."""
        person, what = answers.chosen["to"], OperatorAct.SHIFT_HANDED_OVER
        authority = next(line.authority for line in lines if line.person == person)
        async with self.store.transaction() as uow:
            recorder = self._recorder(uow, operator, answers.act, person)
            if await recorder.claim(what):
                [words] = (await recorder.keep_words(answers.said)).values()
                made = HandOver(answers.act, authority, person, words, operator.account, self.clocks.story())
                add_hand_over(uow, made)
                said = recorder.publish(ShiftHandedOver(authority=authority, contact=person, words=words))
                recorder.record(what, authority=authority, words=words, said=said)
        metrics.ACTS.labels(what, "done").inc()

    async def accept(self, operator: Operator, act: UUID, hand_over: UUID) -> None:
        """Nothing where somebody has accepted it already."""
        what = OperatorAct.SHIFT_ACCEPTED
        async with self.store.transaction() as uow:
            now = self.clocks.story()
            found = await accept_hand_over(uow, hand_over, operator.authority, operator.account, now)
            if found is None:
                return
            recorder = self._recorder(uow, operator, act, found.person)
            if await recorder.claim(what):
                said = recorder.publish(ShiftAccepted(authority=found.authority, contact=found.person))
                recorder.record(what, authority=found.authority, said=said)
        metrics.ACTS.labels(what, "done").inc()

    def _recorder(self, uow: UnitOfWork, operator: Operator, act: UUID, person: str) -> ActRecorder:
        return ActRecorder(self.clocks, self.keyring, uow, operator, act, person)
