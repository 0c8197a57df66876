"""Guards every page: who is signed in, whether their role allows it, and whether a form comes from a page of ours."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import quote
from uuid import UUID

from fastapi import HTTPException, Request
from starlette.datastructures import URL
from starlette.responses import Response

from services.console.accounts import Account, use_session
from services.console.policy.access import May, Operator, Session, SessionLimits
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.problems import FORM_TYPE, media_type_of, read_form, require_text
from services.platform.store.unit_of_work import Store


class SignedOut(Exception):
    """Nobody is signed in any more. A page is redirected to sign in; a request that only follows changes is refused.

    `asks`: the organisation has to be asked first whether they still are.
    """

    def __init__(self, *, following: bool = False, asks: bool = False) -> None:
        super().__init__("signed out")
        self.following = following
        self.asks = asks


class ShownFirst(Exception):
    """The browser is sent to this page first: to show anew who it is, or to set a second factor up."""

    def __init__(self, path: str) -> None:
        super().__init__("something has to be shown first")
        self.path = path


class AskedFirst(Exception):
    """A form came in, and whoever sent it has to ask at this path whether they may still: what they typed is kept."""

    def __init__(self, path: str, signed_in: "SignedIn") -> None:
        super().__init__("the organisation has to be asked first")
        self.path = path
        self.signed_in = signed_in


ACCOUNT = "/account"
"""One's own."""
SECOND_FACTOR = f"{ACCOUNT}/second-factor"
"""Where a local account sets it up."""
SEEN: ContextVar[frozenset[str]] = ContextVar("authorities", default=frozenset())
"""Of whoever asks. Their pages see only these authorities' rows in the database, whatever a handler asks for."""
BEFORE_SECOND_FACTOR = {SECOND_FACTOR, "/sign-in/again"}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An operator with an open session, and what they ask for."""

    request: Request
    account: Account
    session: Session
    token: str

    @property
    def operator(self) -> Operator:
        return self.account.operator

    @property
    def csrf(self) -> str:
        return csrf_of(self.token)

    def seal(self, path: str, done: str) -> str:
        """Shows that an act of this session led to `path`: nobody else can make an address that says so."""
        return hmac.new(self.token.encode(), f"done {path} {done}".encode(), hashlib.sha256).hexdigest()[:32]


def csrf_of(token: str) -> str:
    """The value that a form sends back beside the cookie, derived from the session's token, which no other site can
    read.

    Without a cookie it is a value that nobody could know.
    """
    token = token or secrets.token_urlsafe()
    return hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class SessionGuard:
    """`secure`: the cookie goes over HTTPS alone, and a local account needs a second factor. Off only in a declared
    sandbox, whose pages are on loopback.
    """

    store: Store
    clocks: Clocks
    limits: SessionLimits
    secure: bool

    @property
    def cookie(self) -> str:
        return self.cookie_named("safe-return")

    def cookie_named(self, name: str) -> str:
        return f"__Host-{name}" if self.secure else name

    async def require(
        self, request: Request, what: May | None = May.LOOK, *, proved: bool = False, lost: str = ""
    ) -> SignedIn:
        """`what` None: any account may. `proved`: they must have shown of late who they are. `lost`: the query by which
        the page says, once they have, that what was sent was not done.

        Raises SignedOut, ShownFirst, AskedFirst, HTTPException (403) if the operator's role does not allow it, and as
        `require_text`.
        """
        SEEN.set(frozenset())
        token, now, following = request.cookies.get(self.cookie), self.clocks.wall(), follows_changes(request)
        if not token:
            raise SignedOut(following=following)
        async with self.store.transaction() as uow:
            found = await use_session(uow, token, now, self.limits, following=following)
        if found is None:
            raise SignedOut(following=following)
        signed_in, here = SignedIn(request, found.account, found.session, token), quote(_page_of(request, lost))
        SEEN.set(found.account.operator.authorities)
        if self.lacks_second_factor(found.account) and request.url.path not in BEFORE_SECOND_FACTOR:
            raise SignedOut(following=True) if following else ShownFirst(SECOND_FACTOR)
        is_visit = request.method == "GET" and request.headers.get("sec-fetch-dest", "document") == "document"
        is_page = is_visit and not following
        if found.session.asks_provider(now, is_page=is_page):
            asks = f"/providers/{found.account.provider}/sign-in?quiet=true&then="
            if request.method == "POST" and media_type_of(request) == FORM_TYPE:
                raise AskedFirst(f"{asks}/asked", signed_in)
            # A page can give back what was typed, but no file that was chosen: those are chosen again.
            comes_back = is_page or request.method == "POST"
            raise ShownFirst(f"{asks}{here}") if comes_back else SignedOut(following=True, asks=True)
        if what is not None and not signed_in.operator.may(what):
            raise HTTPException(HTTPStatus.FORBIDDEN, f"not-permitted-{signed_in.operator.role}")
        if proved and not found.session.is_proved(now, sending=request.method == "POST"):
            raise ShownFirst(_again(found.account, here))
        for name, value in (*request.path_params.items(), *request.query_params.items()):
            require_text(name, value)
        return signed_in

    def lacks_second_factor(self, account: Account) -> bool:
        """A provider asks for it itself."""
        return self.secure and account.provider is None and account.second_factor is None

    async def enter_with_form(
        self, request: Request, what: May | None, *, proved: bool = False, lost: str = ""
    ) -> tuple[SignedIn, dict[str, str]]:
        """With the form's fields, stripped. Raises as `require` and `read_our_form` do."""
        signed_in = await self.require(request, what, proved=proved, lost=lost)
        return signed_in, await read_our_form(request, signed_in.csrf)

    def set_cookie(self, answer: Response, token: str) -> None:
        self.keep(answer, self.cookie, token, self.limits.total)

    def keep(self, answer: Response, cookie: str, value: str, for_: timedelta) -> None:
        """In the browser, out of the reach of scripts and of other sites' forms."""
        seconds = int(for_.total_seconds())
        answer.set_cookie(cookie, value, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite="lax")

    def clear_cookie(self, answer: Response) -> None:
        answer.delete_cookie(self.cookie, path="/", secure=self.secure, httponly=True, samesite="lax")


