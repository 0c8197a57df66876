"""Finds whose code a command was given: the console gives them to people who are signed in.

Puts each step in changing a force, an agency or an authority on the record, in the name of who took it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.platform.store.query import Query, Rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, Scope
from services.safeguarding.operators import AccountId, OperatorRole, OrganisationChanged

WITHIN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Operator:
    account: AccountId
    role: OperatorRole
    scope: Scope

    def sees(self, authority: AuthorityId) -> bool:
        return self.scope is None or authority in self.scope

    @property
    def only_authority(self) -> AuthorityId | None:
        return self.scope[0] if self.scope is not None and len(self.scope) == 1 else None


RESENDER = """
    SELECT account, role, authorities FROM register.operators_who_send_again
    WHERE token_hash = %(token)s AND begun_at > %(after)s
"""


def operator_by_code(code: str, now: datetime) -> Query[Operator | None]:
    """None for a code that is wrong or older than `WITHIN`, or whose owner may not send notices again."""
    token = hashlib.sha256(code.strip().encode()).digest()
    return Query(RESENDER, {"token": token, "after": now - WITHIN}, _operator)


def _operator(rows: Rows) -> Operator | None:
    if not rows:
        return None
    account, role, authorities = rows[0]
    return Operator(account, OperatorRole(role), None if "all" in authorities else list(authorities))


def record_change(uow: UnitOfWork, organisation: str, step: str, by: AccountId, **more: Any) -> None:
    """`organisation`: the owner of its key. `more`: further fields of `OrganisationChanged`."""
    uow.publish(OrganisationChanged.model_validate({"step": step, "account": by} | more), subject=organisation)


def record_change_of_authority(
    uow: UnitOfWork, authority: AuthorityId, step: str, by: AccountId, *credential: str
) -> None:
    record_change(uow, f"authority-{authority}", step, by, fields=credential)
