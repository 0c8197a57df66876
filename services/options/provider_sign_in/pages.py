"""Signs staff in by their organisation's provider, and out, also when the provider says so.

It speaks OpenID Connect: code flow with PKCE, state and nonce; back-channel logout.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Any, Self, TypeAlias
from urllib.parse import urlencode

import httpx
import jwt
from cachetools import TTLCache
from fastapi import FastAPI, HTTPException, Request
from jwt import PyJWK, PyJWKSet
from starlette.responses import Response

from services.console import accounts, metrics
from services.console.accounts import Account, record_access
from services.console.policy.access import LATEST, PROVED_FOR, Claimed, Provider, Providers
from services.console.web.pages.sign_in import REFUSED, SignInPages
from services.console.web.session import own_path
from services.console.web.templates import Pages, go_to
from services.options.provider_sign_in import store
from services.platform.runtime.problems import Strangers, read_form
from services.platform.runtime.settings import trusting
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.operators import Access, Because

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


UNDER_WAY_FOR = timedelta(minutes=10)
FAULT_OF = {
    Because.NO_GROUP: "no-group",
    Because.NO_SECOND_FACTOR: "no-second-factor",
    Because.ENDED: REFUSED,
    Because.INVALID: "not-valid",
}


@dataclass(frozen=True)
class ProviderPages(Pages):
    """Strangers are limited: each request may make us ask the provider, which would shut us out, and so everybody, if
    somebody made us ask without end.
    """

    openid: OpenId
    strangers: Strangers = field(default_factory=Strangers)

    @property
    def entrance(self) -> SignInPages:
        return SignInPages(self.guard, self.templates)

    def mount(self, app: FastAPI) -> None:
        self.serve(app, "/providers/{name}/sign-in", self.begin)
        self.serve(app, "/providers/{name}/answer", self.finish)
        self.serve(app, "/asked", self.show_asked)
        self.serve(app, "/providers/{name}/sign-out", sends=self.sign_out)

    async def begin(
        self, request: Request, name: str, then: str = "/", *, quiet: bool = False, again: bool = False
    ) -> Response:
        """A provider that is away locks nobody out who is in already."""
        self._let_in(request, name)
        pending = Pending(own_path(then), quiet, again)
        within = PROVED_FOR / 2 if again else self.guard.limits.total
        try:
            address = await self.openid.begin(name, pending, int(within.total_seconds()))
        except ProviderAway:
            if quiet and await self._stay(request, name):
                return go_to(pending.then)
            return self._away(request, pending.then)
        answer = go_to(address)
        self.guard.keep(answer, self._cookie(pending.state), json.dumps(pending.as_dict()), UNDER_WAY_FOR)
        return answer

    async def finish(self, request: Request, name: str, state: str = "", code: str = "") -> Response:
        self._let_in(request, name)
        kept = request.cookies.get(self._cookie(state))
        if not state or kept is None:
            return self._refuse(request, "/", Because.INVALID)
        try:
            pending = Pending.read(kept)
        except NotValid:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "not-valid") from None
        try:
            claimed = await self.openid.finish(name, pending, code) if code else None
        except NotValid:
            claimed = None
        except ProviderAway:
            if pending.quiet and await self._stay(request, name):
                return go_to(pending.then)
            return self._away(request, pending.then)
        answer = await self._enter(request, name, pending, claimed)
        answer.delete_cookie(self._cookie(state), path="/", secure=self.guard.secure, httponly=True, samesite="lax")
        return answer

    async def show_asked(self, request: Request) -> Response:
        """To whoever sent a form too late, in a window of its own."""
        return self.templates.page(await self.guard.require(request, None), "asked.html", {})

    async def _enter(self, request: Request, name: str, pending: Pending, claimed: Claimed | None) -> Response:
        now, token = self.guard.clocks.wall(), request.cookies.get(self.guard.cookie, "")
        async with self.guard.store.transaction() as uow:
            account = None if claimed is None else await _account(uow, name, claimed, now)
            because = _why_not(claimed, account, pending, now)
            if because is None and claimed is not None and account is not None:
                proof: dict[str, Any] = {"proved_at": _proved_at(claimed, now), "provider_session": claimed.session}
                goes_on = await accounts.prove_session(uow, token, account.operator.account, asked_at=now, **proof)
                if not goes_on:
                    accounts.end_session(uow, token)
                    token = accounts.begin_session(uow, account.operator.account, now, by_provider=True, **proof)
                if not pending.quiet:
                    record_access(uow, Access.PROVED if goes_on else Access.SIGNED_IN, account.operator, provider=name)
                self.strangers.remember(request, name)
                return self.entrance.enter(account, token, pending.then)
            who = None if account is None else account.operator
            record_access(uow, Access.REFUSED, who, because=because, provider=name)
            if account is not None and because in {Because.NO_GROUP, Because.ENDED}:
                uow.write(accounts.END_SESSIONS, {"account": account.operator.account})
            accounts.end_session(uow, token)
        return self._refuse(request, pending.then, because or Because.INVALID)

    async def _stay(self, request: Request, name: str) -> bool:
        """Lets the browser's session go on without its own provider's word. Another that is away says nothing of it."""
        now, token = self.guard.clocks.wall(), request.cookies.get(self.guard.cookie, "")
        async with self.guard.store.transaction() as uow:
            found = await accounts.use_session(uow, token, now, self.guard.limits, following=False)
            if found is None or found.account.provider != name:
                return False
            if await accounts.go_on_unanswered(uow, token, now):
                record_access(uow, Access.UNANSWERED, found.account.operator, provider=name)
            return True

    async def sign_out(self, request: Request, name: str) -> Response:
        """Back-channel logout: the provider itself says that a session, or a person, is out."""
        self._let_in(request, name)
        try:
            session, subject = await self.openid.read_logout(name, (await read_form(request)).get("logout_token", ""))
        except NotValid:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "not-valid") from None
        except ProviderAway:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "provider-away") from None
        self.strangers.remember(request, name)
        sign_in = store.sign_in_of(name, subject) if subject is not None and session is None else None
        async with self.guard.store.transaction() as uow:
            for each in await store.end_sessions_of_provider(uow, name, session=session, sign_in=sign_in):
                record_access(uow, Access.SIGNED_OUT_BY_PROVIDER, each.operator, provider=name)
        return Response(headers={"Cache-Control": "no-store"})

    def _let_in(self, request: Request, name: str) -> None:
        """Raises HTTPException (404) where there is no such provider, and Problem (429) for too many requests."""
        if self.openid.provider(name) is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-provider")
        self.strangers.let_in(request, name)

    def _cookie(self, state: str) -> str:
        """One for each sign-in that is under way: somebody may open several pages at once."""
        return self.guard.cookie_named(f"safe-return-asking-{sha256(state.encode()).hexdigest()[:12]}")

    def _refuse(self, request: Request, then: str, because: Because) -> Response:
        metrics.SIGN_INS.labels(REFUSED).inc()
        return self.entrance.page(request, then, FAULT_OF[because], HTTPStatus.FORBIDDEN)

    def _away(self, request: Request, then: str) -> Response:
        return self.entrance.page(request, then, "provider-away", HTTPStatus.SERVICE_UNAVAILABLE)


async def _account(uow: UnitOfWork, name: str, claimed: Claimed, now: datetime) -> Account | None:
    """With the role and authorities that their groups give now. In no group that is mapped: as it was, if it was."""
    if claimed.grant is None or not claimed.has_second_factor:
        return await uow.fetch(accounts.account_by_sign_in(store.sign_in_of(name, claimed.subject)))
    grant = claimed.grant
    return await store.keep_of_provider(uow, name, claimed.subject, claimed.name, grant.role, grant.listed, now)


def _why_not(claimed: Claimed | None, account: Account | None, pending: Pending, now: datetime) -> Because | None:
    """Why they are not let in. Somebody who was asked to show anew who they are must have done so."""
    if claimed is None or (pending.again and now - _proved_at(claimed, now) >= PROVED_FOR):
        return Because.INVALID
    if claimed.grant is None:
        return Because.NO_GROUP
    if not claimed.has_second_factor:
        return Because.NO_SECOND_FACTOR
    return Because.ENDED if account is None or account.disabled_at is not None else None


def _proved_at(claimed: Claimed, now: datetime) -> datetime:
    return min(now, datetime.fromtimestamp(claimed.proved_at, UTC))


def read_claims(provider: Provider, claims: Mapping[str, Any]) -> Claimed:
    """Of a token that holds in every part. Without `auth_time` nobody has proved anything of late."""
    groups = claims.get(provider.groups_claim)
    known = [str(each) for each in groups] if isinstance(groups, list) else []
    proved_at = claims.get("auth_time", 0)
    return Claimed(
        subject=str(claims["sub"]),
        name=str(claims.get("name") or claims.get("preferred_username") or "No name given")[:120],
        session=str(claims["sid"]) if "sid" in claims else None,
        proved_at=float(proved_at) if isinstance(proved_at, int | float) and 0 <= proved_at < LATEST else 0.0,
        grant=provider.grant_of(known),
        has_second_factor=provider.second_factor.is_shown_by(claims),
    )
