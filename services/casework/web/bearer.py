"""Finds the credential that a request bears: a token of ours, or a JWT of the authority's identity provider."""

import asyncio
from collections import defaultdict
from collections.abc import Collection
from http import HTTPStatus
from typing import Any

import jwt
from starlette.requests import Request

from services.casework.policy.credential import WRITABLE, Credential
from services.casework.store.credentials import credential_of_client, credential_of_token
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.problems import RETRY_AFTER_SECONDS, Problem, bearer_of
from services.platform.runtime.http.strangers import Strangers
from services.platform.store.unit_of_work import Store

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
