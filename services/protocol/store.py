"""Cases, the protocols that they go by, and what the register lets the protocol know of a child."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Column, MetaData, Table, Text, func, select
from sqlalchemy.dialects.postgresql import insert

from services.platform.messages.envelope import Received
from services.platform.register import facts
from services.platform.register.views import placements_for_protocol
from services.platform.store.query import Statement, bulk_insert, execute_pipelined, to_columns, unnest_rows
from services.platform.store.unit_of_work import Local, UnitOfWork
from services.protocol.policy.case import Case
from services.protocol.policy.facts import Facts

NOBODY = "unassigned"
"""The authority of what belongs to none: no register holds it, so its duties stay overdue on the console for all to see."""

metadata = MetaData(schema="protocol")
protocols = Table("protocols", metadata, Column("hash", Text, primary_key=True), Column("merged", Text, nullable=False))


OPEN = bulk_insert("protocol.cases", {"child": "text", "version": "integer", "state": "text"}, "ON CONFLICT DO NOTHING")
HOLD = "SELECT child, state FROM protocol.cases WHERE child = ANY(%(children)s) ORDER BY child FOR UPDATE"
KEEP = f"""
    UPDATE protocol.cases SET state = given.state, version = version + 1
    FROM {unnest_rows({"child": "text", "state": "text"})} WHERE cases.child = given.child
"""  # noqa: S608 this module's own words


@dataclass(frozen=True, slots=True)
class Held:
    """`known` is what the register lets the protocol know of the child; None where it does not know the child."""

    case: Case
    known: dict[str, object] | None


HELD: Local[dict[str, Held]] = Local(dict)


class Holding:
    """Holds the cases of some children, opened where there are none, until the transaction ends: no other process decides on these
    children meanwhile. In one order, so that two processes that hold the same ones do not wait for each other for ever.
    """

    def queries(self, several: Collection[Received[Any]]) -> list[Statement]:
        return self.of({each.subject for each in several})

    def of(self, children: Collection[str]) -> list[Statement]:
        names = sorted(children)
        empty = [{"child": child, "version": 0, "state": _written(Case(child=child))} for child in names]
        asked = {"children": names}
        return [(OPEN, to_columns(empty)), (HOLD, asked), (facts.ASK, asked)]

    def load(self, uow: UnitOfWork, answers: Sequence[list[tuple[Any, ...]]]) -> None:
        _, states, rows = answers
        known = facts.known(rows)
        for child, state in states:
            uow.local(HELD)[child] = Held(Case.model_validate_json(state), known.get(child))


HOLDING = Holding()


async def hold(uow: UnitOfWork, child: str) -> Held:
    """Its case, where it has not been held yet."""
    if child not in uow.local(HELD):
        HOLDING.load(uow, await execute_pipelined(uow.connection, *HOLDING.of([child])))
    return uow.local(HELD)[child]


def keep(uow: UnitOfWork, held: Held, case: Case) -> None:
    """Written with the commit. Who holds it in this transaction afterwards has it as it is kept here."""
    uow.save_once(KEEP, case.child, lambda: {"child": case.child, "state": _written(case)})
    uow.local(HELD)[case.child] = replace(held, case=case)


def _written(case: Case) -> str:
    return case.model_dump_json(exclude_defaults=True)


async def keep_protocol(uow: UnitOfWork, name: str, merged: str) -> None:
    row = {"hash": name, "merged": merged}
    await uow.connection.execute(insert(protocols).values(row).on_conflict_do_nothing())


async def merged_protocol(uow: UnitOfWork, name: str) -> str:
    """Raises sqlalchemy's NoResultFound for a protocol that was never kept: a case cannot go by one."""
    found = await uow.connection.execute(select(protocols.c.merged).where(protocols.c.hash == name))
    return str(found.scalar_one())


async def facts_of(
    uow: UnitOfWork, known: dict[str, object] | None, placement: str | None, authority: str | None
) -> Facts:
    """A child whom the register does not hold has the facts of the placement, and the authority that the message names."""
    known = dict(known or await facts.at_placement(uow.connection, placement))
    known["authority"] = known["authority"] or authority or await _some_duty_line(uow)
    return Facts.model_validate(known)


async def _some_duty_line(uow: UnitOfWork) -> str:
    """A letter that nobody could read names no authority: the first that the register holds looks into it."""
    first = await uow.connection.scalar(select(func.min(placements_for_protocol.c.authority)))
    return str(first) if first is not None else NOBODY
