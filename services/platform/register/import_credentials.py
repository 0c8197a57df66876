"""Makes and withdraws the credentials with which an authority imports its register. A token is kept as its hash."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.platform.store.query import Query, scalar
from services.safeguarding.identifiers import AuthorityId

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
