"""Who holds a role now: asked when sending, never before, so that nothing depends on one worker being on shift."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, any_, bindparam, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.register.views import carers_now, for_contact, for_protocol, rota
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId, PlacementId
from services.safeguarding.roles import Role
from services.safeguarding.working_time import Days, Turn, on_duty
from services.store.pipeline import as_sql, at_once

DUTY_SOCIAL_WORKER = "duty.social-worker"
LINES_OF = {Role.DUTY_WORKER: (DUTY_SOCIAL_WORKER, str(Role.DUTY_EMERGENCY_TEAM))}
"""Roles that several of the directory's lines may fill, the first that has somebody on duty."""


@dataclass(frozen=True, slots=True)
class Holder:
    person: PersonId
    authority: AuthorityId
    language: str


# Built once: at each telling they are only filled in.
CHILD, AUTHORITY = bindparam("child", type_=Text), bindparam("authority", type_=Text)
NAMED = as_sql(
    select(for_contact.c.person, for_contact.c.authority, for_contact.c.language).where(
        for_contact.c.person == bindparam("person", type_=Text)
    )
)
CARERS = as_sql(
    select(carers_now.c.person, carers_now.c.authority, carers_now.c.language)
    .where(or_(carers_now.c.child == CHILD, carers_now.c.placement == bindparam("placement", type_=Text)))
    .order_by(carers_now.c.from_at, carers_now.c.person)
)
LINE = tuple(each.name for each in rota.c)
LINES = select(rota).where(
    rota.c.role == any_(bindparam("lines", type_=ARRAY(Text))), or_(rota.c.child.is_(None), rota.c.child == CHILD)
)
HOST = select(for_protocol.c.host_authority).where(for_protocol.c.child == CHILD).scalar_subquery()
ON_DUTY = as_sql(LINES.where(rota.c.authority == AUTHORITY))
ON_DUTY_OR_HOST = as_sql(LINES.where(or_(rota.c.authority == AUTHORITY, rota.c.authority == HOST)))


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
    [rows] = await at_once(connection, (NAMED, {"person": person}))
    return [Holder(*row) for row in rows]


async def _carers(connection: AsyncConnection, child: ChildId | None, placement: PlacementId | None) -> list[Holder]:
    """Of the child's placement, and for a child not yet identified of the placement that the report came from."""
    [rows] = await at_once(connection, (CARERS, {"child": child, "placement": placement}))
    return list(dict.fromkeys(Holder(*row) for row in rows))


async def _on_duty(
    connection: AsyncConnection, role: Role, authority: AuthorityId, child: ChildId | None, at: datetime
) -> list[Holder]:
    lines = LINES_OF.get(role, (str(role),))
    asked = ON_DUTY_OR_HOST if role is Role.HOST_DUTY_DESK else ON_DUTY
    [found] = await at_once(connection, (asked, {"lines": list(lines), "authority": authority, "child": child}))
    rows = [dict(zip(LINE, row, strict=True)) for row in found]
    for line in lines:
        of_line = [row for row in rows if row["role"] == line]
        chosen = _first_asked([row for row in of_line if row["child"] is not None], at) or _first_asked(of_line, at)
        if chosen:
            return chosen
    return []


def _first_asked(rows: list[dict[str, Any]], at: datetime) -> list[Holder]:
    holder_of = {row["person"]: Holder(row["person"], row["authority"], row["language"]) for row in rows}
    turns = [
        Turn(row["person"], row["turn"], Days(row["days"]), row["starts"], row["ends"], row["bank_holidays"])
        for row in rows
    ]
    return list(dict.fromkeys(holder_of[turn.person] for turn in on_duty(turns, at)))
