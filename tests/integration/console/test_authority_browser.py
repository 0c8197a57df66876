"""An authority from nothing to live, in Chromium, by whoever administers it: no shell, no deploy."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import httpx
import psycopg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, Page, async_playwright, expect
from sqlalchemy import text

from services.console.read_model.projections import Handlers
from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.options.register_upkeep.organisations import put_organisations
from services.options.register_upkeep.policy.organisations import Organisations
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.server import Web
from services.platform.store.engine import Channels
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.identifiers import new_id
from services.safeguarding.operators import OperatorRole, OrganisationChanged
from services.safeguarding.roles import Channel, Role
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.in_process.casework import casework
from tests.support.in_process.console import (
    GUESTS,
    PASSWORD,
    account,
    duty_changed,
    hear,
    heard,
    said_by_console,
    settings_of,
    step,
)
from tests.support.in_process.register import (
    KEYRING,
    OTHER_SECRET,
    PROPOSER,
    SECRET,
    TRIED,
    acting,
    authority,
    own_part,
    propose,
)
from tests.support.outside.browser import AXE, CHROMIUM, NARROW, against_wcag, beside_the_screen, too_small_to_tap

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium: apt-get install chromium"),
]
CLOCKS = Clocks()
MAPPING = """
tables:
  people:
    - file: carers
      fields: { reference: Carer No, name: Name, mobile: Mobile }
"""
SHEET = "Carer No,Name,Mobile\ncarer-1,Ann Example,{mobile}\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(database: Database) -> AsyncIterator[Store]:
    opened = Store(database.engine("console"), origin=Origin("console", CLOCKS))
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def register(database: Database) -> AsyncIterator[str]:
    """Casework's door."""
    engine, port = database.engine("casework"), free_port()
    web = Web(casework(database, engine), port)
    await web.start()
    yield f"http://127.0.0.1:{port}"
    await web.stop()
    await engine.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def console(database: Database, opened: Store, register: str) -> AsyncIterator[str]:
    settings, port = settings_of(database).model_copy(update={"casework_url": register}), free_port()
    web = Web(pages(opened, CLOCKS, Changes(Channels(), CLOCKS), settings, GUESTS), port)
    await web.start()
    yield f"http://127.0.0.1:{port}"
    await web.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def page(console: str) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser: Browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = await browser.new_page(base_url=console)
        page.set_default_timeout(90_000)
        yield page
        await browser.close()


async def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    await page.context.clear_cookies()
    await page.goto("/sign-in")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def lacking(page: Page) -> int:
    return await page.get_by_role("cell", name="lacking", exact=True).count()


async def choose(page: Page, mobile: str) -> None:
    sheet = FilePayload(name="carers.csv", mimeType="text/csv", buffer=SHEET.format(mobile=mobile).encode())
    await page.get_by_label("Your files").set_input_files(sheet)


