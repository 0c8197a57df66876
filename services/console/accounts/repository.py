"""Keeps accounts. Their times are wall time. Sign-ins and changes of accounts go on the record, by ids alone."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.console.policy.access import Operator
from services.platform.store.query import Query, first_row
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, new_id
from services.safeguarding.operators import Access, AccessRecorded, AccountId, Because, OperatorRole

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
BY_SIGN_IN = "SELECT * FROM accounts WHERE sign_in = %(sign_in)s"
WITHIN = """
    SELECT * FROM accounts WHERE %(authorities)s::text[] IS NULL
    OR authorities <> '{}' AND authorities <@ %(authorities)s::text[] ORDER BY disabled_at IS NOT NULL, sign_in
"""
NAMES = "SELECT account, name FROM accounts"
AUTHORITIES = "SELECT id FROM register.authorities ORDER BY id"
END_SESSIONS = "DELETE FROM sessions WHERE account = %(account)s"


@dataclass(frozen=True, slots=True)
class Account:
    """`provider` None: a local account, with a password and, once it is set, a second factor."""

    operator: Operator
    sign_in: str
    provider: str | None
    password_seal: str | None
    second_factor: bytes | None
    disabled_at: datetime | None


def normalise_sign_in(sign_in: str) -> str:
    """Names are compared without case and without spaces around them; what a provider calls somebody is not touched."""
    return sign_in if "/" in sign_in else sign_in.strip().casefold()


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


def account_by_sign_in(sign_in: str, *, locked: bool = False) -> Query[Account | None]:
    """`locked`: nobody changes it until the transaction's end."""
    parameters = {"sign_in": normalise_sign_in(sign_in)}
    sql = f"{BY_SIGN_IN} FOR NO KEY UPDATE" if locked else BY_SIGN_IN
    return Query(sql, parameters, lambda rows: next(map(account_of, rows), None))


def accounts_within(operator: Operator) -> Query[list[Account]]:
    """Accounts that see no more than `operator` does; open ones first."""
    return Query(WITHIN, {"authorities": operator.scope}, lambda rows: [account_of(row) for row in rows])


def authorities() -> Query[list[AuthorityId]]:
    """Every authority of the register."""
    return Query(AUTHORITIES, {}, lambda rows: [row.id for row in rows])


def account_names() -> Query[dict[AccountId, str]]:
    return Query(NAMES, {}, lambda rows: {row.account: row.name for row in rows})


def account_of(row: Any) -> Account:
    operator = Operator(row.account, row.name, OperatorRole(row.role), frozenset(row.authorities))
    return Account(operator, row.sign_in, row.provider, row.password_seal, row.second_factor, row.disabled_at)


def _operator_in(row: Any) -> Operator | None:
    return None if row is None else account_of(row).operator


def row_of(
    sign_in: str, name: str, role: OperatorRole, authorities: Collection[str], provider: str | None, now: datetime
) -> dict[str, Any]:
    return {
        "account": new_id("account"),
        "sign_in": sign_in,
        "name": name.strip(),
        "role": role,
        "authorities": sorted(authorities),
        "provider": provider,
        "made_at": now,
    }


UNKNOWN = "account-unknown"


def record_access(
    uow: UnitOfWork,
    what: Access,
    operator: Operator | None,
    *,
    because: Because | None = None,
    by: AccountId | None = None,
    provider: str | None = None,
) -> None:
    """`operator` None: nobody has the name that was typed."""
    known = {} if operator is None else {"account": operator.account, "role": operator.role}
    authorities = () if operator is None else tuple(sorted(operator.authorities))
    recorded = AccessRecorded.model_validate(
        {"what": what, "because": because, "by": by, "provider": provider, "authorities": authorities} | known
    )
    uow.publish(recorded, subject=UNKNOWN if operator is None else operator.account)
