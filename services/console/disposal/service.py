"""Has records held, and somebody erased by two people. Each step is on the record, its reason sealed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.console.accounts.repository import account_names
from services.console.acts.recorder import ActRecorder
from services.console.disposal import records
from services.console.disposal.records import Named
from services.console.policy.permits import Operator
from services.platform.register import words
from services.platform.register.reasons import reasons_by_id
from services.platform.runtime.clocks import Clocks
from services.platform.store.disposal import erasures
from services.platform.store.disposal.erasures import Hindrance
from services.platform.store.encryption import Keyring
from services.platform.store.query import PATIENTLY
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.identifiers import AuthorityId, WordsId
from services.safeguarding.operators import OperatorAct


@dataclass(frozen=True)
class DisposalService:
    """Every method but the first is one act: repeated with the same id, it does nothing more."""

    store: Store
    clocks: Clocks
    keyring: Keyring

    async def shown(self) -> Mapping[str, Any]:
        async with self.store.read() as reader:
            holds, asked, names = await reader.fetch(records.holds(), records.erasures(), account_names())
            ids = [each.reason for each in (*holds, *asked) if each.reason]
            reasons = await reader.fetch(reasons_by_id(self.keyring, ids))
        return {"holds": holds, "erasures": asked, "names": names, "reasons": reasons}

    async def whom(self, operator: Operator, name: str, authority: AuthorityId) -> Named | None:
        """No name: the authority as a whole. None: nobody there goes by it, or more than one does."""
        if not operator.sees(authority):
            return None
        async with self.store.read() as reader:
            return await reader.fetch(records.named(name, authority))

    async def hold(self, operator: Operator, act: UUID, whom: Named, reason: str) -> None:
        async with self.store.transaction() as uow:
            recorder = self._recorder(uow, operator, act, whom)
            if await recorder.claim(OperatorAct.HOLD_MADE):
                said = await self._keep_reason(uow, operator, whom.authority, reason)
                await uow.fetch(records.make_hold(act, whom, said, operator.account, self.clocks.wall()))
                _record(recorder, OperatorAct.HOLD_MADE, whom, said)

    async def end_hold(self, operator: Operator, act: UUID, hold: UUID, reason: str) -> None:
        async with self.store.transaction() as uow:
            ended = await uow.fetch(records.end_hold(hold, operator.account, self.clocks.wall()))
            if ended is not None:
                said = await self._keep_reason(uow, operator, ended.authority, reason)
                _record(self._recorder(uow, operator, act, ended), OperatorAct.HOLD_ENDED, ended, said)

    async def ask(self, operator: Operator, act: UUID, whom: Named, reason: str) -> Sequence[Hindrance]:
        """What hinders it: then nothing is asked."""
        async with self.store.transaction() as uow:
            recorder = self._recorder(uow, operator, act, whom)
            owner = recorder.child
            _, hindered = await uow.fetch(PATIENTLY, erasures.hindrances(owner))
            if hindered:
                return hindered
            if await recorder.claim(OperatorAct.ERASURE_ASKED):
                said = await self._keep_reason(uow, operator, whom.authority, reason)
                asked = (act, whom.authority, owner, said[0], operator.account, self.clocks.wall())
                if await uow.fetch(erasures.ask_erasure(*asked)):
                    _record(recorder, OperatorAct.ERASURE_ASKED, whom, said)
        return ()

    async def withdraw(self, operator: Operator, act: UUID, erasure: UUID) -> None:
        async with self.store.transaction() as uow:
            withdrawn = await uow.fetch(records.withdraw_erasure(erasure, operator.account, self.clocks.wall()))
            if withdrawn is not None:
                _record(self._recorder(uow, operator, act, withdrawn), OperatorAct.ERASURE_WITHDRAWN, withdrawn)

    async def approve(self, operator: Operator, act: UUID, erasure: UUID) -> Sequence[Hindrance]:
        """What hinders it. None: it is done, and cannot be undone."""
        async with self.store.transaction() as uow:
            whom = await uow.fetch(records.owner_to_erase(erasure))  # one of theirs: the database shows no other
            if whom is None:
                return [Hindrance("gone", None)]
            approved = erasures.approve_erasure(erasure, operator.account, self.clocks.wall())
            _, hindered = await uow.fetch(PATIENTLY, approved)
            if not hindered:
                _record(self._recorder(uow, operator, act, whom), OperatorAct.ERASURE_APPROVED, whom)
        return hindered

    async def _keep_reason(
        self, uow: UnitOfWork, operator: Operator, authority: AuthorityId, reason: str
    ) -> tuple[WordsId, ...]:
        """About the authority, since it outlives what is erased."""
        owner, by, at = erasures.owner_of(authority), operator.account, self.clocks.story()
        return (await words.keep(uow, self.keyring, about=owner, words=reason, said_by=by, at=at),)

    def _recorder(self, uow: UnitOfWork, operator: Operator, act: UUID, whom: Named) -> ActRecorder:
        subject = whom.owner or erasures.owner_of(whom.authority)
        return ActRecorder(self.clocks, self.keyring, uow, operator, act, subject)


def _record(recorder: ActRecorder, what: OperatorAct, whom: Named, said: tuple[WordsId, ...] = ()) -> None:
    recorder.record(what, authority=whom.authority, episode=whom.episode, words=said)
