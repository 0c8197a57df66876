"""Who may come in at the console: signing in and out, sessions, forms, roles. On a real PostgreSQL."""

import asyncio
import hashlib
import hmac
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import time_machine
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import text

from infra.local.settings.environment import bare
from infra.local.settings.layout import ROOT
from services.console.read_model.projections import Handlers
from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.options.own_accounts import proofs
from services.options.own_accounts import store as own_accounts
from services.options.own_accounts.proofs import FAILURES_FROM_ONE_PLACE
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.engine import Channels, connect
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.identifiers import code_of, new_id
from services.safeguarding.operators import OperatorAct, OperatorRole
from tests.support.engines.database import Database
from tests.support.in_process.console import (
    GUESTS,
    PASSWORD,
    accesses,
    account,
    browser_at,
    csrf_in,
    episode_changed,
    hear,
    heard,
    settings_of,
    sign_in,
    somewhere,
)
from tests.support.in_process.register import authority, load
from tests.support.signatures import give_keys

CLOCKS = Clocks()
WITHOUT_AN_ACCOUNT = {"/sign-in", "/sign-out", "/calendars/{authority}/{token}.ics"}
"""The calendar's link is signed."""


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with browser_at(app, somewhere()) as browser:
        yield browser


async def test_nobody_gets_any_page_without_signing_in(app: FastAPI, browser: httpx.AsyncClient) -> None:
    routes = [each for each in app.routes if isinstance(each, APIRoute) and each.path not in WITHOUT_AN_ACCOUNT]
    assert len(routes) >= 5
    for route in routes:
        act = OperatorAct.SHIFT_COVERED if route.path.startswith("/shift/") else OperatorAct.RETURNED
        path = re.sub(r"\{\w+\}", str(uuid4()), route.path.replace("{act}", act))
        for method in route.methods or ():
            answer = await browser.request(method, path)
            assert answer.status_code in {303, 401}, (method, path)
            assert "Open cases" not in answer.text


async def test_after_signing_in_one_is_where_one_wanted_to_be(opened: Store, browser: httpx.AsyncClient) -> None:
    sent = await browser.get("/episodes/" + str(uuid4()))
    assert sent.headers["location"].startswith("/sign-in?then=/episodes/")
    answer = await sign_in(browser, await account(opened), then="/directory")
    assert (answer.status_code, answer.headers["location"]) == (303, "/directory")
    assert (await browser.get("/")).status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:x"])
async def test_signing_in_sends_nobody_to_another_site(
    opened: Store, browser: httpx.AsyncClient, elsewhere: str
) -> None:
    answer = await sign_in(browser, await account(opened), then=elsewhere)
    assert answer.headers["location"] == "/"


async def test_a_wrong_name_and_a_wrong_password_look_the_same(opened: Store, browser: httpx.AsyncClient) -> None:
    wrong_password = await sign_in(browser, await account(opened), "not the password at all")
    wrong_name = await sign_in(browser, "nobody@kestrel.example")
    closed = await account(opened)
    async with opened.transaction() as uow:
        assert await own_accounts.close_account(uow, closed, CLOCKS.wall())
    disabled = await sign_in(browser, closed)
    assert {each.status_code for each in (wrong_password, wrong_name, disabled)} == {403}
    assert wrong_password.text == wrong_name.text == disabled.text


async def test_a_name_that_does_not_exist_costs_a_check_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def fits(_password: str, seal: str) -> bool:
        checked.append(seal)
        return True

    monkeypatch.setattr(proofs, "_verify", fits)
    assert not await proofs.verify_password("whatever it may be", None)
    assert checked == [proofs.DUMMY_HASH]


async def test_guessing_is_held_back_for_a_while_and_only_from_where_it_comes(
    app: FastAPI, opened: Store, browser: httpx.AsyncClient
) -> None:
    name = await account(opened)
    for _ in range(FAILURES_FROM_ONE_PLACE):
        assert (await sign_in(browser, name, "not the password at all")).status_code == 403
    assert (await sign_in(browser, name.upper())).status_code == 429
    elsewhere = httpx.ASGITransport(app, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://console") as other:
        assert (await sign_in(other, name)).status_code == 303
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16)):
        assert (await sign_in(browser, name)).status_code == 303