async def test_an_authority_gets_from_nothing_to_live_at_the_console(
    page: Page, database: Database, opened: Store, register: str
) -> None:
    council = authority()
    name, engine = council["authority"]["id"], database.engine("casework")
    document = await own_part(engine, council)

    await sign_in(page, await account(opened, OperatorRole.ADMINISTRATOR))
    await page.goto("/authorities")
    await page.get_by_label("Id").fill(name)
    await page.get_by_label("Name").fill("Kestrel County Council")
    await page.get_by_role("button", name="Enter it").click()
    await expect(page.get_by_role("status")).to_contain_text("not live yet")

    manager = await account(opened, authority=name)
    await sign_in(page, manager)
    await page.goto("/report")
    await page.get_by_label("Who is reporting").fill("A carer")
    await page.get_by_label("Their telephone number").fill("+447700900001")
    await page.get_by_role("button", name="Report the child missing").click()
    await expect(page.get_by_text("nobody was told")).to_be_visible()

    await sign_in(page, await account(opened, OperatorRole.ADMINISTRATOR, authority=name))
    await page.goto(f"/authorities/{name}")
    assert await lacking(page) == 7
    await expect(page.get_by_role("button", name="Go live")).to_have_count(0)
    await page.get_by_role("button", name="Make a credential").click()
    token = await page.get_by_role("status").locator("code").text_content()
    await page.goto(f"/authorities/{name}")
    assert str(token) not in await page.content()
    bearer = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=register, timeout=30) as client:
        answer = await client.put(f"/register/{name}", json=document, headers=bearer)
    assert answer.status_code == 200, answer.text

    await page.goto(f"/authorities/{name}?done=live")
    await expect(page.get_by_text("It is live")).to_have_count(0)
    await page.get_by_label("Mapping").fill(MAPPING)
    await choose(page, "07700 900001")
    await page.get_by_role("button", name="Try them").click()
    await expect(page.get_by_role("alert")).to_contain_text(
        "carers.csv, line 2, Mobile: a number in international form"
    )
    await choose(page, "+447700900777")
    await page.get_by_role("button", name="Try them").click()
    await expect(page.get_by_role("status")).to_contain_text("people: 1 added")
    await choose(page, "+447700900777")
    await page.get_by_role("button", name="Import them").click()
    await expect(page.get_by_role("status")).to_contain_text("people 1")

    await page.get_by_role("button", name="Undo the import").first.click()
    await expect(page.get_by_role("status")).to_contain_text("The import is undone")
    assert await page.get_by_role("button", name="Undo the import").count() == 1, "the first one"

    await page.get_by_role("button", name="Exercise every channel").click()
    await expect(page.get_by_role("status")).to_contain_text("exercise has begun")
    steps = [
        step(at, Role.DUTY_WORKER, "accepted", at=CLOCKS.story()).model_copy(update={"channel": channel})
        for at, channel in enumerate((Channel.TEXT, Channel.EMAIL, Channel.WEBHOOK))
    ]
    changed = duty_changed(uuid4(), *steps).model_copy(update={"authority": name})
    await hear(opened, Handlers(CLOCKS), replace(heard(changed, new_id("provisional")), exercise=True))
    await account(opened, authority=name)
    async with opened.transaction() as uow:
        enrolled = "UPDATE accounts SET second_factor = 'x' WHERE :name = ANY(authorities) AND role = 'duty-manager'"
        await uow.connection.execute(text(enrolled), {"name": name})
        rota = "UPDATE register.directory SET days = 'every-day', starts = '00:00', ends = '00:00', bank_holidays = true WHERE authority = :name"
    async with engine.begin() as connection:
        await connection.execute(text(rota), {"name": name})
        head = "INSERT INTO register.directory SELECT authority, 'duty.head-of-service', person, NULL, 1, 'every-day', '00:00', '00:00', true FROM register.directory WHERE authority = :name AND role = 'duty.senior-manager'"
        await connection.execute(text(head), {"name": name})
    await page.set_viewport_size(NARROW)
    await page.goto(f"/authorities/{name}")
    assert await too_small_to_tap(page) == []
    for size in (NARROW, {"width": 1280, "height": 900}):
        await page.set_viewport_size({"width": size["width"], "height": size["height"]})
        await page.goto(f"/authorities/{name}")
        assert await beside_the_screen(page) == []
        if AXE.exists():
            assert await against_wcag(page) == []
    assert await lacking(page) == 0, await page.locator("table").first.inner_text()
    await page.get_by_role("button", name="Go live").click()
    await expect(page.get_by_role("status")).to_contain_text("It is live")
    steps_said = [
        each.content.step
        for each in await said_by_console(opened, f"authority-{name}")
        if isinstance(each.content, OrganisationChanged)
    ]
    assert (steps_said[0], steps_said[-1]) == ("entered", "live")
    assert json.dumps(steps_said).count("credential-made") == 5, (
        "one to keep, and one for each time that casework was asked"
    )
    await engine.dispose()


async def test_a_change_of_a_force_is_seen_and_approved_on_any_screen(
    page: Page, database: Database, opened: Store
) -> None:
    force, engine = f"f{uuid4().hex[:12]}", database.engine("casework")
    url = "https://notices.northmoor.police.uk/a/path/that/is/longer/than/a/telephone/is/wide"
    row = {"id": force, "name": "N", "notice_url": url, "secrets": [SECRET], "reply_secrets": [SECRET]}
    async with acting(engine) as (uow, now):
        given = Organisations.model_validate({"forces": [row]})
        await put_organisations(uow, KEYRING, given, PROPOSER, now)
    for each in ("one", "other"):
        version = await propose(engine, KEYRING, row | {"notice_url": f"{url}/{each}", "secrets": [OTHER_SECRET]})
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(TRIED, {"lane": f"force-{force}@{version}"})
    await sign_in(page, await account(opened))
    for size in (NARROW, {"width": 1280, "height": 900}):
        await page.set_viewport_size({"width": size["width"], "height": size["height"]})
        await page.goto("/organisations")
        await page.get_by_text(f"Reject it {force}").first.click()
        assert await beside_the_screen(page) == []
        assert size is not NARROW or await too_small_to_tap(page) == []
        await page.screenshot(path=f"/tmp/organisations-{size['width']}.png", full_page=True)
        if AXE.exists():
            assert await against_wcag(page) == []
    await page.get_by_role("button", name=f"Approve the change of {force}").click()
    await expect(page.get_by_role("status")).to_contain_text("The change is approved")
    await page.get_by_role("row", name=force).get_by_text("Ask to take it back").first.click()
    await page.get_by_role("row", name=force).get_by_label("Why").first.fill("It was the wrong desk")
    await page.get_by_role("row", name=force).get_by_role("button").first.click()
    await expect(page.get_by_role("status")).to_contain_text("a second person takes it back")
    await engine.dispose()
