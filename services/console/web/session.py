"""Guards every page: who is signed in, whether their role allows it, and whether a form comes from a page of ours."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from fastapi import HTTPException, Request
from starlette.responses import Response

from services.console.accounts.repository import use_session
from services.console.policy.permits import May, Operator
from services.console.policy.sign_in import SessionLimits
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.browser_form import read_form
from services.platform.runtime.http.problems import Problem
from services.platform.store.unit_of_work import Store


class SignedOut(Exception):
    """Nobody is signed in any more. A page is redirected to sign in; a request that only follows changes is refused."""

    def __init__(self, *, following: bool = False) -> None:
        super().__init__("signed out")
        self.following = following


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An operator with an open session."""

    operator: Operator
    token: str

    @property
    def csrf(self) -> str:
        return csrf_of(self.token)


def csrf_of(token: str) -> str:
    """The value that a form sends back beside the cookie, derived from the session's token, which no other site can
    read.

    Without a cookie it is a value that nobody could know.
    """
    token = token or secrets.token_urlsafe()
    return hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class SessionGuard:
    """`secure`: the cookie goes over HTTPS alone. Off only in a declared sandbox, whose pages are on loopback."""

    store: Store
    clocks: Clocks
    limits: SessionLimits
    secure: bool

    @property
    def cookie(self) -> str:
        return "__Host-safe-return" if self.secure else "safe-return"

    async def require(self, request: Request, what: May = May.LOOK, *, following: bool = False) -> SignedIn:
        """Raises SignedOut, or HTTPException (403) if the operator's role does not allow it."""
        token = request.cookies.get(self.cookie)
        if not token:
            raise SignedOut(following=following)
        async with self.store.transaction() as uow:
            operator = await use_session(uow, token, self.clocks.wall(), self.limits, following=following)
        if operator is None:
            raise SignedOut(following=following)
        if not operator.may(what):
            raise HTTPException(HTTPStatus.FORBIDDEN, f"not-permitted-{operator.role}")
        return SignedIn(operator, token)

    async def enter_with_form(self, request: Request, what: May) -> tuple[SignedIn, dict[str, str]]:
        """With the form's fields, stripped. Raises as `require` and `read_our_form` do."""
        signed_in = await self.require(request, what)
        return signed_in, await read_our_form(request, signed_in.csrf)

    def set_cookie(self, answer: Response, token: str) -> None:
        answer.set_cookie(
            self.cookie,
            token,
            max_age=int(self.limits.total.total_seconds()),
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def clear_cookie(self, answer: Response) -> None:
        answer.delete_cookie(self.cookie, path="/", secure=self.secure, httponly=True, samesite="lax")


async def read_our_form(request: Request, csrf: str) -> dict[str, str]:
    """The fields, stripped; several of one name are joined by commas.

    Raises Problem as `read_form` and `require_text`, HTTPException (403) for a wrong token.
    """
    posted = await read_form(request)
    fields = {name: ",".join(posted.getlist(name)).strip() for name in posted}
    if not hmac.compare_digest(fields.pop("csrf", "").encode(), csrf.encode()):
        raise HTTPException(HTTPStatus.FORBIDDEN, "not-our-form")
    for name, value in fields.items():
        require_text(name, value)
    return fields


def require_text(name: str, value: str) -> None:
    """Raises Problem (400) for a NUL: the database cannot store one, and nobody types one."""
    if "\x00" in value:
        detail = f"The field {name} holds a character that is none (NUL)."
        raise Problem(HTTPStatus.BAD_REQUEST, "Not text", detail, field=name)


def act_of(form: Mapping[str, str]) -> UUID:
    """The form's id. Raises HTTPException (403) for a form without one, which has been tampered with."""
    try:
        return UUID(form.get("act", ""))
    except ValueError:
        raise HTTPException(HTTPStatus.FORBIDDEN, "not-our-form") from None
