"""Signs operators in and out. A refusal never says whether the name or the password was wrong."""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.console import metrics
from services.console.accounts import repository as accounts
from services.console.accounts.passwords import verify_password
from services.console.accounts.sign_in_limiter import SignInLimiter, place_of
from services.console.policy.sign_in import FAILURES_COUNT_FOR
from services.console.web.session import SessionGuard, csrf_of, read_our_form
from services.console.web.templates import Templates, go_to

BEFORE = "safe-return-before"
"""A cookie of the sign-in page alone, so that another site's form cannot sign somebody in."""
REFUSED, HELD_BACK, CROWDED = "refused", "held-back", "crowded"
A_MOMENT = timedelta(seconds=5)


@dataclass(frozen=True)
class SignInPages:
    guard: SessionGuard
    templates: Templates
    limiter: SignInLimiter = field(default_factory=SignInLimiter)

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/sign-in", self.show, methods=["GET"], include_in_schema=False)
        app.add_api_route("/sign-in", self.sign_in, methods=["POST"], include_in_schema=False)
        app.add_api_route("/sign-out", self.sign_out, methods=["POST"], include_in_schema=False)

    async def show(self, request: Request, then: str = "/") -> Response:
        return self._page(request, then, None, HTTPStatus.OK)

    async def sign_in(self, request: Request) -> Response:
        form = await read_our_form(request, csrf_of(request.cookies.get(BEFORE, "")))
        sign_in, password, then = form.get("name", ""), form.get("password", ""), form.get("then", "/")
        place = place_of(request.client.host if request.client else None)
        with self.limiter.slot(place) as has_room:
            if not has_room:
                return self._turn_away(request, then, CROWDED, A_MOMENT)
            return await self._try(request, sign_in, password, then, place)

    async def _try(self, request: Request, sign_in: str, password: str, then: str, place: str) -> Response:
        now = self.guard.clocks.wall()
        async with self.guard.store.transaction() as uow:
            may_try = await accounts.count_attempt(uow, sign_in, place, now)
            found = await uow.fetch(accounts.account_by_sign_in(sign_in))
        if not may_try:
            return self._turn_away(request, then, HELD_BACK, FAILURES_COUNT_FOR)
        is_right = await verify_password(password, None if found is None else found.password_seal)
        if found is None or not is_right or found.disabled_at is not None:
            metrics.SIGN_INS.labels(REFUSED).inc()
            return self._page(request, then, REFUSED, HTTPStatus.FORBIDDEN)
        async with self.guard.store.transaction() as uow:
            accounts.forget_attempt(uow, sign_in, place, now)
            token = accounts.begin_session(uow, found.operator.account, now)
        metrics.SIGN_INS.labels("signed-in").inc()
        answer = go_to(_own_path(then))
        self.guard.set_cookie(answer, token)
        answer.delete_cookie(BEFORE, path="/sign-in")
        return answer

    def _turn_away(self, request: Request, then: str, why: str, wait: timedelta) -> Response:
        metrics.SIGN_INS.labels(why).inc()
        answer = self._page(request, then, why, HTTPStatus.TOO_MANY_REQUESTS)
        answer.headers["retry-after"] = str(int(wait.total_seconds()))
        return answer

    async def sign_out(self, request: Request) -> Response:
        token = request.cookies.get(self.guard.cookie, "")
        await read_our_form(request, csrf_of(token))
        async with self.guard.store.transaction() as uow:
            accounts.end_session(uow, token)
        answer = go_to("/sign-in")
        self.guard.clear_cookie(answer)
        return answer

    def _page(self, request: Request, then: str, fault: str | None, status: HTTPStatus) -> Response:
        before = request.cookies.get(BEFORE) or secrets.token_urlsafe(32)
        shown = {"then": _own_path(then), "fault": fault}
        answer = self.templates.page(request, "sign-in.html", shown, csrf=csrf_of(before), status=status)
        answer.set_cookie(BEFORE, before, path="/sign-in", secure=self.guard.secure, httponly=True, samesite="strict")
        return answer


def _own_path(path: str) -> str:
    """A page of this console, so that nobody is redirected elsewhere after signing in."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if is_own else "/"
