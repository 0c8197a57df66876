"""Has records held, and somebody erased by two people. Each step is on the record, its reason sealed."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from services.console.accounts import account_names
from services.console.acts.service import ActRecorder, ConsoleService
from services.console.policy.access import Operator
from services.platform.register import words
from services.platform.register.child import codes_of_children
from services.platform.store import disposal
from services.platform.store.disposal import ALONE
from services.platform.store.query import BRIEFLY, PATIENTLY, Query, Rows, all_rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, WordsId
from services.safeguarding.operators import OperatorAct

MOST = 100
HOLDS = f"""
    SELECT h.*, c.code, e.reference FROM disposal.holds h LEFT JOIN register.for_console c ON c.child = h.child
    LEFT JOIN console.episodes e ON e.episode = h.episode
    ORDER BY h.ended_at IS NOT NULL, h.made_at DESC LIMIT {MOST}
"""  # noqa: S608 this module's own words
ERASURES = f"""
    SELECT r.*, c.code, p.reference AS person, r.approved_at IS NULL AND r.withdrawn_at IS NULL AS waits
    FROM disposal.erasures r LEFT JOIN register.for_console c ON c.child = r.owner LEFT JOIN register.people p ON p.id = r.owner
    ORDER BY waits DESC, r.asked_at DESC LIMIT {MOST}
"""  # noqa: S608 this module's own words
ERASURE = "SELECT authority, owner FROM disposal.erasures WHERE id = %(id)s"
NAMED = """
    SELECT * FROM (
        SELECT authority, child AS owner, NULL::uuid AS episode FROM register.for_console WHERE code = upper(%(name)s)
        UNION SELECT c.authority, c.child, e.episode FROM console.episodes e JOIN register.for_console c USING (child)
        WHERE e.reference = upper(%(name)s)
        UNION SELECT authority, id, NULL FROM register.people WHERE reference = %(name)s
        UNION SELECT id, NULL, NULL FROM register.authorities WHERE %(name)s = ''
    ) AS known WHERE authority = %(authority)s
"""
MAKE = """
    INSERT INTO disposal.holds (id, authority, child, episode, reason, made_by, made_at)
    VALUES (%(id)s, %(authority)s, %(child)s, %(episode)s, %(reason)s, %(by)s, %(at)s)
"""
END = """
    UPDATE disposal.holds SET ended_by = %(by)s, ended_at = %(at)s WHERE id = %(id)s AND ended_at IS NULL
    RETURNING authority, child, episode
"""
WITHDRAW = """
    UPDATE disposal.erasures SET withdrawn_by = %(by)s, withdrawn_at = %(at)s
    WHERE id = %(id)s AND approved_at IS NULL AND withdrawn_at IS NULL RETURNING authority, owner
