"""Staff are known: a second factor, a fresh proof before a grave act, accounts by their own administrator, the record."""

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pyotp
import pytest
import time_machine
from argon2 import PasswordHasher
from fastapi import FastAPI
from sqlalchemy import text

from services.console.read_model.projections import Handlers
from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.console.web.session import SECOND_FACTOR
from services.options.own_accounts import proofs
from services.options.own_accounts import store as own_accounts
from services.options.own_accounts.proofs import FAILURES_FROM_ONE_PLACE, FAILURES_OF_ONE_PLACE
from services.options.set_up.service import AuthorityService
from services.platform.register.child import child_by_code
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.safeguarding.identifiers import in_words, new_id
from services.safeguarding.operators import OperatorRole
from tests.support.engines.database import Database
from tests.support.in_process.console import (
    GUESTS,
    PASSWORD,
    SEAL,
    accesses,
    account,
    browser_at,
    csrf_in,
    episode_changed,
    hear,
    heard,
    said_by_console,
    settings_of,
    sign_in,
    somewhere,
)
from tests.support.in_process.register import authority, load

CLOCKS = Clocks()


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with browser_at(app, somewhere()) as browser:
        yield browser


@pytest.fixture
def real(database: Database, opened: Store) -> FastAPI:
    """The pages as they are outside a sandbox."""
    settings = settings_of(database).model_copy(update={"sandbox": False})
    return pages(opened, CLOCKS, Changes(opened.channels, CLOCKS), settings, GUESTS)


@asynccontextmanager
async def over_https(app: FastAPI, place: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, client=(place, 1))
    async with httpx.AsyncClient(transport=transport, base_url="https://console") as browser:
        yield browser


async def enter(browser: httpx.AsyncClient, name: str, code: str = "") -> httpx.Response:
    form = {"csrf": csrf_in(await browser.get("/sign-in")), "name": name, "password": PASSWORD, "code": code}
    return await browser.post("/sign-in", data=form)


async def set_up(browser: httpx.AsyncClient) -> pyotp.TOTP:
    """The authenticator, after it was photographed and its first code typed."""
    page = await browser.get(SECOND_FACTOR)
    found = re.search(r'name="secret" value="(\w+)"', page.text)
    assert found is not None
    totp = pyotp.TOTP(found[1])
    form = {"csrf": csrf_in(page), "secret": found[1], "code": totp.at(CLOCKS.wall(), counter_offset=-1)}
    assert (await browser.post(SECOND_FACTOR, data=form)).status_code == 303
    return totp


async def test_a_local_account_sees_nothing_before_it_has_a_second_factor_and_needs_it_ever_after(
    real: FastAPI, opened: Store
) -> None:
    name = await account(opened)
    async with over_https(real, somewhere()) as browser:
        assert (await enter(browser, name)).status_code == 303
        for path, status in (("/", 303), ("/directory", 303), ("/parts/open", 401)):
            answer = await browser.get(path)
            assert (answer.status_code, answer.headers.get("location", SECOND_FACTOR)) == (status, SECOND_FACTOR), path
        totp = await set_up(browser)
        assert (await browser.get("/")).status_code == 200
    async with over_https(real, somewhere()) as elsewhere:
        now = CLOCKS.wall()
        for code, status in (("", 403), ("000000", 403), (totp.at(now), 303), (totp.at(now), 403)):
            assert (await enter(elsewhere, name, code)).status_code == status, code
    async with opened.transaction() as uow:
        assert await own_accounts.reset_account(uow, name, SEAL)
    async with over_https(real, somewhere()) as browser:
        assert (await enter(browser, name)).status_code == 303
        assert (await browser.get("/")).headers["location"] == SECOND_FACTOR


