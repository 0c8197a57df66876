"""Who holds a role now: asked when sending, never before, so that nothing depends on one worker being on shift."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.register.views import carers_now, for_contact, for_protocol, rota
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId, PlacementId
from services.safeguarding.roles import Role
from services.safeguarding.working_time import Days, Turn, on_duty

DUTY_SOCIAL_WORKER = "duty.social-worker"
LINES_OF = {Role.DUTY_WORKER: (DUTY_SOCIAL_WORKER, str(Role.DUTY_EMERGENCY_TEAM))}
"""Roles that several of the directory's lines may fill, the first that has somebody on duty."""


@dataclass(frozen=True, slots=True)
class Holder:
    person: PersonId
    authority: AuthorityId
    language: str


async def holders(
    connection: AsyncConnection,
    role: Role,
    *,
    authority: AuthorityId,
    child: ChildId | None,
    person: PersonId | None,
    at: datetime,
    placement: PlacementId | None = None,
) -> list[Holder]:
    """In the order in which they are to be asked: the one on duty first, then deputies. Empty: nobody holds the role now.

    `person`, where a duty names one, is the answer whatever the role. `at` is story time. A police control room is no
    person: ask `services.register.forces`.
    """
    if person is not None:
        return await _named(connection, person)
    if role is Role.CARERS_ALL:
        return await _carers(connection, child, placement)
    return await _on_duty(connection, role, authority, child, at)


async def _named(connection: AsyncConnection, person: PersonId) -> list[Holder]:
    view = for_contact.c
    rows = await connection.execute(select(view.person, view.authority, view.language).where(view.person == person))
    return [Holder(*row) for row in rows]


async def _carers(connection: AsyncConnection, child: ChildId | None, placement: PlacementId | None) -> list[Holder]:
    """Of the child's placement, and for a child not yet identified of the placement that the report came from."""
    view = carers_now.c
    rows = await connection.execute(
        select(view.person, view.authority, view.language)
        .where(or_(view.child == child, view.placement == placement))
        .order_by(view.from_at, view.person)
    )
    return list(dict.fromkeys(Holder(*row) for row in rows))


async def _on_duty(
    connection: AsyncConnection, role: Role, authority: AuthorityId, child: ChildId | None, at: datetime
) -> list[Holder]:
    lines = LINES_OF.get(role, (str(role),))
    found = await connection.execute(
        select(rota).where(
            rota.c.role.in_(lines),
            _of_authority(role, authority, child),
            or_(rota.c.child.is_(None), rota.c.child == child),
        )
    )
    rows = found.mappings().all()
    for line in lines:
        of_line = [row for row in rows if row["role"] == line]
        chosen = _first_asked([row for row in of_line if row["child"] is not None], at) or _first_asked(of_line, at)
        if chosen:
            return chosen
    return []


def _of_authority(role: Role, authority: AuthorityId, child: ChildId | None) -> ColumnElement[bool]:
    if role is not Role.HOST_DUTY_DESK:
        return rota.c.authority == authority
    host = select(for_protocol.c.host_authority).where(for_protocol.c.child == child).scalar_subquery()
    return or_(rota.c.authority == authority, rota.c.authority == host)


def _first_asked(rows: list[RowMapping], at: datetime) -> list[Holder]:
    holder_of = {row["person"]: Holder(row["person"], row["authority"], row["language"]) for row in rows}
    turns = [
        Turn(row["person"], row["turn"], Days(row["days"]), row["starts"], row["ends"], row["bank_holidays"])
        for row in rows
    ]
    return list(dict.fromkeys(holder_of[turn.person] for turn in on_duty(turns, at)))
