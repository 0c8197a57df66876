"""Keeps who may come in at the console: accounts, however they sign in, and their sessions and codes for commands, by
their hash. Wall time. Sign-ins and changes of accounts go on the record, by ids alone.
"""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from services.console.policy.access import Operator, Session, SessionLimits
from services.platform.register import operators
from services.platform.store.query import Query, first_row, scalar
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import new_id
from services.safeguarding.operators import Access, AccessRecorded, AccountId, Because, OperatorRole

BY_SIGN_IN = "SELECT * FROM accounts WHERE sign_in = %(sign_in)s"
NAMES = "SELECT account, name FROM accounts"
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


def account_by_sign_in(sign_in: str, *, locked: bool = False) -> Query[Account | None]:
    """`locked`: nobody changes it until the transaction's end."""
    parameters = {"sign_in": normalise_sign_in(sign_in)}
    sql = f"{BY_SIGN_IN} FOR NO KEY UPDATE" if locked else BY_SIGN_IN
    return Query(sql, parameters, lambda rows: next(map(account_of, rows), None))


def account_names() -> Query[dict[AccountId, str]]:
    return Query(NAMES, {}, lambda rows: {row.account: row.name for row in rows})


def account_of(row: Any) -> Account:
    operator = Operator(row.account, row.name, OperatorRole(row.role), frozenset(row.authorities))
    return Account(operator, row.sign_in, row.provider, row.password_seal, row.second_factor, row.disabled_at)


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


TOKEN_BYTES = 32
BEGIN = """
    INSERT INTO sessions (token_hash, account, begun_at, used_at, proved_at, asked_at, provider_session, for_command)
    VALUES (%(token)s, %(account)s, %(now)s, %(now)s, %(proved_at)s, %(asked_at)s, %(session)s, %(for_command)s)
"""
FORGET = "DELETE FROM sessions WHERE begun_at < %(before)s OR for_command AND begun_at < %(codes_before)s"
FIND = """
    SELECT accounts.*, begun_at, used_at, proved_at, asked_at, unanswered_since FROM sessions JOIN accounts USING (account)
    WHERE token_hash = %(token)s AND NOT for_command AND disabled_at IS NULL
"""
USE = "UPDATE sessions SET used_at = %(now)s WHERE token_hash = %(token)s"
PROVE = """
    UPDATE sessions SET proved_at = %(proved_at)s, asked_at = %(asked_at)s,
           provider_session = coalesce(%(session)s, provider_session), unanswered_since = NULL
    WHERE token_hash = %(token)s AND account = %(account)s RETURNING account
"""
GO_ON = """
    UPDATE sessions SET asked_at = %(now)s, unanswered_since = coalesce(unanswered_since, %(now)s)
    WHERE token_hash = %(token)s RETURNING old.unanswered_since IS NULL AS is_first
"""
END = "DELETE FROM sessions WHERE token_hash = %(token)s"


class Found(NamedTuple):
    account: Account
    session: Session


def begin_session(
    uow: UnitOfWork,
    account: AccountId,
    now: datetime,
    *,
    proved_at: datetime | None = None,
    provider_session: str | None = None,
    by_provider: bool = False,
    for_command: bool = False,
) -> str:
    """Returns the token for the browser, or the code for a command. `proved_at`: now, where it is not given."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = {"account": account, "now": now, "proved_at": proved_at or now, "session": provider_session}
    asked_at = now if by_provider else None
    uow.write(BEGIN, row | {"token": hash_of(token), "asked_at": asked_at, "for_command": for_command})
    uow.write(FORGET, {"before": now - 2 * SessionLimits().total, "codes_before": now - operators.WITHIN})
    return token


async def use_session(
    uow: UnitOfWork, token: str, now: datetime, limits: SessionLimits, *, following: bool
) -> Found | None:
    """None if the session has ended or its account is disabled. Following changes does not prolong it."""
    row = await uow.fetch(Query(FIND, {"token": hash_of(token)}, first_row))
    if row is None:
        return None
    session = Session(row.begun_at, row.used_at, row.proved_at, row.asked_at, row.unanswered_since)
    if not limits.allow(session, now, following=following):
        return None
    if not following:
        uow.write(USE, {"token": hash_of(token), "now": now})
    return Found(account_of(row), session)


async def prove_session(
    uow: UnitOfWork,
    token: str,
    account: AccountId,
    proved_at: datetime,
    *,
    asked_at: datetime | None = None,
    provider_session: str | None = None,
) -> bool:
    """Keeps that they have shown who they are. False if the session is not this account's, or has ended."""
    row = {"account": account, "proved_at": proved_at, "asked_at": asked_at, "session": provider_session}
    return await uow.fetch(Query(PROVE, row | {"token": hash_of(token)}, first_row)) is not None


async def go_on_unanswered(uow: UnitOfWork, token: str, now: datetime) -> bool:
    """Without the word of their organisation, which does not answer. True for the first time since it last did."""
    return bool(await uow.fetch(Query(GO_ON, {"token": hash_of(token), "now": now}, scalar)))


def end_session(uow: UnitOfWork, token: str) -> None:
    uow.write(END, {"token": hash_of(token)})


def hash_of(what: str) -> bytes:
    return hashlib.sha256(what.encode()).digest()