async def test_names_that_do_not_exist_are_held_back_alike(browser: httpx.AsyncClient) -> None:
    name = f"{uuid4()}@kestrel.example"
    answers = [(await sign_in(browser, name)).status_code for _ in range(FAILURES_FROM_ONE_PLACE + 1)]
    assert answers == [403] * FAILURES_FROM_ONE_PLACE + [429]


async def test_an_unused_session_ends_but_a_page_that_follows_goes_on_until_the_day_is_over(
    opened: Store, browser: httpx.AsyncClient
) -> None:
    await sign_in(browser, await account(opened))
    now = datetime.now(UTC)
    with time_machine.travel(now + timedelta(minutes=61)):
        assert (await browser.get("/parts/open")).status_code == 200
        assert (await browser.get("/")).status_code == 303
    with time_machine.travel(now + timedelta(hours=12, seconds=1)):
        assert (await browser.get("/parts/open")).status_code == 401


async def test_a_session_in_use_still_ends_after_its_hours(opened: Store, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, await account(opened))
    now = datetime.now(UTC)
    for minutes in range(50, 12 * 60, 50):
        with time_machine.travel(now + timedelta(minutes=minutes)):
            assert (await browser.get("/")).status_code == 200
    with time_machine.travel(now + timedelta(hours=12, seconds=1)):
        assert (await browser.get("/")).status_code == 303


async def test_signing_out_ends_the_session_on_the_server(opened: Store, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, await account(opened))
    cookie = browser.cookies["safe-return"]
    page = await browser.get("/")
    assert (await browser.post("/sign-out", data={"csrf": csrf_in(page)})).status_code == 303
    browser.cookies.set("safe-return", cookie)
    assert (await browser.get("/")).status_code == 303


async def test_closing_an_account_ends_its_sessions(opened: Store, browser: httpx.AsyncClient) -> None:
    name = await account(opened)
    await sign_in(browser, name)
    async with opened.transaction() as uow:
        await own_accounts.close_account(uow, name, CLOCKS.wall())
    assert (await browser.get("/")).status_code == 303


async def test_a_form_from_elsewhere_changes_nothing(opened: Store, browser: httpx.AsyncClient) -> None:
    name = await account(opened)
    without_page = await browser.post("/sign-in", data={"name": name, "password": PASSWORD})
    assert without_page.status_code == 403
    known_to_anybody = hmac.new(b"", b"form", hashlib.sha256).hexdigest()
    forged = await browser.post("/sign-in", data={"name": name, "password": PASSWORD, "csrf": known_to_anybody})
    assert forged.status_code == 403
    await sign_in(browser, name)
    assert (await browser.post("/sign-out", data={"csrf": "0" * 64})).status_code == 403
    assert (await browser.post("/sign-out")).status_code == 415
    assert (await browser.get("/")).status_code == 200


async def test_while_the_database_is_away_the_page_says_so_and_nothing_is_recorded(database: Database) -> None:
    gone = database.settings("console").model_copy(update={"database": "postgresql://127.0.0.1:1/safe_return"})
    store = Store(connect(gone, "console"), origin=Origin("console", Clocks()))
    app = pages(store, CLOCKS, Changes(Channels(), CLOCKS), settings_of(database), GUESTS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as browser:
        answer = await sign_in(browser, "anybody@kestrel.example")
    await store.close()
    assert (answer.status_code, "Not at the moment" in answer.text) == (503, True)


async def test_the_cookie_is_for_https_and_the_server_alone(database: Database, opened: Store) -> None:
    settings = settings_of(database).model_copy(update={"sandbox": False})
    changes = Changes(Channels(), CLOCKS)
    transport = httpx.ASGITransport(pages(opened, CLOCKS, changes, settings, GUESTS))
    async with httpx.AsyncClient(transport=transport, base_url="https://console") as browser:
        answer = await sign_in(browser, await account(opened))
    cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("__Host-safe-return="))
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))


async def test_the_database_keeps_neither_password_nor_token(opened: Store, browser: httpx.AsyncClient) -> None:
    name = await account(opened)
    await sign_in(browser, name)
    async with opened.engine.connect() as connection:
        kept = await connection.execute(
            text(
                "SELECT a::text || s::text FROM console.accounts a JOIN console.sessions s USING (account) WHERE sign_in = :name"
            ),
            {"name": name},
        )
        row = kept.scalar_one()
    assert "$argon2id$" in row
    assert PASSWORD not in row
    assert browser.cookies["safe-return"] not in row


