"""Signs local accounts in by password, sets their second factor up, and serves to administrators the accounts of their
authorities: they make, limit, reset and end them. A refusal never says what was wrong.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console import metrics
from services.console.accounts import (
    TOKEN_BYTES,
    Account,
    account_by_sign_in,
    begin_session,
    normalise_sign_in,
    prove_session,
    record_access,
)
from services.console.policy.access import ALL, May, Operator
from services.console.web.pages.sign_in import BEFORE, REFUSED, SignInPages
from services.console.web.session import ACCOUNT, SECOND_FACTOR, SignedIn, csrf_of, own_path, read_our_form
from services.console.web.templates import Pages, go_to
from services.options.own_accounts import proofs, store
from services.platform.runtime.problems import place_of
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.operators import Access, Because, OperatorRole

DEVICE = "safe-return-device"
"""Says that somebody has signed in with this browser before. It opens nothing."""
HELD_BACK, CROWDED = "held-back", "crowded"
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
class PasswordPages(Pages):
    keyring: Keyring
    limiter: proofs.SignInLimiter = field(default_factory=proofs.SignInLimiter)

    @property
    def entrance(self) -> SignInPages:
        return SignInPages(self.guard, self.templates)

    def mount(self, app: FastAPI) -> None:
        self.serve(app, "/sign-in", sends=self.sign_in)
        self.serve(app, "/sign-in/again", self.show_again, self.sign_in_again)
        self.serve(app, SECOND_FACTOR, self.show_second_factor, self.set_second_factor)

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
            source = await proofs.place_of_attempt(uow, sign_in, device, place, now)
            may_try = await proofs.count_attempt(uow, sign_in, source, now)
            found = await uow.fetch(account_by_sign_in(sign_in))
        if not may_try:
            return self._turn_away(request, then, HELD_BACK, proofs.FAILURES_COUNT_FOR)
        attempt = Attempt(sign_in, form.get("password", ""), form.get("code", ""), source, now)
        seal = None if found is None else found.password_seal
        is_right = await proofs.verify_password(attempt.password, seal)
        async with self.guard.store.transaction() as uow:
            # Who has reset the account meanwhile has ended its sessions: none begins by the old password after that.
            found = await uow.fetch(account_by_sign_in(sign_in, locked=True))
            is_right = is_right and found is not None and found.password_seal == seal
            if found is None or not is_right or found.disabled_at is not None:
                because = Because.ENDED if found is not None and is_right else Because.CREDENTIALS
                record_access(uow, Access.REFUSED, None if found is None else found.operator, because=because)
                token = None
            else:
                token = await self._enter(uow, found, attempt, is_known=source != place)
        if token is None or found is None:
            metrics.SIGN_INS.labels(REFUSED).inc()
            return self.entrance.page(request, then, REFUSED, HTTPStatus.FORBIDDEN)
        answer = self.entrance.enter(found, token, then)
        device = device or secrets.token_urlsafe(TOKEN_BYTES)
        async with self.guard.store.transaction() as uow:
            proofs.know_device(uow, device, found.operator.account, now)
        self.guard.keep(answer, self.guard.cookie_named(DEVICE), device, proofs.DEVICE_KNOWN_FOR)
        return answer

    async def _enter(self, uow: UnitOfWork, account: Account, attempt: Attempt, *, is_known: bool) -> str | None:
        """The session's token. None: the code is wrong, or too many were. Forgets that the attempt had failed."""
        if not await self._passes_second(uow, account, attempt, is_known=is_known):
            record_access(uow, Access.REFUSED, account.operator, because=Because.CREDENTIALS)
            return None
        proofs.forget_attempt(uow, attempt.sign_in, attempt.place, attempt.now)
        record_access(uow, Access.SIGNED_IN, account.operator)
        return begin_session(uow, account.operator.account, attempt.now)

    async def _passes_second(self, uow: UnitOfWork, account: Account, attempt: Attempt, *, is_known: bool) -> bool:
        if account.second_factor is None:
            return True
        place = attempt.place if is_known else proofs.SECOND_FACTOR
        if not await proofs.count_attempt(uow, attempt.sign_in, place, attempt.now):
            return False
        if not await proofs.check_code(uow, self.keyring, account, attempt.code, self.guard.clocks.own()):
            return False
        proofs.forget_attempt(uow, attempt.sign_in, place, attempt.now)
        return True

    async def show_again(self, request: Request, then: str = "/", fault: str = "") -> Response:
        """Asks for the second factor, or where a sandbox's account has none for the password."""
        signed_in = await self.guard.require(request, None)
        if signed_in.account.provider is not None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-second-factor")
        status = HTTPStatus.FORBIDDEN if fault else HTTPStatus.OK
        shown = {"then": own_path(then), "fault": fault, "has_code": signed_in.account.second_factor is not None}
        return self.templates.page(signed_in, "again.html", shown, status=status)

    async def sign_in_again(self, request: Request) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, None)
        account, now, then = signed_in.account, self.guard.clocks.wall(), form.get("then", "/")
        device = request.cookies.get(self.guard.cookie_named(DEVICE), "")
        async with self.guard.store.transaction() as uow:
            place = await proofs.place_of_attempt(uow, account.sign_in, device, proofs.SECOND_FACTOR, now)
            if not await proofs.count_attempt(uow, account.sign_in, place, now):
                return self._turn_away(request, then, HELD_BACK, proofs.FAILURES_COUNT_FOR)
        has_code = account.second_factor is not None
        is_right = has_code or await proofs.verify_password(form.get("password", ""), account.password_seal)
        async with self.guard.store.transaction() as uow:
            by_phone = self.guard.clocks.own()
            is_right = is_right and await proofs.check_code(uow, self.keyring, account, form.get("code", ""), by_phone)
            record_access(uow, Access.PROVED if is_right else Access.REFUSED, account.operator)
            if is_right:
                proofs.forget_attempt(uow, account.sign_in, place, now)
                await prove_session(uow, signed_in.token, account.operator.account, now)
        return go_to(own_path(then)) if is_right else await self.show_again(request, then, REFUSED)

    def _turn_away(self, request: Request, then: str, why: str, wait: timedelta) -> Response:
        metrics.SIGN_INS.labels(why).inc()
        answer = self.entrance.page(request, then, why, HTTPStatus.TOO_MANY_REQUESTS)
        answer.headers["retry-after"] = str(int(wait.total_seconds()))
        return answer

    async def show_second_factor(self, request: Request) -> Response:
        return self._second_factor(await self.guard.require(request, None))

    async def set_second_factor(self, request: Request) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, None, proved=True)
        secret, now = form.get("secret", ""), self.guard.clocks.own()
        async with self.guard.store.transaction() as uow:
            is_kept = await proofs.keep_secret(uow, self.keyring, signed_in.account, secret, form.get("code", ""), now)
            if is_kept:
                record_access(uow, Access.SECOND_FACTOR_SET, signed_in.operator)
        return go_to(ACCOUNT) if is_kept else self._second_factor(signed_in, fault="code")

    def _second_factor(self, signed_in: SignedIn, *, fault: str = "") -> Response:
        secret = proofs.new_secret()
        shown = {
            "account": signed_in.account,
            "is_needed": self.guard.lacks_second_factor(signed_in.account),
            "secret": secret,
            "picture": proofs.picture_of(secret, signed_in.account.sign_in),
            "fault": fault,
        }
        return self.templates.page(signed_in, "second-factor.html", shown)


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
        if self.what is Access.ACCOUNT_MADE and not (store.is_local_name(self.sign_in) and self.name):
            return "name"
        has_scope = self.role is not None and self.authorities and self.authorities <= set(offered)
        needs_scope = self.what in {Access.ACCOUNT_MADE, Access.ACCOUNT_LIMITED}
        return "authorities" if needs_scope and not has_scope else None


