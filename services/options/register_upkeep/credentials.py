"""Finds the credential that a request bears, and says what it may write: some tables of one authority's register.

It is a token of ours, kept as its hash alone, or a JWT of the authority's identity provider.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import jwt
from starlette.requests import Request

from services.options.register_upkeep.policy.rows import TABLES
from services.platform.register.operators import hash_token
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.problems import RETRY_AFTER_SECONDS, Problem, Strangers, bearer_of
from services.platform.store.query import Query, Rows
from services.platform.store.unit_of_work import Store
from services.safeguarding.identifiers import AuthorityId

PHOTOGRAPHS = "photographs"
WRITABLE = ("authority", *TABLES, PHOTOGRAPHS)
SCOPE = "register"
"""A JWT must have it, so that a client's tokens for other purposes write nothing here."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A token of ours, or a client of the authority's identity provider: then it has the last four fields."""

    id: str
    authority: AuthorityId
    tables: frozenset[str]
    expires_at: datetime
    withdrawn_at: datetime | None = None
    issuer: str | None = None
    client: str | None = None
    audience: str | None = None
    jwks_url: str | None = None

    def holds(self, now: datetime) -> bool:
        """`now` is wall time."""
        return self.withdrawn_at is None and now < self.expires_at

    def grants(self, claims: Mapping[str, Any]) -> bool:
        """Whether a verified JWT of this client is meant for the register of this authority."""
        scopes = claims.get("scope", "")
        in_scope = isinstance(scopes, str) and SCOPE in scopes.split()
        return in_scope and claims.get("authority") == self.authority


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


ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
LEEWAY_SECONDS = 60
KEYS_WITHIN_SECONDS = 5
UPLOADS_AT_ONCE = 2
"""Of one authority: each is held in memory whole, so the others wait before theirs is read."""


class Bearers:
    """Keeps each issuer's keys for five minutes (`PyJWKClient`), and asks for an unknown key once in 30 s at most."""

    def __init__(self, store: Store, clocks: Clocks) -> None:
        self._store = store
        self._clocks = clocks
        self._keys: dict[str, jwt.PyJWKClient] = {}
        self._strangers = Strangers()
        self._uploads = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(UPLOADS_AT_ONCE))

    def upload(self, authority: str) -> asyncio.Semaphore:
        """To be held while the body is read and used. Take it only with a credential of the authority."""
        return self._uploads[authority]

    async def credential(self, request: Request, authority: str, tables: Collection[str] = ()) -> Credential:
        """Raises Problem: without a credential that holds 401, without one for `authority` and `tables` 403, for too
        many requests 429. No answer tells what the register has of another authority.
        """
        for name, value in request.path_params.items():
            if "\x00" in value:
                raise Problem(HTTPStatus.NOT_FOUND, "No such thing", "No name holds a NUL.", field=name)
        self._strangers.let_in(request, authority)
        token = bearer_of(request)
        credential = await self._find(token) if token else None
        if credential is None or not credential.holds(self._clocks.wall()):
            detail = (
                "A bearer token is needed that imports for this authority and has neither expired nor been withdrawn."
            )
            raise Problem(HTTPStatus.UNAUTHORIZED, "Not authenticated", detail, headers={"WWW-Authenticate": "Bearer"})
        if credential.authority != authority:
            raise Problem(HTTPStatus.FORBIDDEN, "Not for this token", "This token is another authority's.")
        self._strangers.remember(request, authority)
        require_tables(credential, tables)
        return credential

    async def _find(self, token: str) -> Credential | None:
        """None for a JWT that is not valid, or not meant for the register of this client's authority."""
        if token.count(".") != 2:
            async with self._store.read() as reader:
                return await reader.fetch(credential_of_token(token))
        try:
            said = jwt.decode(token, options={"verify_signature": False})
            named = [str(said.get(each, "")).replace("\x00", "") for each in ("iss", "sub")]
            async with self._store.read() as reader:
                credential = await reader.fetch(credential_of_client(*named))
            if credential is None or not credential.grants(await asyncio.to_thread(self._claims, credential, token)):
                return None
        except jwt.PyJWKClientConnectionError:
            detail = "The keys of the token's issuer cannot be read for the moment. Send the same again."
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Not now", detail, headers=headers) from None
        except (jwt.PyJWTError, RecursionError, UnicodeEncodeError):  # the last two of what anybody may write into one
            return None
        return credential

    def _claims(self, credential: Credential, token: str) -> dict[str, Any]:
        """Raises PyJWTError."""
        url = str(credential.jwks_url)
        keys = self._keys.setdefault(url, jwt.PyJWKClient(url, timeout=KEYS_WITHIN_SECONDS))
        return jwt.decode(
            token,
            keys.get_signing_key_from_jwt(token),
            algorithms=ALGORITHMS,
            issuer=credential.issuer,
            audience=credential.audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )


def require_tables(credential: Credential, tables: Collection[str]) -> None:
    """Raises Problem where the credential may not write one of them. An unknown name is refused elsewhere."""
    if not credential.tables >= {each for each in tables if each in WRITABLE}:
        detail = f"This token may write {', '.join(sorted(credential.tables))}."
        raise Problem(HTTPStatus.FORBIDDEN, "Not for this token", detail)