async def test_somebody_of_one_authority_sees_no_other_authoritys_children(
    opened: Store, browser: httpx.AsyncClient
) -> None:
    kestrels = uuid4()
    await hear(opened, Handlers(CLOCKS), heard(episode_changed(kestrels), new_id("child")))
    await sign_in(browser, await account(opened, OperatorRole.SOCIAL_WORKER, authority="lapwing"))
    assert code_of(kestrels) not in (await browser.get("/")).text
    assert code_of(kestrels) not in (await browser.get("/parts/open")).text
    assert (await browser.get(f"/episodes/{kestrels}")).status_code == 404
    await sign_in(browser, await account(opened, OperatorRole.SOCIAL_WORKER, authority="kestrel"))
    assert code_of(kestrels) in (await browser.get("/parts/open")).text


@pytest.fixture
def secrets_of_console(database: Database, tmp_path: Path) -> dict[str, str]:
    settings = settings_of(database)
    (tmp_path / "database_password").write_text(settings.database_password.get_secret_value())
    give_keys(tmp_path, "console")
    return bare() | {
        "SAFE_RETURN_DATABASE": settings.database,
        "SAFE_RETURN_SECRETS_DIR": str(tmp_path),
        "SAFE_RETURN_HTTP_PORT": "1",
    }


async def test_an_account_of_an_authority_that_the_register_does_not_have_is_refused(
    database: Database, keyring: Keyring, secrets_of_console: dict[str, str]
) -> None:
    document = authority()
    engine = database.engine("casework")
    await load(engine, keyring, document, CLOCKS.wall())
    await engine.dispose()
    known = document["authority"]["id"]

    def add(name: str, of: str) -> subprocess.CompletedProcess[str]:
        order = ["accounts", "add", name, "--role", "operator", "--full-name", "Bob", "--authority", of]
        command = [sys.executable, "-m", "services", *order]
        return subprocess.run(command, cwd=ROOT, env=secrets_of_console, capture_output=True, text=True, check=False)

    name = f"{uuid4()}@kestrel.example"
    refused = await asyncio.to_thread(add, name, "nowhere")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("nowhere is no authority of the register; it has ")
    assert known in refused.stderr
    made = await asyncio.to_thread(add, name, known)
    assert made.returncode == 0, made.stderr


async def test_an_account_is_made_and_reset_by_command(
    opened: Store,
    secrets_of_console: dict[str, str],
    browser: httpx.AsyncClient,
) -> None:
    name = f"{uuid4()}@kestrel.example"

    async def command(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "services", "accounts", *words],
            cwd=ROOT,
            env=secrets_of_console | {"PATH": os.environ["PATH"]},
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )

    everybody = await command("add", name, "--role", "auditor", "--full-name", "Ada Auditor")
    assert (everybody.returncode, "--authority" in everybody.stderr) == (2, True)
    made = await command("add", name, "--role", "auditor", "--full-name", "Ada Auditor", "--authority", "all")
    password = re.search(r"password: (\S+)", made.stdout)
    assert password, made.stderr
    assert (await sign_in(browser, name, password[1])).status_code == 303
    again = await command("add", name, "--role", "operator", "--full-name", "Somebody Else", "--authority", "all")
    assert (again.returncode, "has an account already" in again.stderr.replace("\n", " ")) == (2, True)
    short = await command("reset", name, "--password-stdin", typed="short\n")
    assert (short.returncode, "12 to 128" in short.stderr) == (2, True)
    assert (await command("reset", name, "--password-stdin", typed=f"{PASSWORD}\n")).returncode == 0
    assert (await browser.get("/")).status_code == 303
    assert (await sign_in(browser, name)).status_code == 303
    record = [(each.what, each.because, each.authorities) for each in await accesses(opened, name)]
    assert record == [
        ("account-made", None, ("all",)),
        ("signed-in", None, ("all",)),
        ("account-reset", None, ("all",)),
        ("signed-in", None, ("all",)),
    ]
