"""Keeps sessions, codes for commands, known devices and failed sign-ins: tokens by their hash. Wall time."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from services.console.accounts.repository import Account, account_of, normalise_sign_in
from services.console.policy.access import FAILURES_COUNT_FOR, Session, SessionLimits, is_held_back
from services.platform.register import operators
from services.platform.store.query import Query, all_rows, first_row, scalar
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.operators import AccountId

TOKEN_BYTES = 32
DEVICE_KNOWN_FOR = timedelta(days=180)
SECOND_FACTOR = "second factor"
"""The place of wrong codes, wherever they are typed: whoever guesses at them knows the password."""

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
END_OF_PROVIDER = """
    DELETE FROM sessions USING accounts
    WHERE accounts.account = sessions.account AND accounts.provider = %(provider)s
    AND (provider_session = %(session)s OR accounts.sign_in = %(sign_in)s) RETURNING accounts.*
"""

KNOW_DEVICE = """
    INSERT INTO known_devices (device_hash, account, at) VALUES (%(device)s, %(account)s, %(now)s)
    ON CONFLICT (device_hash, account) DO UPDATE SET at = excluded.at
"""
FORGET_DEVICES = "DELETE FROM known_devices WHERE at < %(before)s"
IS_KNOWN_DEVICE = """
    SELECT 1 FROM known_devices JOIN accounts USING (account)
    WHERE device_hash = %(device)s AND sign_in = %(sign_in)s AND at >= %(since)s
"""

LOCK = "SELECT pg_advisory_xact_lock(%(key)s::bigint)"
FORGET_FAILURES = "DELETE FROM failed_sign_ins WHERE at < %(before)s"
COUNT_FAILURES = """
    SELECT count(*) FILTER (WHERE sign_in_hash = %(name)s AND place = %(place)s) AS from_this_place,
           count(*) FILTER (WHERE place = %(place)s AND place <> %(anywhere)s) AS of_this_place FROM failed_sign_ins
"""
ADD_FAILURE = "INSERT INTO failed_sign_ins (sign_in_hash, place, at) VALUES (%(name)s, %(place)s, %(at)s)"
FORGET_FAILURE = """
    DELETE FROM failed_sign_ins WHERE sign_in_hash = %(name)s AND place = %(place)s AND at = %(at)s
"""


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
    uow.write(BEGIN, row | {"token": _hash(token), "asked_at": asked_at, "for_command": for_command})
    uow.write(FORGET, {"before": now - 2 * SessionLimits().total, "codes_before": now - operators.WITHIN})
    return token


async def use_session(
    uow: UnitOfWork, token: str, now: datetime, limits: SessionLimits, *, following: bool
) -> Found | None:
    """None if the session has ended or its account is disabled. Following changes does not prolong it."""
    row = await uow.fetch(Query(FIND, {"token": _hash(token)}, first_row))
    if row is None:
        return None
    session = Session(row.begun_at, row.used_at, row.proved_at, row.asked_at, row.unanswered_since)
    if not limits.allow(session, now, following=following):
        return None
    if not following:
        uow.write(USE, {"token": _hash(token), "now": now})
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
    return await uow.fetch(Query(PROVE, row | {"token": _hash(token)}, first_row)) is not None


async def go_on_unanswered(uow: UnitOfWork, token: str, now: datetime) -> bool:
    """Without the word of their organisation, which does not answer. True for the first time since it last did."""
    return bool(await uow.fetch(Query(GO_ON, {"token": _hash(token), "now": now}, scalar)))


def end_session(uow: UnitOfWork, token: str) -> None:
    uow.write(END, {"token": _hash(token)})


async def end_sessions_of_provider(
    uow: UnitOfWork, provider: str, *, session: str | None, sign_in: str | None
) -> list[Account]:
    """Those of the provider's one session, or of one person there. Returns whose they were."""
    row = {"provider": provider, "session": session, "sign_in": sign_in}
    return [account_of(each) for each in await uow.fetch(Query(END_OF_PROVIDER, row, all_rows))]


def know_device(uow: UnitOfWork, device: str, account: AccountId, now: datetime) -> None:
    uow.write(KNOW_DEVICE, {"device": _hash(device), "account": account, "now": now})
    uow.write(FORGET_DEVICES, {"before": now - DEVICE_KNOWN_FOR})


async def place_of_attempt(uow: UnitOfWork, sign_in: str, device: str, place: str, now: datetime) -> str:
    """The device, as a place of its own, if the name's owner has signed in with it before: others' failures do not lock
    it out. Else `place`.
    """
    asked = {"device": _hash(device), "sign_in": normalise_sign_in(sign_in), "since": now - DEVICE_KNOWN_FOR}
    is_known = device and await uow.fetch(Query(IS_KNOWN_DEVICE, asked, first_row)) is not None
    return f"device {_hash(device).hex()}" if is_known else place


async def count_attempt(uow: UnitOfWork, sign_in: str, place: str, now: datetime) -> bool:
    """Counts the attempt as failed before it is checked, so that parallel attempts cannot exceed the limit.

    False: too many have failed, so nothing must be checked. The name is kept as a hash: people type their password into
    the wrong field.
    """
    name = _hash(normalise_sign_in(sign_in))
    _, _, _, counts = await uow.fetch(
        _lock(_hash(f"place {place}")),
        _lock(name),
        Query(FORGET_FAILURES, {"before": now - FAILURES_COUNT_FOR}, all_rows),
        Query(COUNT_FAILURES, {"name": name, "place": place, "anywhere": SECOND_FACTOR}, first_row),
    )
    if is_held_back(**counts._asdict()):
        return False
    uow.write(ADD_FAILURE, {"name": name, "place": place, "at": now})
    return True


def forget_attempt(uow: UnitOfWork, sign_in: str, place: str, at: datetime) -> None:
    """The attempt that `count_attempt` counted at this time did not fail."""
    uow.write(FORGET_FAILURE, {"name": _hash(normalise_sign_in(sign_in)), "place": place, "at": at})


def _lock(of: bytes) -> Query[Any]:
    return Query(LOCK, {"key": int.from_bytes(of[:8], signed=True)}, all_rows)


def _hash(what: str) -> bytes:
    return hashlib.sha256(what.encode()).digest()
