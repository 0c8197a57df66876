"""Writes an import into the register, in the caller's transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Table, delete, exists, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upserting
from sqlalchemy.ext.asyncio import AsyncConnection

from services.casework.policy.register_import import Import, Known
from services.casework.policy.rows import CarerRow, ChildRow, PersonRow, PlacementRow
from services.casework.store import tables
from services.casework.store.row_encryption import Sealing
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, new_id

Referred: TypeAlias = PlacementRow | PersonRow | ChildRow


@dataclass(frozen=True, slots=True)
class Held:
    """The authority's part of the register before the import: what the policy asks about, and the ids behind references."""

    known: Known
    placements: dict[str, str]
    people: dict[str, str]
    children: dict[str, str]
    given_away: frozenset[str]
    """References of children who are another authority's by now."""


async def hold_register(uow: UnitOfWork) -> None:
    """Imports and transfers wait for each other from here to the transaction's end."""
    lock = func.pg_advisory_xact_lock(func.hashtextextended("register import", 0))
    await uow.connection.execute(select(lock))


async def held(uow: UnitOfWork, authority: AuthorityId) -> Held:
    """Holds the register until the transaction ends."""
    await hold_register(uow)
    connection = uow.connection
    children = await connection.execute(
        select(tables.children.c.reference, tables.children.c.id, tables.children.c.code).where(
            tables.children.c.authority == authority
        )
    )
    of_child = {reference: (child, code) for reference, child, code in children}
    placements = await _ids(connection, tables.placements, authority)
    people = await _ids(connection, tables.people, authority)
    others = tables.agencies.c.authority != authority
    foreign = select(tables.agencies.c.id).where(others)
    sources = select(tables.agency_sources.c.source).where(tables.agency_sources.c.agency.in_(foreign))
    known = Known(
        authority=await _any(connection, authority),
        forces=frozenset(await connection.scalars(select(tables.forces.c.id))),
        placements=frozenset(placements),
        people=frozenset(people),
        children={reference: code for reference, (_child, code) in of_child.items()},
        others_agencies=frozenset(await connection.scalars(foreign)),
        others_sources=frozenset(await connection.scalars(sources)),
    )
    gone = select(tables.transferred.c.reference).where(tables.transferred.c.authority == authority)
    given_away = frozenset(await connection.scalars(gone))
    ids = {reference: child for reference, (child, _code) in of_child.items()}
    return Held(known, placements, people, ids, given_away)


async def write(
    uow: UnitOfWork, keyring: Keyring, authority: AuthorityId, given: Import, before: Held, at: datetime
) -> None:
    """`at` is story time: who is no longer among a placement's carers is a former carer from then on."""
    connection = uow.connection
    placements = _with_new(before.placements, given.placements, "placement")
    people = _with_new(before.people, given.people, "person")
    children = _with_new(before.children, given.children, "child")
    sealing = await Sealing.of(connection, keyring, given, [placements, people, children])
    if given.authority is not None:
        await _upsert(connection, tables.authorities, [given.authority.model_dump()], "id")
    await _upsert(connection, tables.forces, [sealing.force(row) for row in (given.forces or {}).values()], "id")
    mine = {"authority": authority}
    for table, rows in (
        (tables.placements, [mine | sealing.placement(row, placements) for row in (given.placements or {}).values()]),
        (tables.people, [mine | sealing.person(row, people) for row in (given.people or {}).values()]),
        (tables.children, [mine | sealing.child(row, children, placements) for row in (given.children or {}).values()]),
    ):
        await _upsert(connection, table, rows, "authority", "reference", keep="id")
    if given.carers is not None:
        await _carers(connection, authority, {_pair(row, placements, people) for row in given.carers.values()}, at)
    if given.directory is not None:
        lines = [mine | _line(row.model_dump(), people, children) for row in given.directory.values()]
        await _replace(connection, tables.directory, authority, lines)
    if given.agencies is not None:
        await _replace(
            connection, tables.agencies, authority, [mine | sealing.agency(row) for row in given.agencies.values()]
        )
        sources = [{"source": source, "agency": row.id} for row in given.agencies.values() for source in row.sources]
        if sources:
            await connection.execute(insert(tables.agency_sources), sources)


async def sharing(uow: UnitOfWork, authority: AuthorityId) -> list[list[str]]:
    """The references of people who have one number and are carers, or on the directory, as it is now: a group a number."""
    person, link, line = tables.people.c, tables.placement_carers.c, tables.directory.c
    speaks = exists().where(link.person == person.id, link.to_at.is_(None)) | exists().where(line.person == person.id)
    found = await uow.connection.execute(
        select(func.array_agg(person.reference))
        .where(person.authority == authority, person.number_hash.is_not(None), speaks)
        .group_by(person.number_hash)
        .having(func.count() > 1)
    )
    return [list(each) for each in found.scalars()]


async def _ids(connection: AsyncConnection, table: Table, authority: AuthorityId) -> dict[str, str]:
    rows = await connection.execute(select(table.c.reference, table.c.id).where(table.c.authority == authority))
    return {row.reference: row.id for row in rows}


async def _any(connection: AsyncConnection, authority: AuthorityId) -> bool:
    found = select(tables.authorities.c.id).where(tables.authorities.c.id == authority)
    return await connection.scalar(found) is not None


def _with_new(ids: Mapping[str, str], rows: Mapping[int, Referred] | None, of: str) -> dict[str, str]:
    return {row.reference: new_id(of) for row in (rows or {}).values()} | dict(ids)


def _pair(row: CarerRow, placements: Mapping[str, str], people: Mapping[str, str]) -> tuple[str, str]:
    return placements[row.placement], people[row.person]


def _line(row: dict[str, Any], people: Mapping[str, str], children: Mapping[str, str]) -> dict[str, Any]:
    child = row.pop("child")
    return row | {
        "person": people[row["person"]],
        "child": None if child is None else children[child],
        "turn": row.pop("order"),
    }


async def _upsert(
    connection: AsyncConnection, table: Table, rows: list[dict[str, Any]], *key: str, keep: str | None = None
) -> None:
    if not rows:
        return
    statement = upserting(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key and name != keep}
    await connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), rows)


async def _replace(
    connection: AsyncConnection, table: Table, authority: AuthorityId, rows: list[dict[str, Any]]
) -> None:
    await connection.execute(delete(table).where(table.c.authority == authority))
    if rows:
        await connection.execute(insert(table), rows)


async def _carers(
    connection: AsyncConnection, authority: AuthorityId, wanted: set[tuple[str, str]], at: datetime
) -> None:
    links = tables.placement_carers
    theirs = select(tables.placements.c.id).where(tables.placements.c.authority == authority)
    now = links.c.to_at.is_(None) & links.c.placement.in_(theirs)
    rows = await connection.execute(select(links.c.placement, links.c.person).where(now))
    present = {(row.placement, row.person) for row in rows}
    gone = present - wanted
    if gone:
        leaving = tuple_(links.c.placement, links.c.person).in_(gone)
        await connection.execute(update(links).where(now, leaving).values(to_at=at))
    come = [{"placement": placement, "person": person, "from_at": at} for placement, person in sorted(wanted - present)]
    if come:
        await connection.execute(insert(links), come)
