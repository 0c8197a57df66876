"""Signing in and out. What is wrong is never said more closely than that name and password do not go together."""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.console import metrics
from services.console.accounts import repository as accounts
from services.console.accounts.passwords import fits
from services.console.accounts.sign_in_limiter import SignInLimiter, place_of
from services.console.policy.sign_in import FAILURES_COUNT_FOR
from services.console.web.session import SessionGuard, csrf_of, form_of
from services.console.web.templates import Templates, go_to

BEFORE = "safe-return-before"
"""A cookie of the sign-in page alone, so that another site's form cannot sign somebody in."""
REFUSED, HELD_BACK, CROWDED = "refused", "held-back", "crowded"
A_MOMENT = timedelta(seconds=5)


@dataclass(frozen=True)
class SigningIn:
    door: SessionGuard
    look: Templates
    crowd: SignInLimiter = field(default_factory=SignInLimiter)

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/sign-in", self.shows, methods=["GET"], include_in_schema=False)
        app.add_api_route("/sign-in", self.signs_in, methods=["POST"], include_in_schema=False)
        app.add_api_route("/sign-out", self.signs_out, methods=["POST"], include_in_schema=False)

    async def shows(self, request: Request, then: str = "/") -> Response:
        return self._page(request, then, None, HTTPStatus.OK)

    async def signs_in(self, request: Request) -> Response:
        form = await form_of(request, csrf_of(request.cookies.get(BEFORE, "")))
        sign_in, password, then = form.get("name", ""), form.get("password", ""), form.get("then", "/")
        place = place_of(request.client.host if request.client else None)
        with self.crowd.slot(place) as has_room:
            if not has_room:
                return self._turned_away(request, then, CROWDED, A_MOMENT)
            return await self._tries(request, sign_in, password, then, place)

    async def _tries(self, request: Request, sign_in: str, password: str, then: str, place: str) -> Response:
        now = self.door.clocks.wall()
        async with self.door.store.transaction() as uow:
            heard = await accounts.may_try(uow, sign_in, place, now)
            found = await accounts.of_name(uow.connection, sign_in)
        if not heard:
            return self._turned_away(request, then, HELD_BACK, FAILURES_COUNT_FOR)
        right = await fits(password, None if found is None else found.password_seal)
        if found is None or not right or found.disabled_at is not None:
            metrics.SIGN_INS.labels(REFUSED).inc()
            return self._page(request, then, REFUSED, HTTPStatus.FORBIDDEN)
        async with self.door.store.transaction() as uow:
            await accounts.succeeded(uow, sign_in, place, now)
            token = await accounts.begin_session(uow, found.operator.account, now)
        metrics.SIGN_INS.labels("signed-in").inc()
        answer = go_to(_ours(then))
        self.door.set_cookie(answer, token)
        answer.delete_cookie(BEFORE, path="/sign-in")
        return answer

    def _turned_away(self, request: Request, then: str, why: str, wait: timedelta) -> Response:
        metrics.SIGN_INS.labels(why).inc()
        answer = self._page(request, then, why, HTTPStatus.TOO_MANY_REQUESTS)
        answer.headers["retry-after"] = str(int(wait.total_seconds()))
        return answer

    async def signs_out(self, request: Request) -> Response:
        token = request.cookies.get(self.door.cookie, "")
        await form_of(request, csrf_of(token))
        async with self.door.store.transaction() as uow:
            await accounts.end_session(uow, token)
        answer = go_to("/sign-in")
        self.door.clear_cookie(answer)
        return answer

    def _page(self, request: Request, then: str, fault: str | None, status: HTTPStatus) -> Response:
        before = request.cookies.get(BEFORE) or secrets.token_urlsafe(32)
        shown: dict[str, object] = {"then": _ours(then), "fault": fault}
        answer = self.look.page(request, "sign-in.html", shown, csrf=csrf_of(before), status=status)
        answer.set_cookie(BEFORE, before, path="/sign-in", secure=self.door.secure, httponly=True, samesite="strict")
        return answer


def _ours(path: str) -> str:
    """A page of this console: nobody is sent elsewhere after signing in."""
    inside = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if inside else "/"
