"""Who holds a role now: asked when sending, never before, so that nothing depends on one worker being on shift."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Text, any_, bindparam, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.register.contact import Contact, Sealed
from services.platform.register.views import carers_now, for_contact, for_protocol, rota
from services.platform.store.encryption import Keyring
from services.platform.store.query import Statement, as_sql, execute_pipelined
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId, PlacementId
from services.safeguarding.roles import Role
from services.safeguarding.working_time import Days, Turn, on_duty

Rows: TypeAlias = Sequence[tuple[Any, ...]]

DUTY_SOCIAL_WORKER = "duty.social-worker"
LINES_OF = {Role.DUTY_WORKER: (DUTY_SOCIAL_WORKER, str(Role.DUTY_EMERGENCY_TEAM))}
"""Roles that several of the directory's lines may fill, the first that has somebody on duty."""


@dataclass(frozen=True, slots=True)
class Holder:
    person: PersonId
    authority: AuthorityId
    language: str
    sealed: Sealed = field(default=Sealed(None, None, None), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """Who holds a role. `statement` may go with others in one round trip; `holders` makes the answer of its rows."""

    statement: Statement
    holders: Callable[[Rows], list[Holder]]

    async def ask(self, connection: AsyncConnection) -> list[Holder]:
        """By itself."""
        [rows] = await execute_pipelined(connection, self.statement)
        return self.holders(rows)


# Built once: at each telling they are only filled in. How somebody is reached comes along.
CHILD, AUTHORITY = bindparam("child", type_=Text), bindparam("authority", type_=Text)
HOW = (for_contact.c.mobile, for_contact.c.email, for_contact.c.wrapped)
NAMED = as_sql(
    select(for_contact.c.person, for_contact.c.authority, for_contact.c.language, *HOW).where(
        for_contact.c.person == bindparam("person", type_=Text)
    )
)
CARERS = as_sql(
    select(carers_now.c.person, carers_now.c.authority, carers_now.c.language, *HOW)
    .join(for_contact, for_contact.c.person == carers_now.c.person)
    .where(or_(carers_now.c.child == CHILD, carers_now.c.placement == bindparam("placement", type_=Text)))
    .order_by(carers_now.c.from_at, carers_now.c.person)
)
LINE = tuple(each.name for each in (*rota.c, *HOW))
LINES = (
    select(rota, *HOW)
    .join(for_contact, for_contact.c.person == rota.c.person)
    .where(
        rota.c.role == any_(bindparam("lines", type_=ARRAY(Text))), or_(rota.c.child.is_(None), rota.c.child == CHILD)
    )
)
HOST = select(for_protocol.c.host_authority).where(for_protocol.c.child == CHILD).scalar_subquery()
ON_DUTY = as_sql(LINES.where(rota.c.authority == AUTHORITY))
ON_DUTY_OR_HOST = as_sql(LINES.where(or_(rota.c.authority == AUTHORITY, rota.c.authority == HOST)))


def who_holds(
    role: Role,
    *,
    authority: AuthorityId,
    child: ChildId | None,
    person: PersonId | None,
    at: datetime,
    placement: PlacementId | None = None,
) -> Question:
    """Its answer is in the order in which they are to be asked: the one on duty first, then deputies. Empty: nobody holds the role now.

    `person`, where a duty names one, is the answer whatever the role. `at` is story time. A police control room is no
    person: ask `services.platform.register.forces`.
    """
    if person is not None:
        return Question((NAMED, {"person": person}), lambda rows: list(map(_holder, rows)))
    if role is Role.CARERS_ALL:
        # Of the child's placement, and for a child not yet identified of the placement that the report came from.
        told = {"child": child, "placement": placement}
        return Question((CARERS, told), lambda rows: list(dict.fromkeys(map(_holder, rows))))
    lines = LINES_OF.get(role, (str(role),))
    asked = {"lines": list(lines), "authority": authority, "child": child}
    sql = ON_DUTY_OR_HOST if role is Role.HOST_DUTY_DESK else ON_DUTY
    return Question((sql, asked), lambda rows: _on_duty(rows, lines, at))


def first_reached(
    keyring: Keyring, holders: Sequence[Holder], address: Callable[[Contact], str | None]
) -> Contact | None:
    """The first of them whom `address` finds a way to."""
    for holder in holders:
        found = holder.sealed.opened(keyring, holder.person, holder.language)
        if address(found) is not None:
            return found
    return None


def _holder(row: tuple[Any, ...]) -> Holder:
    person, authority, language, *how = row
    return Holder(person, authority, language, Sealed(*how))


def _on_duty(found: Rows, lines: Sequence[str], at: datetime) -> list[Holder]:
    rows = [dict(zip(LINE, row, strict=True)) for row in found]
    for line in lines:
        of_line = [row for row in rows if row["role"] == line]
        chosen = _first_asked([row for row in of_line if row["child"] is not None], at) or _first_asked(of_line, at)
        if chosen:
            return chosen
    return []


def _first_asked(rows: list[dict[str, Any]], at: datetime) -> list[Holder]:
    holder_of = {
        row["person"]: Holder(
            row["person"], row["authority"], row["language"], Sealed(row["mobile"], row["email"], row["wrapped"])
        )
        for row in rows
    }
    turns = [
        Turn(row["person"], row["turn"], Days(row["days"]), row["starts"], row["ends"], row["bank_holidays"])
        for row in rows
    ]
    return list(dict.fromkeys(holder_of[turn.person] for turn in on_duty(turns, at)))
