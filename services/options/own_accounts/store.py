"""Keeps local accounts, and what administrators change of any. Wall time."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from services.console.accounts import END_SESSIONS, Account, account_of, normalise_sign_in, row_of
from services.console.policy.access import Operator
from services.platform.store.query import Query, first_row
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.operators import OperatorRole

ADD = """
    INSERT INTO accounts (account, sign_in, name, role, authorities, provider, password_seal, made_at)
    VALUES (%(account)s, %(sign_in)s, %(name)s, %(role)s, %(authorities)s, %(provider)s, %(password_seal)s, %(made_at)s)
    ON CONFLICT (sign_in) DO NOTHING RETURNING *
"""
RESET = """
    UPDATE accounts SET disabled_at = NULL, second_factor = NULL,
           password_seal = CASE WHEN provider IS NULL THEN %(password_seal)s END
    WHERE sign_in = %(sign_in)s RETURNING *
"""
CLOSE = "UPDATE accounts SET disabled_at = %(at)s WHERE sign_in = %(sign_in)s RETURNING *"
LIMIT = """
    UPDATE accounts SET role = %(role)s, authorities = %(authorities)s
    WHERE sign_in = %(sign_in)s AND provider IS NULL RETURNING *
"""
WITHIN = """
    SELECT * FROM accounts WHERE %(authorities)s::text[] IS NULL
    OR authorities <> '{}' AND authorities <@ %(authorities)s::text[] ORDER BY disabled_at IS NOT NULL, sign_in
"""
AUTHORITIES = "SELECT id FROM register.authorities ORDER BY id"


async def add_account(
    uow: UnitOfWork,
    *,
    sign_in: str,
    name: str,
    role: OperatorRole,
    authorities: Collection[str],
    password_seal: str,
    now: datetime,
) -> Operator | None:
    """None if the name is taken. `authorities` without any: it sees nothing."""
    row = row_of(normalise_sign_in(sign_in), name, role, authorities, None, now) | {"password_seal": password_seal}
    return _operator_in(await uow.fetch(Query(ADD, row, first_row)))


def is_local_name(sign_in: str) -> bool:
    return "/" not in sign_in and 0 < len(sign_in.strip()) <= 120


async def reset_account(uow: UnitOfWork, sign_in: str, password_seal: str) -> Operator | None:
    """Opens it again, a local one with a new password and no second factor, and ends its sessions. None: no account."""
    return await _changed(uow, RESET, {"sign_in": normalise_sign_in(sign_in), "password_seal": password_seal})


async def close_account(uow: UnitOfWork, sign_in: str, now: datetime) -> Operator | None:
    """Its sessions end at once. None: no account has this name."""
    return await _changed(uow, CLOSE, {"sign_in": normalise_sign_in(sign_in), "at": now})


async def limit_account(
    uow: UnitOfWork, sign_in: str, role: OperatorRole, authorities: Collection[str]
) -> Operator | None:
    """Its sessions end, so that it is seen as it now is. None: no local account."""
    row = {"sign_in": normalise_sign_in(sign_in), "role": role, "authorities": sorted(authorities)}
    return await _changed(uow, LIMIT, row)


async def _changed(uow: UnitOfWork, statement: str, row: dict[str, Any]) -> Operator | None:
    operator = _operator_in(await uow.fetch(Query(statement, row, first_row)))
    if operator is not None:
        uow.write(END_SESSIONS, {"account": operator.account})
    return operator


def accounts_within(operator: Operator) -> Query[list[Account]]:
    """Accounts that see no more than `operator` does; open ones first."""
    return Query(WITHIN, {"authorities": operator.scope}, lambda rows: [account_of(row) for row in rows])


def authorities() -> Query[list[AuthorityId]]:
    """Every authority of the register."""
    return Query(AUTHORITIES, {}, lambda rows: [row.id for row in rows])


def _operator_in(row: Any) -> Operator | None:
    return None if row is None else account_of(row).operator
