"""Moves a child to the authority that receives it: the register's own row, in the transaction that says so (S39, S45)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from services.casework.policy.agency_event import Wrong, WrongEvent
from services.casework.policy.codes import free_code
from services.casework.store.tables import authorities, children, directory, placements, transferred
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.care_events import ChildTransferred
from services.safeguarding.identifiers import AuthorityId, ChildId, PlacementId


@dataclass(frozen=True, slots=True)
class Moving:
    """`moves_to`: the receiver's reference of where the child lives from now on. None: where it lives, until the register says."""

    child: ChildId
    former: AuthorityId
    to: AuthorityId
    moves_to: str | None
    at: datetime


async def transfer(uow: UnitOfWork, said: ChildTransferred, child: ChildId, moves_to: str | None, at: datetime) -> None:
    """To an authority that the register holds; of any other the child stays where it is, and people hand over.

    The caller holds the register. Done twice it is done once. Raises WrongEvent where the receiver has no such placement.
    """
    to = None if said.outside_england else said.to
    if to is None or to == said.authority or not await _is_held(uow, to):
        return
    await _move(uow, Moving(child, said.authority, to, moves_to, at))


async def named(uow: UnitOfWork, authority: AuthorityId, reference: str) -> tuple[ChildId, AuthorityId] | None:
    """Of a child that was this authority's under `reference`: its id, and whose it is now."""
    rows = await uow.connection.execute(
        select(children.c.id, children.c.authority)
        .join(transferred, transferred.c.child == children.c.id)
        .where(transferred.c.authority == authority, transferred.c.reference == reference)
    )
    row = rows.first()
    return None if row is None else (row.id, row.authority)


async def _is_held(uow: UnitOfWork, authority: AuthorityId) -> bool:
    found = select(authorities.c.id).where(authorities.c.id == authority)
    return await uow.connection.scalar(found) is not None


async def _move(uow: UnitOfWork, moving: Moving) -> None:
    connection = uow.connection
    mine = children.c.id == moving.child
    found = await connection.execute(select(children.c.reference, children.c.code, children.c.placement).where(mine))
    row = found.one_or_none()
    if row is None:
        return
    taken = await connection.scalars(select(children.c.code).where(children.c.authority == moving.to))
    lives = row.placement if moving.moves_to is None else await _placement(uow, moving)
    own = await _own_reference(uow, moving)
    now = {"authority": moving.to, "reference": own, "code": free_code(row.code, frozenset(taken)), "placement": lives}
    before = {"authority": moving.former, "reference": row.reference, "child": moving.child, "at": moving.at}
    await connection.execute(insert(transferred).values(before))
    await connection.execute(
        delete(directory).where(directory.c.child == moving.child, directory.c.authority == moving.former)
    )
    await connection.execute(update(children).where(mine).values(now))


async def _own_reference(uow: UnitOfWork, moving: Moving) -> str:
    """Where the receiver had the child before: the reference of then. Else our id, which no child of the receiver's own can have."""
    theirs = (transferred.c.child == moving.child) & (transferred.c.authority == moving.to)
    had = delete(transferred).where(theirs).returning(transferred.c.reference)
    return str(await uow.connection.scalar(had) or moving.child)


async def _placement(uow: UnitOfWork, moving: Moving) -> PlacementId:
    found = await uow.connection.scalar(
        select(placements.c.id).where(placements.c.authority == moving.to, placements.c.reference == moving.moves_to)
    )
    if found is None:
        raise WrongEvent(
            Wrong.CONTENT, "data.moves_to", "the reference of a placement that the register holds of the receiver"
        )
    return str(found)
