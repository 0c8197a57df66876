"""Keeps accounts, their sessions and failed sign-ins. Times are wall time."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.console.policy.permits import Operator
from services.console.policy.sign_in import FAILURES_COUNT_FOR, SessionLimits, is_held_back
from services.platform.store.query import Query, all_rows, first_row, scalar
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, new_id
from services.safeguarding.operators import AccountId, OperatorRole

TOKEN_BYTES = 32

ADD = """
    INSERT INTO accounts (account, sign_in, name, role, authority, password_seal, made_at)
    VALUES (%(account)s, %(sign_in)s, %(name)s, %(role)s, %(authority)s, %(password_seal)s, %(made_at)s)
    ON CONFLICT (sign_in) DO NOTHING RETURNING account
"""
CHANGE = """
    UPDATE accounts
    SET disabled_at = %(disabled_at)s, password_seal = coalesce(%(password_seal)s::text, password_seal)
    WHERE sign_in = %(sign_in)s RETURNING account
"""
BY_SIGN_IN = "SELECT * FROM accounts WHERE sign_in = %(sign_in)s"
ALL = "SELECT * FROM accounts ORDER BY sign_in"
NAMES = "SELECT account, name FROM accounts"
AUTHORITIES = """
    SELECT authority FROM register.directory_for_console UNION SELECT authority FROM register.placements_for_protocol
    ORDER BY authority
"""

BEGIN_SESSION = """
    INSERT INTO sessions (token_hash, account, begun_at, used_at) VALUES (%(token)s, %(account)s, %(now)s, %(now)s)
"""
FORGET_SESSIONS = "DELETE FROM sessions WHERE begun_at < %(before)s"
SESSION = """
    SELECT accounts.*, begun_at, used_at FROM sessions JOIN accounts USING (account)
    WHERE token_hash = %(token)s AND disabled_at IS NULL
"""
USE_SESSION = "UPDATE sessions SET used_at = %(now)s WHERE token_hash = %(token)s"
END_SESSION = "DELETE FROM sessions WHERE token_hash = %(token)s"
END_SESSIONS_OF = "DELETE FROM sessions WHERE account = %(account)s"

LOCK = "SELECT pg_advisory_xact_lock(%(key)s::bigint)"
FORGET_FAILURES = "DELETE FROM failed_sign_ins WHERE at < %(before)s"
COUNT_FAILURES = """
    SELECT count(*) FILTER (WHERE sign_in_hash = %(name)s AND place = %(place)s) AS from_this_place,
           count(*) FILTER (WHERE sign_in_hash = %(name)s) AS from_anywhere,
           count(*) FILTER (WHERE place = %(place)s) AS of_this_place
    FROM failed_sign_ins WHERE sign_in_hash = %(name)s OR place = %(place)s
"""
ADD_FAILURE = "INSERT INTO failed_sign_ins (sign_in_hash, place, at) VALUES (%(name)s, %(place)s, %(at)s)"
FORGET_FAILURE = """
    DELETE FROM failed_sign_ins WHERE sign_in_hash = %(name)s AND place = %(place)s AND at = %(at)s
