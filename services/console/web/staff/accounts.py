"""Signs local accounts in by password, and everybody out: a refusal never says what was wrong. Serves one's own
account, and to administrators those of their authorities: they make, limit, reset and end them.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import quote

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console import metrics
from services.console.accounts import repository as accounts
from services.console.accounts import sessions
from services.console.accounts.repository import Account, record_access
from services.console.policy.access import ALL, FAILURES_COUNT_FOR, May, Operator
from services.console.web.session import ACCOUNT, SignedIn, csrf_of, own_path, read_our_form
from services.console.web.templates import Pages, go_to
from services.platform.runtime.problems import place_of
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.operators import Access, Because, OperatorRole

BEFORE = "safe-return-before"
"""A cookie of the sign-in page alone, so that another site's form cannot sign somebody in."""
DEVICE = "safe-return-device"
"""Says that somebody has signed in with this browser before. It opens nothing."""
REFUSED, HELD_BACK, CROWDED = "refused", "held-back", "crowded"
A_MOMENT = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was typed, and where. `place` is the network's, or the device's where the name's owner has used it."""

    sign_in: str
    password: str
    code: str
    place: str
    now: datetime


@dataclass(frozen=True)
class SignInPages(Pages):
    keyring: Keyring
    limiter: sessions.SignInLimiter = field(default_factory=sessions.SignInLimiter)

    def mount(self, app: FastAPI) -> None:
        self.serve(app, "/sign-in", self.show, self.sign_in)
        self.serve(app, "/sign-in/again", self.show_again, self.sign_in_again)
        self.serve(app, "/sign-out", sends=self.sign_out)

    async def show(self, request: Request, then: str = "/") -> Response:
        return self.page(request, then, None, HTTPStatus.OK)

    async def sign_in(self, request: Request) -> Response:
        form = await read_our_form(request, csrf_of(request.cookies.get(BEFORE, "")))
        place = place_of(request)
        with self.limiter.slot(place) as has_room:
            if not has_room:
                return self._turn_away(request, form.get("then", "/"), CROWDED, A_MOMENT)
            return await self._try(request, form, place)

    async def _try(self, request: Request, form: dict[str, str], place: str) -> Response:
        sign_in, then, now = form.get("name", ""), form.get("then", "/"), self.guard.clocks.wall()
        device = request.cookies.get(self.guard.cookie_named(DEVICE), "")
        async with self.guard.store.transaction() as uow:
            source = await sessions.place_of_attempt(uow, sign_in, device, place, now)
            may_try = await sessions.count_attempt(uow, sign_in, source, now)
            found = await uow.fetch(accounts.account_by_sign_in(sign_in))
        if not may_try:
            return self._turn_away(request, then, HELD_BACK, FAILURES_COUNT_FOR)
        attempt = Attempt(sign_in, form.get("password", ""), form.get("code", ""), source, now)
        seal = None if found is None else found.password_seal
        is_right = await sessions.verify_password(attempt.password, seal)
        async with self.guard.store.transaction() as uow:
            # Who has reset the account meanwhile has ended its sessions: none begins by the old password after that.
            found = await uow.fetch(accounts.account_by_sign_in(sign_in, locked=True))
            is_right = is_right and found is not None and found.password_seal == seal
            if found is None or not is_right or found.disabled_at is not None:
                because = Because.ENDED if found is not None and is_right else Because.CREDENTIALS
                record_access(uow, Access.REFUSED, None if found is None else found.operator, because=because)
                token = None
            else:
                token = await self._enter(uow, found, attempt, is_known=source != place)
        if token is None or found is None:
            metrics.SIGN_INS.labels(REFUSED).inc()
            return self.page(request, then, REFUSED, HTTPStatus.FORBIDDEN)
        answer = self.enter(found, token, then)
        device = device or secrets.token_urlsafe(sessions.TOKEN_BYTES)
        async with self.guard.store.transaction() as uow:
            sessions.know_device(uow, device, found.operator.account, now)
        self.guard.keep(answer, self.guard.cookie_named(DEVICE), device, sessions.DEVICE_KNOWN_FOR)
        return answer

    async def _enter(self, uow: UnitOfWork, account: Account, attempt: Attempt, *, is_known: bool) -> str | None:
        """The session's token. None: the code is wrong, or too many were. Forgets that the attempt had failed."""
        if not await self._passes_second(uow, account, attempt, is_known=is_known):
            record_access(uow, Access.REFUSED, account.operator, because=Because.CREDENTIALS)
            return None
        sessions.forget_attempt(uow, attempt.sign_in, attempt.place, attempt.now)
        record_access(uow, Access.SIGNED_IN, account.operator)
        return sessions.begin_session(uow, account.operator.account, attempt.now)

    async def _passes_second(self, uow: UnitOfWork, account: Account, attempt: Attempt, *, is_known: bool) -> bool:
        if account.second_factor is None:
            return True
        place = attempt.place if is_known else sessions.SECOND_FACTOR
        if not await sessions.count_attempt(uow, attempt.sign_in, place, attempt.now):
            return False
        if not await sessions.check_code(uow, self.keyring, account, attempt.code, self.guard.clocks.own()):
            return False
        sessions.forget_attempt(uow, attempt.sign_in, place, attempt.now)
        return True

    def enter(self, account: Account, token: str, then: str) -> Response:
        """Sends the browser on with its session."""
        metrics.SIGN_INS.labels("signed-in").inc()
        home = "/" if account.operator.may(May.LOOK) else "/accounts"
        path = own_path(then)
        answer = go_to(home if path == "/" else path)
        self.guard.set_cookie(answer, token)
        answer.delete_cookie(BEFORE, path="/sign-in")
        return answer

    async def show_again(self, request: Request, then: str = "/", fault: str = "") -> Response:
        """Asks for the second factor, or where a sandbox's account has none for the password."""
        signed_in = await self.guard.require(request, None)
        if signed_in.account.provider is not None:
            return go_to(f"/providers/{signed_in.account.provider}/sign-in?again=true&then={quote(own_path(then))}")
        status = HTTPStatus.FORBIDDEN if fault else HTTPStatus.OK
        shown = {"then": own_path(then), "fault": fault, "has_code": signed_in.account.second_factor is not None}
        return self.templates.page(signed_in, "again.html", shown, status=status)

    async def sign_in_again(self, request: Request) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, None)
        account, now, then = signed_in.account, self.guard.clocks.wall(), form.get("then", "/")
        device = request.cookies.get(self.guard.cookie_named(DEVICE), "")
        async with self.guard.store.transaction() as uow:
            place = await sessions.place_of_attempt(uow, account.sign_in, device, sessions.SECOND_FACTOR, now)
            if not await sessions.count_attempt(uow, account.sign_in, place, now):
                return self._turn_away(request, then, HELD_BACK, FAILURES_COUNT_FOR)
        has_code = account.second_factor is not None
        is_right = has_code or await sessions.verify_password(form.get("password", ""), account.password_seal)
        async with self.guard.store.transaction() as uow:
            by_phone = self.guard.clocks.own()
            is_right = is_right and await sessions.check_code(
                uow, self.keyring, account, form.get("code", ""), by_phone
            )
            record_access(uow, Access.PROVED if is_right else Access.REFUSED, account.operator)
            if is_right:
                sessions.forget_attempt(uow, account.sign_in, place, now)
                await sessions.prove_session(uow, signed_in.token, account.operator.account, now)
        return go_to(own_path(then)) if is_right else await self.show_again(request, then, REFUSED)

    def _turn_away(self, request: Request, then: str, why: str, wait: timedelta) -> Response:
        metrics.SIGN_INS.labels(why).inc()
        answer = self.page(request, then, why, HTTPStatus.TOO_MANY_REQUESTS)
        answer.headers["retry-after"] = str(int(wait.total_seconds()))
        return answer

    async def sign_out(self, request: Request) -> Response:
        token, now = request.cookies.get(self.guard.cookie, ""), self.guard.clocks.wall()
        await read_our_form(request, csrf_of(token))
        async with self.guard.store.transaction() as uow:
            found = await sessions.use_session(uow, token, now, self.guard.limits, following=True)
            if found is not None:
                record_access(uow, Access.SIGNED_OUT, found.account.operator, provider=found.account.provider)
            sessions.end_session(uow, token)
        answer = go_to("/sign-in")
        self.guard.clear_cookie(answer)
        return answer

    def page(self, request: Request, then: str, fault: str | None, status: HTTPStatus) -> Response:
        """The page to sign in, which says why the last attempt failed."""
        before = request.cookies.get(BEFORE) or secrets.token_urlsafe(32)
        shown = {"then": own_path(then), "fault": fault, "titles": self.templates.providers}
        answer = self.templates.page(request, "sign-in.html", shown, csrf=csrf_of(before), status=status)
        answer.set_cookie(BEFORE, before, path="/sign-in", secure=self.guard.secure, httponly=True, samesite="strict")
        return answer


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
        self.serve(app, ACCOUNT, self.show_own)
        self.serve(app, f"{ACCOUNT}/second-factor", sends=self.set_second_factor)
        self.serve(app, f"{ACCOUNT}/command-code", sends=self.give_command_code)
        self.serve(app, "/accounts", self.show, self.change)

    async def show_own(self, request: Request) -> Response:
        return self._own(await self.guard.require(request, None))

    async def set_second_factor(self, request: Request) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, None, proved=True)
        secret, now = form.get("secret", ""), self.guard.clocks.own()
        async with self.guard.store.transaction() as uow:
            is_kept = await sessions.keep_secret(
                uow, self.keyring, signed_in.account, secret, form.get("code", ""), now
            )
            if is_kept:
                record_access(uow, Access.SECOND_FACTOR_SET, signed_in.operator)
        return go_to(ACCOUNT) if is_kept else self._own(signed_in, fault="code")

    async def give_command_code(self, request: Request) -> Response:
        """Shown once. A command takes it in place of a name that anybody could type."""
        signed_in, _ = await self.guard.enter_with_form(request, May.SEND_AGAIN, proved=True)
        async with self.guard.store.transaction() as uow:
            who = signed_in.operator
            code = sessions.begin_session(uow, who.account, self.guard.clocks.wall(), for_command=True)
            record_access(uow, Access.COMMAND_CODE_GIVEN, who, provider=signed_in.account.provider)
        return self._own(signed_in, command_code=code)

    def _own(self, signed_in: SignedIn, *, fault: str = "", command_code: str = "") -> Response:
        secret = sessions.new_secret()
        shown = {
            "account": signed_in.account,
            "is_needed": self.guard.lacks_second_factor(signed_in.account),
            "secret": secret,
            "picture": sessions.picture_of(secret, signed_in.account.sign_in),
            "fault": fault,
            "command_code": command_code,
        }
        return self.templates.page(signed_in, "account.html", shown)

    async def show(self, request: Request) -> Response:
        signed_in = await self.guard.require(request, May.ADMINISTER, proved=True)
        return await self._page(signed_in, {})

    async def change(self, request: Request) -> Response:
        """One's own account is changed by another administrator."""
        signed_in, form = await self.guard.enter_with_form(request, May.ADMINISTER, proved=True)
        wanted = _wanted(form)
        if fault := wanted.fault(await self._offered(signed_in.operator)):
            return await self._page(signed_in, {"fault": fault, "form": form})
        password = sessions.generate_password() if wanted.what in {Access.ACCOUNT_MADE, Access.ACCOUNT_RESET} else ""
        async with self.guard.store.transaction() as uow:
            await self._require_within(uow, signed_in, wanted)
            changed = await self._carry_out(uow, wanted, password)
            if changed is not None:
                record_access(uow, wanted.what, changed, by=signed_in.operator.account)
        if changed is None:
            return await self._page(signed_in, {"fault": "taken", "form": form})
        told = password if accounts.is_local_name(wanted.sign_in) else ""
        shown = {"done": wanted.what, "sign_in": wanted.sign_in, "password": told}
        return await self._page(signed_in, shown)

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
            return await accounts.reset_account(uow, sign_in, sessions.hash_password(password))
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
            password_seal=sessions.hash_password(password),
            now=now,
        )

    async def _offered(self, operator: Operator) -> list[str]:
        """The authorities that they may give. "all" is one of them for who has it."""
        async with self.guard.store.read() as reader:
            known = await reader.fetch(accounts.authorities())
        return [*(each for each in known if operator.sees(each)), *([ALL] if operator.scope is None else [])]

    async def _page(self, signed_in: SignedIn, shown: Mapping[str, object]) -> Response:
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
        return self.templates.page(signed_in, "accounts.html", {**about, **shown})


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
