"""Changes the rota in an operator's name, once for each form."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.console import metrics
from services.console.acts.recorder import ActRecorder
from services.console.policy.permits import Operator
from services.console.policy.shift.changes import RotaChange, needed_to_end
from services.platform.register.people import directory_page, rota_changes
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store, UnitOfWork
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

    def _recorder(self, uow: UnitOfWork, operator: Operator, act: UUID, person: str) -> ActRecorder:
        return ActRecorder(self.clocks, self.keyring, uow, operator, act, person)
