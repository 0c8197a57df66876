"""The console's pages as a person sees them: in Chromium, live, by keyboard, at the width of a phone."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from infra.local.layout import ROOT
from services.console.handlers import Handlers
from services.console.live import Changes
from services.console.web import pages
from services.runtime.clocks import Clocks
from services.runtime.process import Web
from services.safeguarding.identifiers import code_of, new_id
from services.safeguarding.roles import Role
from services.store.engine import database_url
from services.store.transaction import Store
from tests.support.console import PASSWORD, account, duty_changed, episode_changed, hear, heard, settings_of, step
from tests.support.database import Database

CHROMIUM = Path("/usr/bin/chromium")
AXE = ROOT / ".local" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium: apt-get install chromium"),
]
NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1920, "height": 1080}
CLOCKS = Clocks()
HANDLERS = Handlers(CLOCKS)


@pytest.fixture
async def opened(database: Database) -> AsyncIterator[Store]:
    opened = Store(database.engine("console"))
    yield opened
    await opened.close()


@pytest.fixture
async def address(database: Database, opened: Store) -> AsyncIterator[str]:
    changes = Changes(database_url(database.settings("console"), "console"), CLOCKS)
    port = _free_port()
    web = Web(pages(opened, CLOCKS, changes, settings_of(database)), port)
    await changes.start()
    await web.start()
    yield f"http://127.0.0.1:{port}"
    await web.stop()
    await changes.stop()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser, address: str, opened: Store) -> AsyncIterator[Page]:
    """Of somebody who has signed in."""
    page = await browser.new_page(base_url=address)
    await _sign_in(page, await account(opened))
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    yield page
    await page.close()
    assert faults == []


async def test_an_episode_comes_onto_the_open_page_within_a_second(page: Page, opened: Store) -> None:
    await page.goto("/")
    await expect(page.get_by_role("status")).to_have_text("Live")
    episode = uuid4()
    heard_at = time.monotonic()
    await hear(opened, HANDLERS, heard(episode_changed(episode, opened_at=CLOCKS.story()), new_id("child")))
    await expect(page.get_by_role("link", name=code_of(episode))).to_be_visible(timeout=1000)
    assert time.monotonic() - heard_at < 1


async def test_a_countdown_runs_and_story_time_moved_forward_is_seen(page: Page, opened: Store) -> None:
    episode, child = await _reported(opened)
    await page.goto(f"/episodes/{episode}")
    countdown = page.locator("dl time[data-due]")
    first = await countdown.text_content()
    await expect(countdown).not_to_have_text(first or "", timeout=2500)
    CLOCKS.move_to(CLOCKS.offset + timedelta(minutes=30))
    await expect(countdown).to_have_text("now due", timeout=2500)
    await hear(opened, HANDLERS, heard(episode_changed(episode, revision=2, state="closed"), child))
    await expect(page.locator("dl .tag.closed")).to_be_visible(timeout=1000)


async def test_a_page_that_changes_keeps_the_keyboards_place(page: Page, opened: Store) -> None:
    episode, child = await _reported(opened)
    await page.goto("/")
    link = page.get_by_role("link", name=code_of(episode))
    await link.focus()
    await hear(opened, HANDLERS, heard(episode_changed(episode, revision=2, state="located"), child))
    await expect(page.get_by_role("row", name=code_of(episode)).get_by_text("Located")).to_be_visible()
    await expect(link).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_contain_text(code_of(episode))


async def test_the_first_tab_skips_to_what_the_page_is_about(page: Page) -> None:
    await page.goto("/")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    assert page.url.endswith("#main")


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["phone", "wall"])
async def test_nothing_lies_outside_the_screen(page: Page, opened: Store, size: dict[str, int]) -> None:
    episode, _ = await _reported(opened)
    await page.set_viewport_size({"width": size["width"], "height": size["height"]})
    for path in ("/", f"/episodes/{episode}"):
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]


@pytest.mark.skipif(not AXE.exists(), reason="needs axe: npm install --prefix .local/npm axe-core@4.14.1")
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["phone", "wall"])
async def test_axe_finds_nothing_against_wcag(page: Page, opened: Store, size: dict[str, int]) -> None:
    episode, _ = await _reported(opened)
    await page.set_viewport_size({"width": size["width"], "height": size["height"]})
    for path in ("/", f"/episodes/{episode}"):
        await page.goto(path)
        await expect(page.get_by_role("status")).to_have_text("Live")
        await page.evaluate(AXE.read_text())
        found = await page.evaluate("wanted => axe.run({ runOnly: wanted })", WCAG)
        assert [(each["id"], [node["html"][:90] for node in each["nodes"]]) for each in found["violations"]] == []


async def test_the_page_says_so_when_it_is_no_longer_live(browser: Browser, database: Database, opened: Store) -> None:
    changes = Changes(database_url(database.settings("console"), "console"), CLOCKS)
    web = Web(pages(opened, CLOCKS, changes, settings_of(database)), port := _free_port())
    await changes.start()
    await web.start()
    page = await browser.new_page(base_url=f"http://127.0.0.1:{port}")
    await _sign_in(page, await account(opened))
    await expect(page.get_by_role("status")).to_have_text("Live")
    await asyncio.gather(web.stop(), changes.stop())
    await expect(page.get_by_role("status")).to_contain_text("Not live", timeout=10_000)
    await page.close()


async def _sign_in(page: Page, name: str) -> None:
    await page.goto("/")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Open episodes")


async def _reported(opened: Store) -> tuple[UUID, str]:
    episode, child, now = uuid4(), new_id("child"), CLOCKS.story()
    police = duty_changed(
        episode,
        step(0, Role.POLICE_CONTROL_ROOM, "accepted", at=now),
        step(1, Role.DUTY_WORKER, "delivered", at=now),
        state="accepted",
        next_step_at=now + timedelta(minutes=5),
    )
    await hear(opened, HANDLERS, heard(episode_changed(episode, opened_at=now), child), heard(police, child))
    return episode, child


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
