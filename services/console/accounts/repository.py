"""Accounts, their sessions, and sign-ins that failed. Within the caller's transaction; times are wall time."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.policy.permits import Operator
from services.console.policy.sign_in import FAILURES_COUNT_FOR, Lasting, is_held_back
from services.console.read_model.tables import accounts, failed_sign_ins, sessions
from services.platform.register.views import directory_for_console, placements_for_protocol
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, new_id
from services.safeguarding.operators import AccountId, OperatorRole

TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Account:
    operator: Operator
    sign_in: str
    password_seal: str
    disabled_at: datetime | None


def plain(sign_in: str) -> str:
    """A name as it is compared: without case, without spaces around it."""
    return sign_in.strip().casefold()


async def add(
    uow: UnitOfWork,
    *,
    sign_in: str,
    name: str,
    role: OperatorRole,
    authority: AuthorityId | None,
    password_seal: str,
    now: datetime,
) -> AccountId | None:
    """None where the name is taken."""
    row = {
        "account": new_id("account"),
        "sign_in": plain(sign_in),
        "name": name.strip(),
        "role": role,
        "authority": authority,
        "password_seal": password_seal,
        "made_at": now,
    }
    written = upsert(accounts).values(row).on_conflict_do_nothing(index_elements=[accounts.c.sign_in])
    account: AccountId | None = await uow.connection.scalar(written.returning(accounts.c.account))
    return account


async def change(
    uow: UnitOfWork, sign_in: str, *, password_seal: str | None = None, disabled_at: datetime | None = None
) -> bool:
    """A new password enables the account again. Its sessions end either way. False: nobody has this name."""
    values = {"disabled_at": disabled_at} | ({"password_seal": password_seal} if password_seal else {})
    changed = await uow.connection.scalar(
        update(accounts).where(accounts.c.sign_in == plain(sign_in)).values(values).returning(accounts.c.account)
    )
    if changed is not None:
        await uow.connection.execute(delete(sessions).where(sessions.c.account == changed))
    return changed is not None


async def of_name(connection: AsyncConnection, sign_in: str) -> Account | None:
    return next(iter(await _found(connection, accounts.c.sign_in == plain(sign_in))), None)


async def every(connection: AsyncConnection) -> list[Account]:
    return await _found(connection, accounts.c.account.is_not(None))


async def authorities(connection: AsyncConnection) -> list[AuthorityId]:
    """Those of the register that have a directory or a placement: of any other there is nothing to see."""
    found = select(directory_for_console.c.authority).union(select(placements_for_protocol.c.authority))
    return sorted(await connection.scalars(found))


async def names(connection: AsyncConnection) -> dict[AccountId, str]:
    return {row.account: row.name for row in await connection.execute(select(accounts.c.account, accounts.c.name))}


async def _found(connection: AsyncConnection, which: ColumnElement[bool]) -> list[Account]:
    rows = await connection.execute(select(accounts).where(which).order_by(accounts.c.sign_in))
    return [
        Account(_operator(row), row["sign_in"], row["password_seal"], row["disabled_at"]) for row in rows.mappings()
    ]


def _operator(row: RowMapping) -> Operator:
    return Operator(row["account"], row["name"], OperatorRole(row["role"]), row["authority"])


async def begin_session(uow: UnitOfWork, account: AccountId, now: datetime) -> str:
    """The token that the browser keeps; here lies its hash alone."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = {"token_hash": _hash(token), "account": account, "begun_at": now, "used_at": now}
    await uow.connection.execute(insert(sessions).values(row))
    await uow.connection.execute(delete(sessions).where(sessions.c.begun_at < now - 2 * Lasting().most))
    return token


async def in_session(
    uow: UnitOfWork, token: str, now: datetime, lasting: Lasting, *, following: bool
) -> Operator | None:
    """None where the session has ended, or the account. `following` is no use of it."""
    rows = await uow.connection.execute(
        select(accounts, sessions.c.begun_at, sessions.c.used_at)
        .join_from(sessions, accounts, sessions.c.account == accounts.c.account)
        .where(sessions.c.token_hash == _hash(token), accounts.c.disabled_at.is_(None))
    )
    row = rows.mappings().first()
    if row is None:
        return None
    if not lasting.holds(begun_at=row["begun_at"], used_at=row["used_at"], now=now, following=following):
        return None
    if not following:
        used = update(sessions).where(sessions.c.token_hash == _hash(token)).values(used_at=now)
        await uow.connection.execute(used)
    return _operator(row)


async def end_session(uow: UnitOfWork, token: str) -> None:
    await uow.connection.execute(delete(sessions).where(sessions.c.token_hash == _hash(token)))


async def may_try(uow: UnitOfWork, sign_in: str, place: str, now: datetime) -> bool:
    """Counts the try as a failure before its password is looked at, so that of many at once no more are looked at than of many in turn:
    of one name, and from one place.

    Counted by the name's hash: people type their password into the wrong field.
    """
    name, table, connection = _hash(plain(sign_in)), failed_sign_ins.c, uow.connection
    for each in (_hash(f"place {place}"), name):
        await connection.execute(select(func.pg_advisory_xact_lock(int.from_bytes(each[:8], signed=True))))
    await connection.execute(delete(failed_sign_ins).where(table.at < now - FAILURES_COUNT_FOR))
    of_name, of_place = table.sign_in_hash == name, table.place == place
    both = func.count().filter(and_(of_name, of_place))
    either = func.count().filter(of_name), func.count().filter(of_place)
    counted = select(both, *either).where(or_(of_name, of_place))
    here, anywhere, this_place = (await connection.execute(counted)).one()
    if is_held_back(from_this_place=here, from_anywhere=anywhere, of_this_place=this_place):
        return False
    await connection.execute(insert(failed_sign_ins).values(sign_in_hash=name, place=place, at=now))
    return True


async def succeeded(uow: UnitOfWork, sign_in: str, place: str, tried_at: datetime) -> None:
    """That try was no failure."""
    table = failed_sign_ins.c
    mine = (table.sign_in_hash == _hash(plain(sign_in)), table.place == place, table.at == tried_at)
    await uow.connection.execute(delete(failed_sign_ins).where(*mine))


def _hash(what: str) -> bytes:
    return hashlib.sha256(what.encode()).digest()