"""


@dataclass(frozen=True, slots=True)
class Account:
    operator: Operator
    sign_in: str
    password_seal: str
    disabled_at: datetime | None


def normalise_sign_in(sign_in: str) -> str:
    """Names are compared without case and without spaces around them."""
    return sign_in.strip().casefold()


async def add_account(
    uow: UnitOfWork,
    *,
    sign_in: str,
    name: str,
    role: OperatorRole,
    authority: AuthorityId | None,
    password_seal: str,
    now: datetime,
) -> AccountId | None:
    """None if the name is taken."""
    row = {
        "account": new_id("account"),
        "sign_in": normalise_sign_in(sign_in),
        "name": name.strip(),
        "role": role,
        "authority": authority,
        "password_seal": password_seal,
        "made_at": now,
    }
    account: AccountId | None = await uow.fetch(Query(ADD, row, scalar))
    return account


async def change_account(
    uow: UnitOfWork, sign_in: str, *, password_seal: str | None = None, disabled_at: datetime | None = None
) -> bool:
    """A new password enables the account again. Its sessions end either way. False: no account has this name."""
    values = {"sign_in": normalise_sign_in(sign_in), "password_seal": password_seal, "disabled_at": disabled_at}
    account: AccountId | None = await uow.fetch(Query(CHANGE, values, scalar))
    if account is not None:
        uow.write(END_SESSIONS_OF, {"account": account})
    return account is not None


def account_by_sign_in(sign_in: str) -> Query[Account | None]:
    parameters = {"sign_in": normalise_sign_in(sign_in)}
    return Query(BY_SIGN_IN, parameters, lambda rows: next(map(_account, rows), None))


def all_accounts() -> Query[list[Account]]:
    return Query(ALL, {}, lambda rows: [_account(row) for row in rows])


def authorities() -> Query[list[AuthorityId]]:
    """The register's authorities that have a directory or a placement. Of any other there is nothing to see."""
    return Query(AUTHORITIES, {}, lambda rows: [row.authority for row in rows])


def account_names() -> Query[dict[AccountId, str]]:
    return Query(NAMES, {}, lambda rows: {row.account: row.name for row in rows})


def _account(row: Any) -> Account:
    return Account(_operator(row), row.sign_in, row.password_seal, row.disabled_at)


def _operator(row: Any) -> Operator:
    return Operator(row.account, row.name, OperatorRole(row.role), row.authority)


def begin_session(uow: UnitOfWork, account: AccountId, now: datetime) -> str:
    """Returns the token for the browser. Only its hash is kept here."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    uow.write(BEGIN_SESSION, {"token": _hash(token), "account": account, "now": now})
    uow.write(FORGET_SESSIONS, {"before": now - 2 * SessionLimits().total})
    return token


async def use_session(
    uow: UnitOfWork, token: str, now: datetime, limits: SessionLimits, *, following: bool
) -> Operator | None:
    """None if the session has ended or its account is disabled. Following changes does not prolong it."""
    row = await uow.fetch(Query(SESSION, {"token": _hash(token)}, first_row))
    if row is None or not limits.allow(begun_at=row.begun_at, used_at=row.used_at, now=now, following=following):
        return None
    if not following:
        uow.write(USE_SESSION, {"token": _hash(token), "now": now})
    return _operator(row)


def end_session(uow: UnitOfWork, token: str) -> None:
    uow.write(END_SESSION, {"token": _hash(token)})


async def count_attempt(uow: UnitOfWork, sign_in: str, place: str, now: datetime) -> bool:
    """Counts the attempt as failed before its password is checked, so that parallel attempts cannot exceed the limit.

    False: too many have failed, so the password must not be checked. The name is kept as a hash: people type their
    password into the wrong field.
    """
    name = _hash(normalise_sign_in(sign_in))
    _, _, _, counts = await uow.fetch(
        _lock(_hash(f"place {place}")),
        _lock(name),
        Query(FORGET_FAILURES, {"before": now - FAILURES_COUNT_FOR}, all_rows),
        Query(COUNT_FAILURES, {"name": name, "place": place}, first_row),
    )
    if is_held_back(**counts._asdict()):
        return False
    uow.write(ADD_FAILURE, {"name": name, "place": place, "at": now})
    return True


def forget_attempt(uow: UnitOfWork, sign_in: str, place: str, at: datetime) -> None:
    """The attempt that `count_attempt` counted at this time did not fail."""
    uow.write(FORGET_FAILURE, {"name": _hash(normalise_sign_in(sign_in)), "place": place, "at": at})


def _lock(of: bytes) -> Query[object]:
    return Query(LOCK, {"key": int.from_bytes(of[:8], signed=True)}, all_rows)


def _hash(what: str) -> bytes:
    return hashlib.sha256(what.encode()).digest()
