"""Speaks OpenID Connect with an organisation's provider: code flow with PKCE, state and nonce; back-channel logout."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Any, Self, TypeAlias
from urllib.parse import urlencode

import httpx
import jwt
from cachetools import TTLCache
from jwt import PyJWK, PyJWKSet

from services.console.policy.access import Claimed, Provider, Providers, read_claims
from services.platform.runtime.private_trust import trusting

SECONDS = 5.0
KEPT_SECONDS = 300
LEEWAY = 60
ALGORITHMS = ["RS256", "PS256", "ES256"]
About: TypeAlias = tuple[Mapping[str, Any], Mapping[str | None, PyJWK]]
"""A provider's own description, and its keys by their ids."""
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


class ProviderAway(Exception):
    """The provider does not answer, or not as OpenID Connect has it."""


class NotValid(Exception):
    """What was handed in is not the provider's word to us, now and about this sign-in."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that is under way, as the browser's own cookie keeps it. `quiet`: only ask whether they may still come
    in; nobody types anything.
    """

    then: str
    quiet: bool = False
    again: bool = False
    """Whoever is signed in already is to show anew who they are."""
    state: str = field(default_factory=token_urlsafe)
    nonce: str = field(default_factory=token_urlsafe)
    verifier: str = field(default_factory=lambda: token_urlsafe(48))

    @classmethod
    def read(cls, kept: str) -> Self:
        """What a browser keeps can be anything. Raises NotValid."""
        try:
            found = cls(**json.loads(kept))
        except (TypeError, ValueError):
            raise NotValid from None
        if any(type(value) is not type(getattr(cls("/"), name)) for name, value in found.as_dict().items()):
            raise NotValid
        return found

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class OpenId:
    """`forget_after` seconds a provider's addresses and keys are fetched anew."""

    def __init__(self, providers: Providers, forget_after: float = KEPT_SECONDS) -> None:
        self._providers = providers
        self._known: TTLCache[str, About] = TTLCache(100, forget_after)

    @property
    def titles(self) -> dict[str, str]:
        """What the buttons say, by provider."""
        return {name: each.title for name, each in self._providers.providers.items()}

    def provider(self, name: str) -> Provider | None:
        return self._providers.providers.get(name)

    async def begin(self, name: str, pending: Pending, max_age: int) -> str:
        """The provider's address to send the browser to. Raises ProviderAway.

        `max_age`: how many seconds ago they may have signed in there; the provider then says when they did.
        """
        provider = self._providers.providers[name]
        about, _ = await self._about(name, fresh=pending.quiet)
        challenge = urlsafe_b64encode(sha256(pending.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": provider.client,
            "redirect_uri": self._back_to(name),
            "scope": "openid profile",
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "max_age": max_age,
        }
        if provider.second_factor.acr:
            asked["acr_values"] = " ".join(provider.second_factor.acr)
        if pending.quiet:
            asked["prompt"] = "none"
        return f"{about['authorization_endpoint']}?{urlencode(asked)}"

    async def keys_of(self, name: str) -> Collection[str | None]:
        """The ids of the keys by which the provider signs now. Raises ProviderAway."""
        _, keys = await self._about(name, fresh=True)
        return keys.keys()

    async def finish(self, name: str, pending: Pending, code: str) -> Claimed:
        """Raises ProviderAway or NotValid."""
        provider = self._providers.providers[name]
        about, _ = await self._about(name)
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back_to(name),
            "code_verifier": pending.verifier,
            "client_id": provider.client,
            "client_secret": provider.secret.get_secret_value(),
        }
        answer = await _ask(provider, "POST", str(about["token_endpoint"]), fields)
        if "id_token" not in answer:
            raise NotValid
        claims = await self._read(name, str(answer["id_token"]))
        if claims.get("nonce") != pending.nonce or "sub" not in claims:
            raise NotValid
        return read_claims(provider, claims)

    async def read_logout(self, name: str, token: str) -> tuple[str | None, str | None]:
        """The session and the person that a back-channel logout names. Raises ProviderAway or NotValid."""
        claims = await self._read(name, token)
        events = claims.get("events")
        if not isinstance(events, dict) or LOGOUT not in events or "nonce" in claims:
            raise NotValid
        if "sid" not in claims and "sub" not in claims:
            raise NotValid
        return claims.get("sid"), claims.get("sub")

    def _back_to(self, name: str) -> str:
        return f"{self._providers.console.rstrip('/')}/providers/{name}/answer"

    async def _read(self, name: str, token: str) -> dict[str, Any]:
        """The claims of a token of this provider for us. Its keys are fetched again where it signs with another."""
        provider = self._providers.providers[name]
        try:
            by = jwt.get_unverified_header(token).get("kid")
            _, keys = await self._about(name)
            if by not in keys:
                _, keys = await self._about(name, fresh=True)
            claims: dict[str, Any] = jwt.decode(
                token,
                keys[by],
                algorithms=ALGORITHMS,
                options={"require": ["exp", "iat", "iss", "aud"]},
                audience=provider.client,
                issuer=provider.issuer,
                leeway=LEEWAY,
            )
        except (jwt.PyJWTError, KeyError):
            raise NotValid from None
        if claims.get("azp", provider.client) != provider.client:
            raise NotValid
        return claims

    async def _about(self, name: str, *, fresh: bool = False) -> About:
        """The provider's own description and keys."""
        known = None if fresh else self._known.get(name)
        if known is None:
            provider = self._providers.providers[name]
            about = await _ask(provider, "GET", f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
            if about.get("issuer") != provider.issuer or "authorization_endpoint" not in about:
                raise ProviderAway
            keys = await _ask(provider, "GET", str(about.get("jwks_uri")))
            try:
                known = self._known[name] = about, {each.key_id: each for each in PyJWKSet.from_dict(keys).keys}
            except jwt.PyJWTError:
                raise ProviderAway from None
        return known


async def _ask(provider: Provider, method: str, url: str, fields: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON that it answers; a refusal's too. Raises ProviderAway, and NotValid for what it refuses without JSON."""
    trusted = True if provider.private_ca is None else trusting(cadata=provider.private_ca)
    try:
        async with httpx.AsyncClient(timeout=SECONDS, verify=trusted, trust_env=False) as client:
            answer = await client.request(method, url, data=fields)
            if answer.is_server_error or answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                raise ProviderAway
            if fields is not None and answer.is_client_error and "json" not in answer.headers.get("content-type", ""):
                raise NotValid
            content = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        raise ProviderAway from None
    if not isinstance(content, dict):
        raise ProviderAway
    return content
