"""The door: who is signed in, what they may do, and that a form comes from a page of ours."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from fastapi import HTTPException, Request
from starlette.responses import Response

from services.console.accounts import repository as accounts
from services.console.policy.permits import May, Operator
from services.console.policy.sign_in import Lasting
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.browser_form import read_form
from services.platform.runtime.http.problems import Problem
from services.platform.store.unit_of_work import Store


class SignedOut(Exception):
    """Nobody is signed in, or no longer. Whoever only follows changes is told so; whoever asks for a page is sent to sign in."""

    def __init__(self, *, following: bool = False) -> None:
        super().__init__("signed out")
        self.following = following


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody at the console."""

    operator: Operator
    token: str

    @property
    def csrf(self) -> str:
        return csrf_of(self.token)


def csrf_of(token: str) -> str:
    """What a form sends back beside the cookie: made of the session's token, which no other site can read. Without a cookie,
    nothing that anybody could know.
    """
    token = token or secrets.token_urlsafe()
    return hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class SessionGuard:
    """`secure`: the cookie goes over HTTPS alone. Off only in a declared sandbox, whose pages are on loopback."""

    store: Store
    clocks: Clocks
    lasting: Lasting
    secure: bool

    @property
    def cookie(self) -> str:
        return "__Host-safe-return" if self.secure else "safe-return"

    async def require(self, request: Request, what: May = May.LOOK, *, following: bool = False) -> SignedIn:
        """Raises SignedOut, or HTTPException (403) where the role may not do that."""
        token = request.cookies.get(self.cookie)
        if not token:
            raise SignedOut(following=following)
        async with self.store.transaction() as uow:
            found = await accounts.in_session(uow, token, self.clocks.wall(), self.lasting, following=following)
        if found is None:
            raise SignedOut(following=following)
        if not found.may(what):
            raise HTTPException(HTTPStatus.FORBIDDEN, f"not-permitted-{found.role}")
        return SignedIn(found, token)

    async def enter_with_form(self, request: Request, what: May) -> tuple[SignedIn, dict[str, str]]:
        """The form's fields, without spaces around them. Raises as `require` does; 403 too where the form is none of ours."""
        here = await self.require(request, what)
        return here, await form_of(request, here.csrf)

    def set_cookie(self, answer: Response, token: str) -> None:
        answer.set_cookie(
            self.cookie,
            token,
            max_age=int(self.lasting.most.total_seconds()),
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def clear_cookie(self, answer: Response) -> None:
        answer.delete_cookie(self.cookie, path="/", secure=self.secure, httponly=True, samesite="lax")


async def form_of(request: Request, csrf: str) -> dict[str, str]:
    """Raises Problem as `read_form` does, and (400) where a field cannot be kept; HTTPException (403) for one without the right token."""
    fields = {name: value.strip() for name, value in (await read_form(request)).items()}
    if not hmac.compare_digest(fields.pop("csrf", "").encode(), csrf.encode()):
        raise HTTPException(HTTPStatus.FORBIDDEN, "not-our-form")
    for name, value in fields.items():
        must_be_text(name, value)
    return fields


def must_be_text(name: str, value: str) -> None:
    """Raises Problem (400): the database keeps no NUL, and nobody types one."""
    if "\x00" in value:
        detail = f"The field {name} holds a character that is none (NUL)."
        raise Problem(HTTPStatus.BAD_REQUEST, "Not text", detail, field=name)


def id_of(form: Mapping[str, str]) -> UUID:
    """Of the form. One that lost it has been tampered with."""
    try:
        return UUID(form.get("act", ""))
    except ValueError:
        raise HTTPException(HTTPStatus.FORBIDDEN, "not-our-form") from None
