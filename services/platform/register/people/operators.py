"""Finds the console account in whose name a command sends a notice again."""

from dataclasses import dataclass

from services.platform.store.query import Query, Rows
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.operators import AccountId, OperatorRole


@dataclass(frozen=True, slots=True)
class Operator:
    """`authority` None: of every authority."""

    account: AccountId
    role: OperatorRole
    authority: AuthorityId | None


RESENDER = "SELECT account, role, authority FROM register.operators_who_send_again WHERE sign_in = %(sign_in)s"


def resender_by_sign_in(sign_in: str) -> Query[Operator | None]:
    """None if no account has this name, if it is closed, or if its role may not send notices again."""
    return Query(RESENDER, {"sign_in": sign_in.strip().casefold()}, _operator)


def _operator(rows: Rows) -> Operator | None:
    return next((Operator(row.account, OperatorRole(row.role), row.authority) for row in rows), None)
