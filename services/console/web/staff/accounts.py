"""Serves one's own account, and to administrators those of their authorities: they make, limit, reset and end them."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console.accounts import repository as accounts
from services.console.accounts import sessions
from services.console.accounts.passwords import generate_password, hash_password, keep_secret, new_secret, picture_of
from services.console.accounts.repository import record_access
from services.console.policy.access import ALL, May, Operator
from services.console.web.session import ACCOUNT, SignedIn
from services.console.web.templates import Pages, go_to
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.operators import Access, OperatorRole

CHANGES = {
    "make": Access.ACCOUNT_MADE,
    "limit": Access.ACCOUNT_LIMITED,
    "reset": Access.ACCOUNT_RESET,
    "end": Access.ACCOUNT_ENDED,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A change that an administrator asks for."""

    what: Access
    sign_in: str
    name: str
    role: OperatorRole | None
    authorities: frozenset[str]

    def fault(self, offered: list[str]) -> str | None:
        """The field that has to be corrected."""
        if self.what is Access.ACCOUNT_MADE and not (accounts.is_local_name(self.sign_in) and self.name):
            return "name"
        has_scope = self.role is not None and self.authorities and self.authorities <= set(offered)
        needs_scope = self.what in {Access.ACCOUNT_MADE, Access.ACCOUNT_LIMITED}
        return "authorities" if needs_scope and not has_scope else None


@dataclass(frozen=True)
class AccountPages(Pages):
    keyring: Keyring

    def mount(self, app: FastAPI) -> None:
        app.add_api_route(ACCOUNT, self.show_own, methods=["GET"], include_in_schema=False)
        app.add_api_route(f"{ACCOUNT}/second-factor", self.set_second_factor, methods=["POST"], include_in_schema=False)
        app.add_api_route(f"{ACCOUNT}/command-code", self.give_command_code, methods=["POST"], include_in_schema=False)
        app.add_api_route("/accounts", self.show, methods=["GET"], include_in_schema=False)
        app.add_api_route("/accounts", self.change, methods=["POST"], include_in_schema=False)

    async def show_own(self, request: Request) -> Response:
        return self._own(request, await self.guard.require(request, None))

    async def set_second_factor(self, request: Request) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, None, proved=True)
        secret, now = form.get("secret", ""), self.guard.clocks.own()
        async with self.guard.store.transaction() as uow:
            is_kept = await keep_secret(uow, self.keyring, signed_in.account, secret, form.get("code", ""), now)
            if is_kept:
                record_access(uow, Access.SECOND_FACTOR_SET, signed_in.operator)
        return go_to(ACCOUNT) if is_kept else self._own(request, signed_in, fault="code")

    async def give_command_code(self, request: Request) -> Response:
        """Shown once. A command takes it in place of a name that anybody could type."""
        signed_in, _ = await self.guard.enter_with_form(request, May.SEND_AGAIN, proved=True)
        async with self.guard.store.transaction() as uow:
            who = signed_in.operator
            code = sessions.begin_session(uow, who.account, self.guard.clocks.wall(), for_command=True)
            record_access(uow, Access.COMMAND_CODE_GIVEN, who, provider=signed_in.account.provider)
        return self._own(request, signed_in, command_code=code)

    def _own(self, request: Request, signed_in: SignedIn, *, fault: str = "", command_code: str = "") -> Response:
        secret = new_secret()
        shown = {
            "account": signed_in.account,
            "is_needed": self.guard.lacks_second_factor(signed_in.account),
            "secret": secret,
            "picture": picture_of(secret, signed_in.account.sign_in),
            "fault": fault,
            "command_code": command_code,
        }
        return self.templates.page(request, "account.html", shown, signed_in)

    async def show(self, request: Request) -> Response:
        signed_in = await self.guard.require(request, May.ADMINISTER, proved=True)
        return await self._page(request, signed_in, {})

    async def change(self, request: Request) -> Response:
        """One's own account is changed by another administrator."""
        signed_in, form = await self.guard.enter_with_form(request, May.ADMINISTER, proved=True)
        wanted = _wanted(form)
        if fault := wanted.fault(await self._offered(signed_in.operator)):
            return await self._page(request, signed_in, {"fault": fault, "form": form})
        password = generate_password() if wanted.what in {Access.ACCOUNT_MADE, Access.ACCOUNT_RESET} else ""
        async with self.guard.store.transaction() as uow:
            await self._require_within(uow, signed_in, wanted)
            changed = await self._carry_out(uow, wanted, password)
            if changed is not None:
                record_access(uow, wanted.what, changed, by=signed_in.operator.account)
        if changed is None:
            return await self._page(request, signed_in, {"fault": "taken", "form": form})
        told = password if accounts.is_local_name(wanted.sign_in) else ""
        shown = {"done": wanted.what, "sign_in": wanted.sign_in, "password": told}
        return await self._page(request, signed_in, shown)

    async def _require_within(self, uow: UnitOfWork, signed_in: SignedIn, wanted: Wanted) -> None:
        """One that does not exist, and one of other authorities, are answered alike."""
        within = {each.sign_in for each in await uow.fetch(accounts.accounts_within(signed_in.operator))}
        is_other = accounts.normalise_sign_in(wanted.sign_in) in within - {signed_in.account.sign_in}
        if wanted.what is not Access.ACCOUNT_MADE and not is_other:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-account")

    async def _carry_out(self, uow: UnitOfWork, wanted: Wanted, password: str) -> Operator | None:
        now, sign_in, role = self.guard.clocks.wall(), wanted.sign_in, wanted.role
        if wanted.what is Access.ACCOUNT_ENDED:
            return await accounts.close_account(uow, sign_in, now)
        if wanted.what is Access.ACCOUNT_RESET:
            return await accounts.reset_account(uow, sign_in, hash_password(password))
        if role is None:
            return None
        if wanted.what is Access.ACCOUNT_LIMITED:
            return await accounts.limit_account(uow, sign_in, role, wanted.authorities)
        return await accounts.add_account(
            uow,
            sign_in=sign_in,
            name=wanted.name,
            role=role,
            authorities=wanted.authorities,
            password_seal=hash_password(password),
            now=now,
        )

    async def _offered(self, operator: Operator) -> list[str]:
        """The authorities that they may give. "all" is one of them for who has it."""
        async with self.guard.store.read() as reader:
            known = await reader.fetch(accounts.authorities())
        return [*(each for each in known if operator.sees(each)), *([ALL] if operator.scope is None else [])]

    async def _page(self, request: Request, signed_in: SignedIn, shown: Mapping[str, object]) -> Response:
        async with self.guard.store.read() as reader:
            found = await reader.fetch(accounts.accounts_within(signed_in.operator))
        about: dict[str, object] = {
            "accounts": found,
            "offered": await self._offered(signed_in.operator),
            "roles": list(OperatorRole),
            "fault": "",
            "form": {},
            "password": "",
        }
        return self.templates.page(request, "accounts.html", {**about, **shown}, signed_in)


def _wanted(form: dict[str, str]) -> Wanted:
    """Raises HTTPException (404) for an unknown change."""
    if form.get("what") not in CHANGES:
        raise HTTPException(HTTPStatus.NOT_FOUND, "no-such-change")
    role = form.get("role", "")
    return Wanted(
        CHANGES[form["what"]],
        form.get("sign_in", ""),
        form.get("full_name", "")[:120],
        OperatorRole(role) if role in set(OperatorRole) else None,
        frozenset(filter(None, form.get("authorities", "").split(","))),
    )
