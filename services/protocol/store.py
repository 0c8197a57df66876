"""Cases, the protocols that they go by, and what the register lets the protocol know of a child."""

from sqlalchemy import Column, Integer, MetaData, Table, Text, func, select, update
from sqlalchemy.dialects.postgresql import insert

from services.protocol.policy.case import Case
from services.protocol.policy.facts import Facts
from services.register import facts
from services.register.views import placements_for_protocol
from services.store.transaction import Transaction

NOBODY = "unassigned"
"""The authority of what belongs to none: no register holds it, so its duties stay overdue on the console for all to see."""

metadata = MetaData(schema="protocol")
cases = Table(
    "cases",
    metadata,
    Column("child", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
)
protocols = Table("protocols", metadata, Column("hash", Text, primary_key=True), Column("merged", Text, nullable=False))


async def hold(transaction: Transaction, child: str) -> Case:
    """The child's case, held until the transaction ends: no other process decides on this child meanwhile."""
    held = select(cases.c.state).where(cases.c.child == child).with_for_update()
    state = await transaction.connection.scalar(held)
    if state is None:
        empty = {"child": child, "version": 0, "state": Case(child=child).model_dump_json(exclude_defaults=True)}
        await transaction.connection.execute(insert(cases).values(empty).on_conflict_do_nothing())
        state = await transaction.connection.scalar(held)
    return Case.model_validate_json(str(state))


async def keep(transaction: Transaction, case: Case) -> None:
    state = case.model_dump_json(exclude_defaults=True)
    await transaction.connection.execute(
        update(cases).where(cases.c.child == case.child).values(state=state, version=cases.c.version + 1)
    )


async def keep_protocol(transaction: Transaction, name: str, merged: str) -> None:
    row = {"hash": name, "merged": merged}
    await transaction.connection.execute(insert(protocols).values(row).on_conflict_do_nothing())


async def merged_protocol(transaction: Transaction, name: str) -> str:
    """Raises sqlalchemy's NoResultFound for a protocol that was never kept: a case cannot go by one."""
    found = await transaction.connection.execute(select(protocols.c.merged).where(protocols.c.hash == name))
    return str(found.scalar_one())


async def facts_of(transaction: Transaction, child: str, placement: str | None, authority: str | None) -> Facts:
    """A child whom the register does not hold has the facts of the placement, and the authority that the message names."""
    known = await facts.for_protocol(transaction.connection, child, placement=placement)
    known["authority"] = known["authority"] or authority or await _some_duty_line(transaction)
    return Facts.model_validate(known)


async def _some_duty_line(transaction: Transaction) -> str:
    """A letter that nobody could read names no authority: the first that the register holds looks into it."""
    first = await transaction.connection.scalar(select(func.min(placements_for_protocol.c.authority)))
    return str(first) if first is not None else NOBODY