class AccountPages(Pages):
    def mount(self, app: FastAPI) -> None:
        self.serve(app, "/accounts", self.show, self.change)

    async def show(self, request: Request) -> Response:
        signed_in = await self.guard.require(request, May.ADMINISTER, proved=True)
        return await self._page(signed_in, {})

    async def change(self, request: Request) -> Response:
        """One's own account is changed by another administrator."""
        signed_in, form = await self.guard.enter_with_form(request, May.ADMINISTER, proved=True)
        wanted = _wanted(form)
        if fault := wanted.fault(await self._offered(signed_in.operator)):
            return await self._page(signed_in, {"fault": fault, "form": form})
        password = proofs.generate_password() if wanted.what in {Access.ACCOUNT_MADE, Access.ACCOUNT_RESET} else ""
        async with self.guard.store.transaction() as uow:
            await self._require_within(uow, signed_in, wanted)
            changed = await self._carry_out(uow, wanted, password)
            if changed is not None:
                record_access(uow, wanted.what, changed, by=signed_in.operator.account)
        if changed is None:
            return await self._page(signed_in, {"fault": "taken", "form": form})
        told = password if store.is_local_name(wanted.sign_in) else ""
        shown = {"done": wanted.what, "sign_in": wanted.sign_in, "password": told}
        return await self._page(signed_in, shown)

    async def _require_within(self, uow: UnitOfWork, signed_in: SignedIn, wanted: Wanted) -> None:
        """One that does not exist, and one of other authorities, are answered alike."""
        within = {each.sign_in for each in await uow.fetch(store.accounts_within(signed_in.operator))}
        is_other = normalise_sign_in(wanted.sign_in) in within - {signed_in.account.sign_in}
        if wanted.what is not Access.ACCOUNT_MADE and not is_other:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-account")

    async def _carry_out(self, uow: UnitOfWork, wanted: Wanted, password: str) -> Operator | None:
        now, sign_in, role = self.guard.clocks.wall(), wanted.sign_in, wanted.role
        if wanted.what is Access.ACCOUNT_ENDED:
            return await store.close_account(uow, sign_in, now)
        if wanted.what is Access.ACCOUNT_RESET:
            return await store.reset_account(uow, sign_in, proofs.hash_password(password))
        if role is None:
            return None
        if wanted.what is Access.ACCOUNT_LIMITED:
            return await store.limit_account(uow, sign_in, role, wanted.authorities)
        return await store.add_account(
            uow,
            sign_in=sign_in,
            name=wanted.name,
            role=role,
            authorities=wanted.authorities,
            password_seal=proofs.hash_password(password),
            now=now,
        )

    async def _offered(self, operator: Operator) -> list[str]:
        """The authorities that they may give. "all" is one of them for who has it."""
        async with self.guard.store.read() as reader:
            known = await reader.fetch(store.authorities())
        return [*(each for each in known if operator.sees(each)), *([ALL] if operator.scope is None else [])]

    async def _page(self, signed_in: SignedIn, shown: Mapping[str, object]) -> Response:
        async with self.guard.store.read() as reader:
            found = await reader.fetch(store.accounts_within(signed_in.operator))
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
