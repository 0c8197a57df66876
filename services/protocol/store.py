"""Cases, the protocols that they go by, and what the register lets the protocol know of a child."""

from dataclasses import dataclass, replace

from sqlalchemy import Column, Integer, MetaData, Table, Text, func, select
from sqlalchemy.dialects.postgresql import insert

from services.protocol.policy.case import Case
from services.protocol.policy.facts import Facts
from services.register import facts
from services.register.views import placements_for_protocol
from services.store.pipeline import at_once
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


HOLD = "SELECT state FROM protocol.cases WHERE child = %(child)s FOR UPDATE"
OPEN = "INSERT INTO protocol.cases (child, version, state) VALUES (%(child)s, 0, %(state)s) ON CONFLICT DO NOTHING"
KEEP = "UPDATE protocol.cases SET state = %(state)s, version = version + 1 WHERE child = %(child)s"


@dataclass(frozen=True, slots=True)
class Held:
    """`known` is what the register lets the protocol know of the child; None where it does not know the child."""

    case: Case
    known: dict[str, object] | None


async def hold(transaction: Transaction, child: str) -> Held:
    """The child's case, held until the transaction ends: no other process decides on this child meanwhile."""
    remembered: Held | None = transaction.remembered.get(child)
    if remembered is not None:
        return remembered
    asked = {"child": child}
    states, known = await at_once(transaction.connection, (HOLD, asked), (facts.ASK, asked))
    if not states:
        empty = {"child": child, "state": Case(child=child).model_dump_json(exclude_defaults=True)}
        _, states = await at_once(transaction.connection, (OPEN, empty), (HOLD, asked))
    held = Held(Case.model_validate_json(states[0][0]), facts.known(known))
    transaction.remembered[child] = held
    return held


def keep(transaction: Transaction, held: Held, case: Case) -> None:
    """Written with the commit. Who holds it in this transaction afterwards has it as it is kept here."""
    transaction.write_in_order(KEEP, {"child": case.child, "state": case.model_dump_json(exclude_defaults=True)})
    transaction.remembered[case.child] = replace(held, case=case)


async def keep_protocol(transaction: Transaction, name: str, merged: str) -> None:
    row = {"hash": name, "merged": merged}
    await transaction.connection.execute(insert(protocols).values(row).on_conflict_do_nothing())


async def merged_protocol(transaction: Transaction, name: str) -> str:
    """Raises sqlalchemy's NoResultFound for a protocol that was never kept: a case cannot go by one."""
    found = await transaction.connection.execute(select(protocols.c.merged).where(protocols.c.hash == name))
    return str(found.scalar_one())


async def facts_of(
    transaction: Transaction, known: dict[str, object] | None, placement: str | None, authority: str | None
) -> Facts:
    """A child whom the register does not hold has the facts of the placement, and the authority that the message names."""
    known = dict(known or await facts.at_placement(transaction.connection, placement))
    known["authority"] = known["authority"] or authority or await _some_duty_line(transaction)
    return Facts.model_validate(known)


async def _some_duty_line(transaction: Transaction) -> str:
    """A letter that nobody could read names no authority: the first that the register holds looks into it."""
    first = await transaction.connection.scalar(select(func.min(placements_for_protocol.c.authority)))
    return str(first) if first is not None else NOBODY