"""


class Named(NamedTuple):
    """Whom somebody means: a child, a person, or an authority as a whole (`owner` is None)."""

    authority: AuthorityId
    owner: str | None
    episode: UUID | None = None


class DisposalService(ConsoleService):
    """Each method from `hold` on is one act: repeated with the same id, it does nothing more."""

    async def shown(self) -> Mapping[str, Any]:
        """Of whoever asks: the database shows them their authorities alone."""
        async with self.store.read() as reader:
            holds, asked, names = await reader.fetch(
                Query(HOLDS, {}, all_rows), Query(ERASURES, {}, all_rows), account_names()
            )
            ids = [each.reason for each in (*holds, *asked) if each.reason]
            reasons = await reader.fetch(words.reasons_by_id(self.keyring, ids))
        return {"holds": holds, "erasures": asked, "names": names, "reasons": reasons}

    async def whom(self, operator: Operator, name: str, authority: AuthorityId) -> Named | None:
        """No name: the authority as a whole. None: nobody there goes by it, or more than one does."""
        if not operator.sees(authority):
            return None
        async with self.store.read() as reader:
            return await reader.fetch(named(name, authority))

    async def hold(self, operator: Operator, act: UUID, whom: Named, reason: str) -> Sequence[disposal.Hindrance]:
        """What hinders it: the child has been erased meanwhile."""
        async with self.store.transaction() as uow:
            await uow.fetch(PATIENTLY, ALONE)
            if whom.owner is not None and not await uow.fetch(codes_of_children([whom.owner])):
                return [disposal.Hindrance("erased", None)]
            recorder = self._recorder(uow, operator, act, whom)
            if await recorder.claim(OperatorAct.HOLD_MADE):
                said = await self._keep_reason(uow, operator, whom.authority, reason)
                made = {"id": act, "reason": said[0], "by": operator.account, "at": self.clocks.wall()}
                hold = made | {"authority": whom.authority, "child": whom.owner, "episode": whom.episode}
                await uow.fetch(Query(MAKE, hold, all_rows))
                _record(recorder, OperatorAct.HOLD_MADE, whom, said)
        return ()

    async def end_hold(self, operator: Operator, act: UUID, hold: UUID, reason: str) -> None:
        await self._end(operator, act, END, hold, OperatorAct.HOLD_ENDED, reason)

    async def ask(self, operator: Operator, act: UUID, whom: Named, reason: str) -> Sequence[disposal.Hindrance]:
        """What hinders it: then nothing is asked. An authority is erased by `organisations destroy-key` alone."""
        if whom.owner is None:
            return [disposal.Hindrance("whole", None)]
        async with self.store.transaction() as uow:
            recorder = self._recorder(uow, operator, act, whom)
            owner = recorder.child
            _, hindered = await uow.fetch(PATIENTLY, disposal.hindrances(owner))
            if hindered:
                return hindered
            if await recorder.claim(OperatorAct.ERASURE_ASKED):
                said = await self._keep_reason(uow, operator, whom.authority, reason)
                asked = (act, whom.authority, owner, said[0], operator.account, self.clocks.wall())
                if await uow.fetch(disposal.ask_erasure(*asked)):
                    _record(recorder, OperatorAct.ERASURE_ASKED, whom, said)
        return ()

    async def withdraw(self, operator: Operator, act: UUID, erasure: UUID) -> None:
        await self._end(operator, act, WITHDRAW, erasure, OperatorAct.ERASURE_WITHDRAWN)

    async def _end(
        self, operator: Operator, act: UUID, statement: str, id_: UUID, what: OperatorAct, reason: str = ""
    ) -> None:
        """Nothing if it has ended already, or is not theirs."""
        async with self.store.transaction() as uow:
            asked = {"id": id_, "by": operator.account, "at": self.clocks.wall()}
            whom = await uow.fetch(Query(statement, asked, _first))
            if whom is not None:
                said = await self._keep_reason(uow, operator, whom.authority, reason) if reason else ()
                _record(self._recorder(uow, operator, act, whom), what, whom, said)

    async def approve(self, operator: Operator, act: UUID, erasure: UUID) -> Sequence[disposal.Hindrance]:
        """What hinders it. None: it is done, and cannot be undone."""
        try:
            return await self._approve(operator, act, erasure)
        except disposal.BUSY:
            return [disposal.Hindrance("busy", None)]

    async def _approve(self, operator: Operator, act: UUID, erasure: UUID) -> Sequence[disposal.Hindrance]:
        async with self.store.transaction() as uow:
            # One of theirs: the database shows no other.
            whom = await uow.fetch(Query(ERASURE, {"id": erasure}, _first))
            if whom is None:
                return [disposal.Hindrance("gone", None)]
            if whom.owner == disposal.owner_of(whom.authority):
                return [disposal.Hindrance("whole", None)]
            approved = disposal.approve_erasure(erasure, operator.account, self.clocks.wall())
            _, _, _, hindered = await uow.fetch(PATIENTLY, ALONE, BRIEFLY, approved)
            if not hindered:
                _record(self._recorder(uow, operator, act, whom), OperatorAct.ERASURE_APPROVED, whom)
        return hindered

    async def _keep_reason(
        self, uow: UnitOfWork, operator: Operator, authority: AuthorityId, reason: str
    ) -> tuple[WordsId, ...]:
        """About the authority, since it outlives what is erased."""
        owner, by, at = disposal.owner_of(authority), operator.account, self.clocks.story()
        return (await words.keep(uow, self.keyring, about=owner, words=reason, said_by=by, at=at),)

    def _recorder(self, uow: UnitOfWork, operator: Operator, act: UUID, whom: Named) -> ActRecorder:
        subject = whom.owner or disposal.owner_of(whom.authority)
        return self.recorder(uow, operator, act, subject)


def _record(recorder: ActRecorder, what: OperatorAct, whom: Named, said: tuple[WordsId, ...] = ()) -> None:
    recorder.record(what, authority=whom.authority, episode=whom.episode, words=said)


def named(name: str, authority: AuthorityId) -> Query[Named | None]:
    """By the code of a child, our reference of a search, or the reference of a person in the authority's register;
    without a name the authority. None: nobody goes by it there, or more than one does.
    """
    asked = {"name": name, "authority": authority}
    return Query(NAMED, asked, lambda rows: Named(*rows[0]) if len(rows) == 1 else None)


def _first(rows: Rows) -> Named | None:
    return Named(*rows[0]) if rows else None