async def test_codes_of_a_phone_go_by_the_machines_own_clock(database: Database, opened: Store) -> None:
    """A phone does not know the database's, which may be the wrong one."""
    clocks, name = Clocks(), await account(opened)
    clocks.follow(clocks.own() + timedelta(hours=1), time.monotonic())
    settings = settings_of(database).model_copy(update={"sandbox": False})
    real = pages(opened, clocks, Changes(opened.channels, clocks), settings, GUESTS)
    async with over_https(real, somewhere()) as browser:
        await enter(browser, name)
        totp = await set_up(browser)
        again = {"csrf": csrf_in(await browser.get("/account")), "code": totp.now()}
        assert (await browser.post("/sign-in/again", data=again)).headers["location"] == "/"
    async with over_https(real, somewhere()) as elsewhere:
        assert (await enter(elsewhere, name, totp.at(CLOCKS.wall(), counter_offset=1))).status_code == 303


async def test_no_session_begins_by_a_password_that_is_reset_while_it_is_checked(
    opened: Store, browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, check = await account(opened), proofs.verify_password

    async def reset_meanwhile(password: str, seal: str | None) -> bool:
        async with opened.transaction() as uow:
            assert await own_accounts.reset_account(
                uow, name, PasswordHasher(time_cost=1, memory_cost=64).hash("another")
            )
        return await check(password, seal)

    monkeypatch.setattr(proofs, "verify_password", reset_meanwhile)
    assert (await enter(browser, name)).status_code == 403
    assert (await browser.get("/")).status_code == 303


async def test_who_knows_the_password_guesses_at_few_codes_from_however_many_places(
    real: FastAPI, opened: Store
) -> None:
    name = await account(opened)
    async with over_https(real, somewhere()) as owner:
        await enter(owner, name)
        totp = await set_up(owner)
        for _ in range(FAILURES_FROM_ONE_PLACE):
            async with over_https(real, somewhere()) as thief:
                assert (await enter(thief, name, "000000")).status_code == 403
        async with over_https(real, somewhere()) as thief:
            assert (await enter(thief, name, totp.now())).status_code == 403
        assert (await enter(owner, name, totp.now())).status_code == 303
        again = {"csrf": csrf_in(await owner.get("/account")), "code": totp.at(CLOCKS.wall(), counter_offset=1)}
        assert (await owner.post("/sign-in/again", data=again)).status_code == 303, "they keep the owner from no act"


async def test_nobody_locks_a_name_out_for_its_owner(app: FastAPI, opened: Store) -> None:
    """Neither from many places, nor from the owner's own network: there a device that they have used passes."""
    name, office = await account(opened), somewhere()
    async with browser_at(app, office) as known, browser_at(app, office) as strange:
        assert (await sign_in(known, name)).status_code == 303
        for _ in range(12):
            async with browser_at(app, somewhere()) as guesser:
                for _ in range(FAILURES_FROM_ONE_PLACE):
                    assert (await sign_in(guesser, name, "not the password at all")).status_code == 403
        async with browser_at(app, somewhere()) as at_home:
            assert (await sign_in(at_home, name)).status_code == 303
        for _ in range(FAILURES_OF_ONE_PLACE):
            await sign_in(strange, f"{uuid4()}@invented.example")
        assert (await sign_in(strange, name)).status_code == 429
        assert (await sign_in(known, name)).status_code == 303
        for _ in range(FAILURES_FROM_ONE_PLACE):
            assert (await sign_in(known, name, "not the password at all")).status_code == 403
        assert (await sign_in(known, name)).status_code == 429


async def test_to_be_told_who_a_child_is_one_has_shown_of_late_who_one_is(
    opened: Store, browser: httpx.AsyncClient
) -> None:
    episode = uuid4()
    await hear(opened, Handlers(CLOCKS), heard(episode_changed(episode), new_id("child")))
    await sign_in(browser, await account(opened))
    reveal, back, note = (f"/episodes/{episode}/acts/{act}" for act in ("child-revealed", "returned", "noted"))
    now, page = datetime.now(UTC), await browser.get(reveal)
    seen = page.text.split('name="seen" value="')[1].split('"')[0]
    form = {"csrf": csrf_in(page), "act": str(uuid4()), "seen": seen}
    with time_machine.travel(now + timedelta(minutes=16)):
        assert (await browser.get(note)).status_code == 200
        for path in (reveal, back):
            assert (await browser.get(path)).headers["location"] == f"/sign-in/again?then={path}"
        assert (await browser.post(reveal, data=form)).status_code == 422, "opened in time, and sent without a reason"
    with time_machine.travel(now + timedelta(minutes=31)):
        assert (await browser.post(reveal, data=form, headers={"referer": f"http://console{reveal}"})).headers[
            "location"
        ] == f"/sign-in/again?then={reveal}"
        again = form | {"then": reveal, "password": "not the password at all"}
        assert (await browser.post("/sign-in/again", data=again)).status_code == 403
        answer = await browser.post("/sign-in/again", data=again | {"password": PASSWORD})
        assert answer.headers["location"] == reveal
        assert (await browser.get(reveal)).status_code == 200


async def test_an_administrator_makes_limits_and_ends_the_accounts_of_their_authority_alone(
    opened: Store, app: FastAPI, browser: httpx.AsyncClient, database: Database, keyring: Keyring
) -> None:
    ours, theirs = await councils(database, keyring)
    everybody, other = await account(opened), await account(opened, authority=theirs)
    name = f"{uuid4()}@kestrel.example"
    await sign_in(browser, await account(opened, OperatorRole.ADMINISTRATOR, authority=ours))
    assert (await browser.get("/")).status_code == 403
    page = await browser.get("/accounts")
    assert (everybody in page.text, other in page.text, f'value="{theirs}"' in page.text) == (False, False, False)
    make = {"csrf": csrf_in(page), "what": "make", "sign_in": name, "full_name": "Nia New", "role": "social-worker"}
    for authorities, status in ((theirs, 422), ("all", 422), ("", 422), (ours, 200)):
        made = await browser.post("/accounts", data=make | {"authorities": authorities})
        assert made.status_code == status, authorities
    assert (await browser.post("/accounts", data=make | {"authorities": ours})).status_code == 422, "the name is taken"
    password = re.search(r"shown once: <code>([^<]+)<", made.text)
    assert password is not None
    async with browser_at(app, somewhere()) as new:
        assert (await sign_in(new, name, password[1])).status_code == 303
        assert (await new.get("/accounts")).status_code == 403
        limit = make | {"what": "limit", "role": "auditor", "authorities": ours}
        for sign_in_name, status in ((other, 404), (everybody, 404), (name, 200)):
            assert (await browser.post("/accounts", data=limit | {"sign_in": sign_in_name})).status_code == status
        assert (await new.get("/")).status_code == 303
        assert (await sign_in(new, name, password[1])).status_code == 303
        assert (await browser.post("/accounts", data=make | {"what": "end"})).status_code == 200
        assert (await new.get("/")).status_code == 303
        assert (await sign_in(new, name, password[1])).status_code == 403
    record = await accesses(opened, name)
    assert [each.what for each in record] == [
        "account-made", "signed-in", "account-limited", "signed-in", "account-ended", "refused",
    ]  # fmt: skip
    assert [each.by is not None for each in record] == [True, False, True, False, True, False]
    assert record[-1].because == "account-ended"


async def test_no_authority_is_called_by_the_word_for_every_one(opened: Store, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, await account(opened, OperatorRole.ADMINISTRATOR))
    form = {"csrf": csrf_in(await browser.get("/authorities")), "id": "all", "name": "Kestrel"}
    assert (await browser.post("/authorities", data=form)).status_code == 422


@pytest.mark.parametrize("role", OperatorRole)
async def test_an_account_of_each_role_can_be_made(
    opened: Store, browser: httpx.AsyncClient, role: OperatorRole
) -> None:
    await sign_in(browser, await account(opened, role, authority="kestrel"))
    assert (await browser.get("/account")).status_code == 200


async def test_an_account_without_an_authority_sees_nothing(opened: Store, browser: httpx.AsyncClient) -> None:
    episode, child, name = uuid4(), new_id("child"), f"{uuid4()}@kestrel.example"
    await hear(opened, Handlers(CLOCKS), heard(episode_changed(episode), child))
    async with opened.transaction() as uow:
        await own_accounts.add_account(
            uow,
            sign_in=name,
            name="Nobody's",
            role=OperatorRole.DUTY_MANAGER,
            authorities=(),
            password_seal=SEAL,
            now=CLOCKS.wall(),
        )
    await sign_in(browser, name)
    assert "kestrel" not in (await browser.get("/")).text
    for path in (f"/episodes/{episode}", f"/children/{child}", "/dead-letters"):
        assert (await browser.get(path)).status_code == 404, path


async def test_in_an_emergency_another_authoritys_child_is_named_and_its_manager_told(
    opened: Store, browser: httpx.AsyncClient, database: Database, keyring: Keyring
) -> None:
    ours, theirs = await councils(database, keyring)
    await sign_in(browser, await account(opened, OperatorRole.SOCIAL_WORKER, authority=ours))
    page = await browser.get("/break-glass")
    form = {"csrf": csrf_in(page), "act": str(uuid4()), "authority": theirs, "child": "C1"}
    said = {"reason": "A child at our door gives this code"}
    refused = (form, form | said | {"authority": ours}, form | said | {"child": "C99"})
    assert [(await browser.post("/break-glass", data=each)).status_code for each in refused] == [422, 422, 422]
    for _ in range(2):
        shown = await browser.post("/break-glass", data=form | said)
        assert (shown.status_code, f"C1, of {in_words(theirs)}" in shown.text) == (200, True)
    another = await browser.post("/break-glass", data=form | said | {"child": "C2"})
    assert f"C2, of {in_words(theirs)}" in another.text
    for code in ("C1", "C2"):
        async with opened.read() as reader:
            child = await reader.fetch(child_by_code(theirs, code))
        assert child is not None
        record = await said_by_console(opened, child)
        assert [each.content.kind for each in record] == [
            "access.overridden.v1", "register.looked-up.v1", "operator.acted.v1",
        ], code  # fmt: skip
        assert said["reason"] not in str(record)


async def test_a_code_for_a_command_opens_no_page(opened: Store, app: FastAPI, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, await account(opened, OperatorRole.OPERATOR))
    shown = await browser.post("/account/command-code", data={"csrf": csrf_in(await browser.get("/directory"))})
    code = re.search(r"<code>([\w-]{43})</code>", shown.text)
    assert code is not None, shown.text
    async with browser_at(app, somewhere()) as other:
        other.cookies.set("safe-return", code[1])
        assert (await other.get("/")).status_code == 303


async def councils(database: Database, keyring: Keyring) -> tuple[str, str]:
    documents, engine = (authority(), authority()), database.engine("casework")
    for each in documents:
        await load(engine, keyring, each, CLOCKS.wall())
    await engine.dispose()
    return documents[0]["authority"]["id"], documents[1]["authority"]["id"]


async def test_an_administrator_takes_no_step_for_another_authority_nor_past_what_is_lacking(
    opened: Store, app: FastAPI, browser: httpx.AsyncClient, database: Database, keyring: Keyring
) -> None:
    ours, theirs = await councils(database, keyring)
    await sign_in(browser, await account(opened, OperatorRole.ADMINISTRATOR, authority=ours))
    page = await browser.get("/authorities")
    assert (ours in page.text, theirs in page.text, "Enter an authority" in page.text) == (True, False, False)
    csrf = csrf_in(await browser.get(f"/authorities/{ours}"))
    assert (await browser.post("/authorities", data={"csrf": csrf, "id": "new", "name": "New"})).status_code == 403
    for what in ("credential", "exercise", "live", "withdraw"):
        form = {"csrf": csrf, "what": what, "act": str(uuid4())}
        assert (await browser.post(f"/authorities/{theirs}", data=form)).status_code == 404
        assert (await browser.post(f"/authorities/{ours}", data=form | {"csrf": "x"})).status_code == 403
    files = {"file": ("a.csv", b"a\n", "text/csv")}
    for council, token, status in ((theirs, csrf, 404), (ours, "x", 403)):
        form = {"csrf": token, "mapping": "ssd"}
        assert (await browser.post(f"/authorities/{council}/files", data=form, files=files)).status_code == status
    assert (await browser.get(f"/authorities/{theirs}")).status_code == 404
    assert (await browser.post(f"/authorities/{ours}", data={"csrf": csrf, "what": "live"})).status_code == 422
    async with browser_at(app, somewhere()) as duty:
        await sign_in(duty, await account(opened, authority=ours))
        assert (await duty.get(f"/authorities/{ours}")).status_code == 403


@pytest.mark.parametrize(
    ("status", "answer", "says", "not_said"),
    [
        (None, {}, ("No answer", "whether it was done"), "Nothing was changed"),
        (
            409,
            {"detail": "with ?confirm=abc", "errors": [{"field": "carers", "lost": 12, "of": 40, "confirm": "abc"}]},
            ("would end or change carers: 12 of 40", "Import them all the same", 'name="confirm" value="abc"'),
            "?confirm",
        ),
    ],
    ids=["the register does not answer", "an import is held"],
)
async def test_who_gives_files_reads_what_became_of_them(
    opened: Store,
    database: Database,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
    status: int | None,
    answer: dict[str, Any],
    says: tuple[str, ...],
    not_said: str,
) -> None:
    asked: list[object] = []

    async def ask(*_: object, params: object, **__: object) -> tuple[int, dict[str, Any]]:
        asked.append(params)
        if status is None:
            raise httpx.ReadTimeout("the import goes on")
        return status, answer

    ours, _ = await councils(database, keyring)
    settings = settings_of(database).model_copy(update={"casework_url": "http://casework"})
    monkeypatch.setattr(AuthorityService, "_ask", ask)
    async with browser_at(
        pages(opened, CLOCKS, Changes(opened.channels, CLOCKS), settings, GUESTS), somewhere()
    ) as browser:
        await sign_in(browser, await account(opened, OperatorRole.ADMINISTRATOR, authority=ours))
        form = {"csrf": csrf_in(await browser.get(f"/authorities/{ours}")), "mapping": "ssd", "what": "import"}
        files = {"file": ("a.csv", b"a\n", "text/csv")}
        shown = await browser.post(f"/authorities/{ours}/files", data=form, files=files)
        for more in ({"what": "confirm", "confirm": "abc"}, {"what": "try"}):
            await browser.post(f"/authorities/{ours}/files", data=form | more, files=files)
    assert [each in shown.text for each in (*says, not_said)] == [*(True for _ in says), False]
    assert asked == [{}, {"confirm": "abc"}, {"try": "yes"}]


async def test_who_had_to_show_anew_who_they_are_reads_that_nothing_was_sent(
    opened: Store, browser: httpx.AsyncClient, database: Database, keyring: Keyring
) -> None:
    ours, _ = await councils(database, keyring)
    name = await account(opened, OperatorRole.ADMINISTRATOR, authority=ours)
    await sign_in(browser, name)
    form = {"csrf": csrf_in(await browser.get(f"/authorities/{ours}")), "what": "credential", "mapping": "ssd"}
    async with opened.engine.begin() as connection:
        before = "UPDATE sessions SET proved_at = proved_at - interval '1 day' WHERE account IN (SELECT account FROM accounts WHERE sign_in = :n)"
        await connection.execute(text(before), {"n": name})
    referer = {"referer": f"http://console/authorities/{ours}?done=entered"}
    files = {"file": ("a.csv", b"a", "text/csv")}
    for answer in (
        await browser.post(f"/authorities/{ours}/files", data=form, files=files, headers=referer),
        await browser.post(f"/authorities/{ours}", data=form, headers=referer),
    ):
        back = parse_qs(urlsplit(answer.headers["location"]).query)["then"]
        assert back == [f"/authorities/{ours}?done=not-sent"]
    assert "Nothing was sent or changed" in (await browser.get(back[0])).text
