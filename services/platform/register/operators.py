"""Finds whose code a command was given: the console gives them to people who are signed in.

Puts each step in changing a force, an agency or an authority on the record, in the name of who took it. Makes and
withdraws the credentials with which an authority imports its register; a token is kept as its hash.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.platform.store.query import Query, Rows, scalar
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


HAS_LEFT = "SELECT disposal.has_left(%(authority)s)"
WITHDRAW = """
    UPDATE casework.credentials SET withdrawn_at = %(at)s
    WHERE id = %(id)s AND withdrawn_at IS NULL AND (%(authority)s::text IS NULL OR authority = %(authority)s) RETURNING authority
"""


def new_token() -> str:
    """256 bits: its hash needs no salt. The prefix lets scanners of leaked secrets know it."""
    return f"srreg_{secrets.token_urlsafe(32)}"


def hash_token(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def add_credential(credential: Mapping[str, Any], token: str | None, now: datetime) -> Query[bool]:
    """Adds one, given by column, of a token or, without, of a client. False if either has one. `now` is wall time."""
    digest = None if token is None else hash_token(token)
    row = {**credential, "tables": sorted(credential["tables"]), "token_hash": digest, "made_at": now}
    given = {name: value for name, value in row.items() if value is not None}
    values = ", ".join(f"%({name})s" for name in given)
    sql = f"INSERT INTO casework.credentials ({', '.join(given)}) VALUES ({values}) ON CONFLICT DO NOTHING RETURNING id"  # noqa: S608 its columns
    return Query(sql, given, bool)


def withdraw_credential(
    credential: str, now: datetime, authority: AuthorityId | None = None
) -> Query[AuthorityId | None]:
    """Withdraws it. Answers whose it was; None if it was not valid, or is not of the `authority` that is named."""
    return Query(WITHDRAW, {"id": credential, "at": now, "authority": authority}, scalar)


def has_left(authority: AuthorityId) -> Query[bool]:
    """Whether it took its records with it. Nobody begins under its id, which is that of its record."""
    return Query(HAS_LEFT, {"authority": authority}, scalar)
