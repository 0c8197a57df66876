"""Who may have a notice sent again by a command: an account of the console's that may do so there."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.register.views import operators_who_send_again
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.operators import AccountId, OperatorRole


@dataclass(frozen=True, slots=True)
class Operator:
    """`authority` None: of every authority."""

    account: AccountId
    role: OperatorRole
    authority: AuthorityId | None


async def who_sends_again(connection: AsyncConnection, sign_in: str) -> Operator | None:
    """None where nobody signs in so, where the account is closed, and where its role may not."""
    view = operators_who_send_again.c
    found = await connection.execute(
        select(view.account, view.role, view.authority).where(view.sign_in == sign_in.strip().casefold())
    )
    row = found.first()
    return None if row is None else Operator(row.account, OperatorRole(row.role), row.authority)
