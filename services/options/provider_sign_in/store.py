"""Keeps the accounts of those who sign in through a provider, and ends their sessions when it says so."""

from collections.abc import Collection
from datetime import datetime

from services.console.accounts import Account, account_of, row_of
from services.platform.store.query import Query, all_rows, first_row
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.operators import OperatorRole

SIGNED_IN_BY_PROVIDER = """
    INSERT INTO accounts (account, sign_in, name, role, authorities, provider, made_at)
    VALUES (%(account)s, %(sign_in)s, %(name)s, %(role)s, %(authorities)s, %(provider)s, %(made_at)s)
    ON CONFLICT (sign_in) DO UPDATE
    SET name = excluded.name, role = excluded.role, authorities = excluded.authorities RETURNING *
"""
END_OF_PROVIDER = """
    DELETE FROM sessions USING accounts
    WHERE accounts.account = sessions.account AND accounts.provider = %(provider)s
    AND (provider_session = %(session)s OR accounts.sign_in = %(sign_in)s) RETURNING accounts.*
"""


def sign_in_of(provider: str, subject: str) -> str:
    """No name of a local account has this form (`is_local_name`)."""
    return f"{provider}/{subject}"


async def keep_of_provider(
    uow: UnitOfWork,
    provider: str,
    subject: str,
    name: str,
    role: OperatorRole,
    authorities: Collection[str],
    now: datetime,
) -> Account:
    """Made at the first sign-in. Its name, role and authorities are what the provider says now."""
    row = row_of(sign_in_of(provider, subject), name, role, authorities, provider, now)
    return account_of(await uow.fetch(Query(SIGNED_IN_BY_PROVIDER, row, first_row)))


async def end_sessions_of_provider(
    uow: UnitOfWork, provider: str, *, session: str | None, sign_in: str | None
) -> list[Account]:
    """Those of the provider's one session, or of one person there. Returns whose they were."""
    row = {"provider": provider, "session": session, "sign_in": sign_in}
    return [account_of(each) for each in await uow.fetch(Query(END_OF_PROVIDER, row, all_rows))]
