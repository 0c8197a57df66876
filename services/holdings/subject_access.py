"""Gives a person what is held about them, when somebody asks for it at the console; their reason is on the record."""

import asyncio
from uuid import UUID

from services.console import metrics
from services.console.acts.recorder import ConsoleService
from services.console.policy.acts import REASON
from services.console.policy.permits import Operator
from services.holdings.pack import Pack, build_pack, rows_held
from services.platform.store.query import PATIENTLY, Query, scalar
from services.safeguarding.duty.evidence import RegisterLookedUp
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.operators import AccountId, OperatorAct

EVERYTHING = ("everything",)
ACT = "SELECT act FROM acts WHERE act = %(act)s AND account = %(account)s AND child = %(subject)s"


def authority_of(subject: str) -> Query[AuthorityId | None]:
    """`subject`: a child, a person or an account. None: the database does not hold it, or not for this reader."""
    return Query("SELECT holdings.authority_of(%(subject)s)", {"subject": subject}, scalar)


def is_act_of(act: UUID, account: AccountId, subject: str) -> Query[bool]:
    """So that nobody draws by a form that another has sent, without the record."""
    return Query(ACT, {"act": act, "account": account, "subject": subject}, bool)


class SubjectAccess(ConsoleService):
    async def sees(self, operator: Operator, subject: str) -> bool:
        async with self.store.read(operator.authorities) as reader:
            authority = await reader.fetch(authority_of(subject))
        return authority is not None and operator.sees(authority)

    async def give(self, operator: Operator, subject: str, act: UUID, reason: str) -> Pack | None:
        """The same form gives the same again, and is recorded once. None: nobody whom the operator sees."""
        async with self.store.transaction(operator.authorities) as uow:
            authority = await uow.fetch(authority_of(subject))
            if authority is None or not operator.sees(authority):
                return None
            read = RegisterLookedUp(authority=authority, purpose="subject-access", fields=EVERYTHING)
            recorder, said = self.recorder(uow, operator, act, subject), {REASON.name: reason}
            is_new = await recorder.carry_out(OperatorAct.SUBJECT_ACCESS_GIVEN, said, also=[read], authority=authority)
            if not is_new and not await uow.fetch(is_act_of(act, operator.account, subject)):
                return None
            _, rows = await uow.fetch(PATIENTLY, rows_held(act, self.keyring))
        metrics.ACTS.labels(OperatorAct.SUBJECT_ACCESS_GIVEN, "done").inc()
        return await asyncio.to_thread(build_pack, rows, subject, authority, self.clocks.wall())