def follows_changes(request: Request) -> bool:
    """Whether a page asks by itself for its changing part, or when to do so. That does not prolong the session."""
    return request.url.path.startswith(("/parts/", "/changes"))


def _again(account: Account, here: str) -> str:
    """Where they show anew who they are."""
    provider = account.provider
    return (
        f"/sign-in/again?then={here}" if provider is None else f"/providers/{provider}/sign-in?again=true&then={here}"
    )


def _page_of(request: Request, lost: str) -> str:
    """Where a browser may come back to: the page, or that on which the form was."""
    asked = request.url if request.method == "GET" else URL(request.headers.get("referer", "/"))
    asked = asked.replace(query=lost) if lost and request.method == "POST" else asked
    return asked.path + (f"?{asked.query}" if asked.query else "")


def own_path(path: str) -> str:
    """A page of this console, so that nobody is redirected elsewhere after signing in."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if is_own else "/"


async def read_our_form(request: Request, csrf: str) -> dict[str, str]:
    """Stripped; several of one name joined by commas. Raises as `read_form`, HTTPException (403) for a wrong token."""
    posted = await read_form(request)
    fields = {name: ",".join(posted.getlist(name)).strip() for name in posted}
    if not hmac.compare_digest(fields.pop("csrf", "").encode(), csrf.encode()):
        raise HTTPException(HTTPStatus.FORBIDDEN, "not-our-form")
    return fields


def require_every_authority(operator: Operator, why: str) -> None:
    """For what is no authority's, or may be any's. Raises HTTPException (404): nobody else learns that it is there."""
    if not operator.sees(None):
        raise HTTPException(HTTPStatus.NOT_FOUND, why)


def act_of(form: Mapping[str, str]) -> UUID:
    """The form's id. Raises HTTPException (403) for a form without one, which has been tampered with."""
    try:
        return UUID(form.get("act", ""))
    except ValueError:
        raise HTTPException(HTTPStatus.FORBIDDEN, "not-our-form") from None
