"""Lets people in at the console, and out: the sign-in page, on which options show their ways in, and one's own account.
A refusal never says what was wrong.
"""

import secrets
from http import HTTPStatus

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.console import accounts, metrics
from services.console.accounts import Account, record_access
from services.console.policy.access import May
from services.console.web.session import ACCOUNT, SignedIn, csrf_of, own_path, read_our_form
from services.console.web.templates import Pages, go_to
from services.safeguarding.operators import Access

BEFORE = "safe-return-before"
"""A cookie of the sign-in page alone, so that another site's form cannot sign somebody in."""
REFUSED = "refused"


class SignInPages(Pages):
    def mount(self, app: FastAPI) -> None:
        self.serve(app, "/sign-in", self.show)
        self.serve(app, "/sign-out", sends=self.sign_out)

    async def show(self, request: Request, then: str = "/") -> Response:
        return self.page(request, then, None, HTTPStatus.OK)

    def enter(self, account: Account, token: str, then: str) -> Response:
        """Sends the browser on with its session."""
        metrics.SIGN_INS.labels("signed-in").inc()
        path = own_path(then)
        answer = go_to(self.templates.home(account.operator) if path == "/" else path)
        self.guard.set_cookie(answer, token)
        answer.delete_cookie(BEFORE, path="/sign-in")
        return answer

    async def sign_out(self, request: Request) -> Response:
        token, now = request.cookies.get(self.guard.cookie, ""), self.guard.clocks.wall()
        await read_our_form(request, csrf_of(token))
        async with self.guard.store.transaction() as uow:
            found = await accounts.use_session(uow, token, now, self.guard.limits, following=True)
            if found is not None:
                record_access(uow, Access.SIGNED_OUT, found.account.operator, provider=found.account.provider)
            accounts.end_session(uow, token)
        answer = go_to("/sign-in")
        self.guard.clear_cookie(answer)
        return answer

    def page(self, request: Request, then: str, fault: str | None, status: HTTPStatus) -> Response:
        """The page to sign in, which says why the last attempt failed."""
        before = request.cookies.get(BEFORE) or secrets.token_urlsafe(32)
        ways = {"titles": self.templates.providers, "takes_passwords": self.templates.takes_passwords}
        shown = {"then": own_path(then), "fault": fault, **ways}
        answer = self.templates.page(request, "sign-in.html", shown, csrf=csrf_of(before), status=status)
        answer.set_cookie(BEFORE, before, path="/sign-in", secure=self.guard.secure, httponly=True, samesite="strict")
        return answer


class AccountPages(Pages):
    """One's own."""

    def mount(self, app: FastAPI) -> None:
        self.serve(app, ACCOUNT, self.show)
        self.serve(app, f"{ACCOUNT}/command-code", sends=self.give_command_code)

    async def show(self, request: Request) -> Response:
        return self._page(await self.guard.require(request, None))

    async def give_command_code(self, request: Request) -> Response:
        """Shown once. A command takes it in place of a name that anybody could type."""
        signed_in, _ = await self.guard.enter_with_form(request, May.SEND_AGAIN, proved=True)
        async with self.guard.store.transaction() as uow:
            who = signed_in.operator
            code = accounts.begin_session(uow, who.account, self.guard.clocks.wall(), for_command=True)
            record_access(uow, Access.COMMAND_CODE_GIVEN, who, provider=signed_in.account.provider)
        return self._page(signed_in, command_code=code)

    def _page(self, signed_in: SignedIn, *, command_code: str = "") -> Response:
        shown = {"account": signed_in.account, "command_code": command_code}
        return self.templates.page(signed_in, "account.html", shown)
