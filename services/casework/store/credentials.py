"""Finds the credentials with which authorities import. A token is kept as its hash alone."""

from typing import Any

from services.casework.policy.credential import Credential
from services.platform.register.organisations.import_credentials import hash_token
from services.platform.store.query import Query, Rows

FIELDS = "id, authority, tables, expires_at, withdrawn_at, issuer, client, audience, jwks_url"
BY_TOKEN = f"SELECT {FIELDS} FROM credentials WHERE token_hash = %(hash)s"  # noqa: S608 this module's own words
BY_CLIENT = f"""
    SELECT {FIELDS} FROM credentials WHERE issuer = %(issuer)s AND client = %(client)s AND withdrawn_at IS NULL
"""  # noqa: S608 as above
ALL = f"SELECT {FIELDS} FROM credentials ORDER BY authority, made_at"  # noqa: S608 as above


def credential_of_token(token: str) -> Query[Credential | None]:
    return Query(BY_TOKEN, {"hash": hash_token(token)}, _first)


def credential_of_client(issuer: str, client: str) -> Query[Credential | None]:
    return Query(BY_CLIENT, {"issuer": issuer, "client": client}, _first)


def all_credentials() -> Query[list[Credential]]:
    return Query(ALL, {}, lambda rows: [_credential(row) for row in rows])


def _first(rows: Rows) -> Credential | None:
    return _credential(rows[0]) if rows else None


def _credential(row: Any) -> Credential:
    return Credential(**row._asdict() | {"tables": frozenset(row.tables)})
