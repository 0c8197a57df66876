"""Keeps the credentials with which authorities import. A token is kept as its hash alone."""

from datetime import datetime
from typing import Any

from services.casework.policy.credential import Credential
from services.platform.register.import_token import hash_token
from services.platform.store.query import Query, Rows, scalar
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId

FIELDS = "id, authority, tables, expires_at, withdrawn_at, issuer, client, audience, jwks_url"
BY_TOKEN = f"SELECT {FIELDS} FROM credentials WHERE token_hash = %(hash)s"  # noqa: S608 this module's own words
BY_CLIENT = f"""
    SELECT {FIELDS} FROM credentials WHERE issuer = %(issuer)s AND client = %(client)s AND withdrawn_at IS NULL
"""  # noqa: S608 as above
ALL = f"SELECT {FIELDS} FROM credentials ORDER BY authority, made_at"  # noqa: S608 as above
ADD = """
    INSERT INTO credentials (id, authority, tables, token_hash, issuer, client, audience, jwks_url, made_at, expires_at)
    VALUES (%(id)s, %(authority)s, %(tables)s, %(hash)s, %(issuer)s, %(client)s, %(audience)s, %(jwks_url)s, %(at)s, %(expires_at)s)
    ON CONFLICT (token_hash) DO UPDATE SET expires_at = excluded.expires_at
"""
WITHDRAW = "UPDATE credentials SET withdrawn_at = %(at)s WHERE id = %(id)s AND withdrawn_at IS NULL RETURNING authority"


def credential_of_token(token: str) -> Query[Credential | None]:
    return Query(BY_TOKEN, {"hash": hash_token(token)}, _first)


def credential_of_client(issuer: str, client: str) -> Query[Credential | None]:
    return Query(BY_CLIENT, {"issuer": issuer, "client": client}, _first)


def all_credentials() -> Query[list[Credential]]:
    return Query(ALL, {}, lambda rows: [_credential(row) for row in rows])


def add_credential(uow: UnitOfWork, credential: Credential, token: str | None, now: datetime) -> None:
    """`token` None: of a client. A token that is there already is prolonged. `now` is wall time."""
    row = {name: getattr(credential, name) for name in FIELDS.split(", ")}
    digest = None if token is None else hash_token(token)
    uow.write(ADD, row | {"tables": sorted(credential.tables), "hash": digest, "at": now})


def withdraw(credential: str, now: datetime) -> Query[AuthorityId | None]:
    """Whose it was. None: it did not hold until now."""
    return Query(WITHDRAW, {"id": credential, "at": now}, scalar)


def _first(rows: Rows) -> Credential | None:
    return _credential(rows[0]) if rows else None


def _credential(row: Any) -> Credential:
    return Credential(**row._asdict() | {"tables": frozenset(row.tables)})
