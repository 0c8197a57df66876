"""The console's pages as a person sees them: in Chromium, live, by keyboard, at the width of a phone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect
from sqlalchemy import text

from services.console.read_model.projections import Handlers
from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.options.shift_exchange.acts import SHIFT_ACTS
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.server import Web
from services.platform.store.encryption import Keyring
from services.platform.store.engine import Channels, Listener, database_url
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.child_events.events import ShiftHandedOver
from services.safeguarding.duty.decisions import MessageDeadLettered
from services.safeguarding.duty.duties import StrategyDiscussionChanged
from services.safeguarding.identifiers import code_of, new_id
from services.safeguarding.operators import OperatorRole
from services.safeguarding.roles import Deed, Role
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.in_process.console import (
    GUESTS,
    PASSWORD,
    account,
    duty_changed,
    episode_changed,
    hear,
    heard,
    held_by_console,
    said_by_console,
    settings_of,
    step,
)
from tests.support.in_process.register import authority, load
from tests.support.outside.browser import AXE, CHROMIUM, NARROW, WIDE, against_wcag, too_small_to_tap

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium: apt-get install chromium"),
]
REFUSED = "Failed to load resource: the server responded with a status of 4"
"""What Chromium says of a form that was refused, which is what some tests are about."""
CLOCKS = Clocks()
HANDLERS = Handlers(CLOCKS)


@pytest_asyncio.fixture(loop_scope="module")
async def opened(database: Database) -> AsyncIterator[Store]:
    opened = Store(database.engine("console"), origin=Origin("console", Clocks()))
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="module")
async def address(database: Database, opened: Store) -> AsyncIterator[str]:
    channels = Channels()
    changes = Changes(channels, CLOCKS)
    port = free_port()
    web = Web(pages(opened, CLOCKS, changes, settings_of(database), GUESTS), port)
    listener = Listener(database_url(database.settings("console"), "console"), channels)
    await listener.start()
    await web.start()
    yield f"http://127.0.0.1:{port}"
    await web.stop()
    await listener.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for all tests: each has a page of its own, which shares no cookies with another's."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, address: str, opened: Store) -> AsyncIterator[Page]:
    """Of somebody who has signed in."""
    page = await browser.new_page(base_url=address)
    await _sign_in(page, await account(opened))
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console", lambda said: faults.append(said.text) if said.type == "error" and REFUSED not in said.text else None
    )
    yield page
    await page.close()
    assert faults == []


async def test_an_episode_comes_onto_the_open_page_by_itself(page: Page, opened: Store) -> None:
    await page.goto("/")
    await expect(page.locator("#liveness")).to_have_text("Live")
    episode = uuid4()
    await hear(opened, HANDLERS, heard(episode_changed(episode, opened_at=CLOCKS.story()), new_id("child")))
    await expect(page.get_by_role("link", name=code_of(episode))).to_be_visible()


async def test_a_countdown_runs_and_story_time_moved_forward_is_seen(page: Page, opened: Store) -> None:
    episode, child, _ = await _reported(opened)
    await page.goto(f"/episodes/{episode}")
    countdown = page.locator(".needs time[data-due]")
    first = await countdown.text_content()
    await expect(countdown).not_to_have_text(first or "")
    CLOCKS.move_to(CLOCKS.offset + timedelta(minutes=30))
    await expect(countdown).to_have_text("now due")
    await hear(opened, HANDLERS, heard(episode_changed(episode, revision=2, state="closed"), child))
    await expect(page.locator("dl .tag.closed")).to_be_visible()


async def test_a_page_prints_dark_on_light_and_without_what_only_a_screen_needs(page: Page, opened: Store) -> None:
    episode, _, _ = await _reported(opened)
    await page.goto(f"/episodes/{episode}")
    await page.emulate_media(media="print", color_scheme="dark")
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    await expect(page.get_by_role("heading", name="What needs somebody now")).to_be_visible()
    for hidden in ("header", ".sections", ".acts", "nav"):
        await expect(page.locator(hidden).first).to_be_hidden()


SILENT = """
    window.rung = 0;
    window.AudioContext = class {
        constructor() { window.rung += 1; }
        createOscillator() { return { frequency: {}, connect() {}, start() {}, stop() {} }; }
    };
"""


async def test_the_tab_counts_what_is_overdue_and_rings_for_what_is_new_but_not_for_practice(
    page: Page, opened: Store
) -> None:
    await page.add_init_script(SILENT)
    await page.goto("/")
    await page.get_by_role("button", name="Sound and notify me").click()
    await expect(page.get_by_role("button", name="Sound and notices are on")).to_have_attribute("aria-pressed", "true")
    assert await page.evaluate("window.rung") == 1, "one hears how it sounds"
    practice = heard(episode_changed(uuid4(), opened_at=CLOCKS.story()), new_id("provisional"))
    await hear(opened, HANDLERS, replace(practice, exercise=True))
    await expect(page.locator("#practice")).to_be_attached()
    assert await page.evaluate("window.rung") == 1
    before = int(await page.locator("[data-count]").get_attribute("data-count") or 0)
    await _reported(opened)
    await expect(page).to_have_title(f"({before + 1}) Open cases - Safe Return")
    await page.wait_for_function("window.rung > 1")


async def test_an_exercise_that_begins_shows_while_somebody_fills_in_the_form_for_the_next(
    page: Page, opened: Store, every_page: list[str]
) -> None:
    assert "/exercise" in every_page
    await page.goto("/exercise")
    await expect(page.locator("#liveness")).to_have_text("Live")
    await page.get_by_label("What you are practising").fill("A report at night")
    episode = uuid4()
    report = heard(episode_changed(episode, opened_at=CLOCKS.story()), new_id("provisional"))
    await hear(opened, HANDLERS, replace(report, exercise=True))
    await expect(page.get_by_role("link", name=code_of(episode))).to_be_visible()
    await expect(page.get_by_label("What you are practising")).to_have_value("A report at night")
    await expect(page.get_by_label("What you are practising")).to_be_focused()


async def test_a_duty_that_is_answered_shows_so_on_its_page_and_asks_for_nothing_more(
    page: Page, opened: Store
) -> None:
    child, now = new_id("child"), CLOCKS.story()
    watch = duty_changed(None, step(0, Role.CHILD_SOCIAL_WORKER, at=now), deed=Deed("watch-review"))
    await hear(opened, HANDLERS, heard(watch, child))
    await page.goto(f"/duties/{watch.duty}?done=held-watch-review")
    await expect(page.locator("#liveness")).to_have_text("Live")
    await expect(page.get_by_role("heading", name="What you can do")).to_be_visible()
    answered = duty_changed(None, duty=watch.duty, revision=2, state="acknowledged", deed=Deed("watch-review"))
    await hear(opened, HANDLERS, heard(answered, child))
    await expect(page.locator("#part .tag.acknowledged")).to_be_visible()
    await expect(page.get_by_role("heading", name="What you can do")).to_have_count(0)


async def test_a_dead_letter_shows_on_the_page_that_is_open(page: Page, opened: Store) -> None:
    await page.goto("/dead-letters")
    await expect(page.locator("#liveness")).to_have_text("Live")
    letter = MessageDeadLettered(service="police", origin="duties/9/77", reason="KeyError at b.py:7", original=None)
    await hear(opened, HANDLERS, heard(letter, new_id("child"), at=CLOCKS.story()))
    await expect(page.get_by_text("duties/9/77")).to_be_visible()


async def test_a_page_that_changes_keeps_the_keyboards_place(page: Page, opened: Store) -> None:
    episode, child, _ = await _reported(opened)
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
    await page.wait_for_url("**/#main")


@pytest.mark.parametrize(("size", "scheme"), [(NARROW, "light"), (WIDE, "dark")], ids=["phone", "wall-dark"])
async def test_every_page_fits_the_screen_and_axe_finds_nothing_against_wcag(
    page: Page, opened: Store, every_page: list[str], size: dict[str, int], scheme: Any
) -> None:
    """Each says too that the organisation's sign-in is silent. Without axe, only that nothing lies outside the screen."""
    async with opened.engine.begin() as connection:
        await connection.execute(text("UPDATE sessions SET unanswered_since = now()"))
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size({"width": size["width"], "height": size["height"]})
    for path in every_page:
        await page.goto(path)
        if await page.locator("#liveness").count():
            await expect(page.locator("#liveness")).to_have_text("Live")
        await expect(page.locator("main > .unanswered")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"], path
        if AXE.exists():
            assert await against_wcag(page) == [], path


@pytest.mark.skipif(not AXE.exists(), reason="needs axe: npm install --prefix .local/npm axe-core@4.14.1")
async def test_axe_finds_nothing_on_a_form_with_faults_or_when_signed_out(page: Page, opened: Store) -> None:
    _, _, duty = await _reported(opened)
    await page.goto(f"/duties/{duty}/acts/phoned")
    await _without_the_browsers_own_checks(page)
    await page.get_by_role("button", name="Record the call").click()
    await expect(page.get_by_role("alert")).to_be_focused()
    await expect(page).to_have_title("Error: Police were told by telephone - Safe Return")
    assert await against_wcag(page) == []
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert await against_wcag(page) == []


@pytest.mark.skipif(not AXE.exists(), reason="needs axe: npm install --prefix .local/npm axe-core@4.14.1")
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["phone", "wall"])
async def test_axe_finds_nothing_where_a_child_is_shown_to_whoever_asked(
    page: Page, opened: Store, database: Database, keyring: Keyring, size: dict[str, int]
) -> None:
    engine = database.engine("casework")
    ids = await load(engine, keyring, authority(), CLOCKS.wall())
    await engine.dispose()
    episode = uuid4()
    await hear(opened, HANDLERS, heard(episode_changed(episode, opened_at=CLOCKS.story()), ids["C1"]))
    asked = step(0, Role.DUTY_WORKER, "delivered", at=CLOCKS.story()).model_copy(update={"person": ids["night"]})
    await hear(opened, HANDLERS, *(heard(duty_changed(episode, asked, asked), ids["C1"]) for _ in range(2)))
    await page.set_viewport_size({"width": size["width"], "height": size["height"]})
    await page.goto(f"/episodes/{episode}/acts/child-revealed")
    await _without_the_browsers_own_checks(page)
    await page.get_by_role("button", name="Show who it is").click()
    await expect(page.get_by_role("alert")).to_be_focused()
    assert await against_wcag(page) == []
    await page.locator("main textarea, main input[type=text]").fill("A hospital rings about her")
    await page.get_by_role("button", name="Show who it is").click()
    await expect(page.get_by_text("Amara C1 Diallo")).to_be_visible()
    await expect(page.locator("footer")).not_to_contain_text("No child's name is shown")
    assert await against_wcag(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]


@pytest.mark.skipif(not AXE.exists(), reason="needs axe: npm install --prefix .local/npm axe-core@4.14.1")
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["phone", "wall"])
async def test_axe_finds_nothing_on_a_story_that_was_played(page: Page, size: dict[str, int]) -> None:
    await page.set_viewport_size({"width": size["width"], "height": size["height"]})
    await page.goto("/simulate")
    await page.get_by_label("How long to play").select_option("A day")
    await page.get_by_role("button", name="Play it").click()
    await expect(page.get_by_role("heading", name="What would happen")).to_be_visible()
    assert await against_wcag(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]


async def test_a_shift_is_worked_with_no_other_key_than_tab_enter_and_letters(
    browser: Browser, address: str, opened: Store
) -> None:
    """From signing in to signing out; where the keyboard is can be seen at each step."""
    name = await account(opened)
    episode, child, _ = await _reported(opened)
    page = await browser.new_page(base_url=address)
    await page.goto("/")
    await _tab_to(page, "Name")
    await page.keyboard.type(name)
    await _tab_to(page, "Password")
    await page.keyboard.type(PASSWORD)
    await _enter(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Open cases")
    await _tab_to(page, code_of(episode))
    await _enter(page)
    await _tab_to(page, "The child is back")
    await _enter(page)
    await _tab_to(page, "Who has seen the child", part=True)
    await page.keyboard.type("Seen at the door by the carer")
    await page.keyboard.press("Tab")
    await _tab_to(page, "Record the return")
    await _enter(page)
    await _tab_to(page, "Yes, this child: record the return")
    await _enter(page)
    await expect(page.get_by_text("Recorded:")).to_be_visible()
    assert [each.content.kind for each in await held_by_console(opened, child)] == ["child.returned.v1"]
    for section in ("Directory", "Exercise", "Protocol", "Simulator"):
        await _tab_to(page, section)
        await _enter(page)
        await expect(page.get_by_role("heading", level=1)).to_contain_text(section)
    await _tab_to(page, "Play it")
    await _enter(page)
    await expect(page.get_by_role("heading", name="What would happen")).to_be_visible()
    await _tab_to(page, "Sign out")
    await _enter(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    await page.close()


AT = """() => {
    const at = document.activeElement, style = getComputedStyle(at);
    const label = at.labels && at.labels.length ? at.labels[0].textContent : at.textContent;
    const shown = style.boxShadow !== "none" || style.outlineStyle !== "none" || !at.matches(":focus");
    return [label.trim().replace(/\\s+/g, " "), at.tagName, shown];
}"""
"""The button inside a field for a time has the browser's own outline, and the field itself is then not in focus."""


async def _enter(page: Page) -> None:
    async with page.expect_navigation():
        await page.keyboard.press("Enter")


async def _tab_to(page: Page, name: str, *, part: bool = False) -> None:
    """Presses Tab until what is called `name` has the keyboard. Wherever it comes by, one sees it there."""
    for _ in range(200):
        await page.keyboard.press("Tab")
        label, element, visible = await page.evaluate(AT)
        if element == "BODY":
            continue
        assert visible, f"nobody sees that the keyboard is at {label[:60]!r}"
        if label == name or (part and name in label):
            return
    pytest.fail(f"Tab does not come to {name!r}")


async def test_by_keyboard_alone_police_are_recorded_as_told_by_telephone(page: Page, opened: Store) -> None:
    episode, child, _ = await _reported(opened)
    await page.goto(f"/episodes/{episode}")
    await page.get_by_role("link", name="Missing notice").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="Police were told by telephone").focus()
    await page.keyboard.press("Enter")
    await page.get_by_label("Who took the call").focus()
    await page.keyboard.type("PC Reed 4471")
    await page.keyboard.press("Tab")
    await page.keyboard.type("NM-2026-118")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Recorded: police told by telephone")).to_be_visible()
    await hear(opened, HANDLERS, *await said_by_console(opened, child))
    await expect(page.get_by_text("Test Operator, duty manager")).to_be_visible()


@dataclass
class Evening:
    """Somebody at the console: every tap counts, typing does not."""

    page: Page
    taps: int = 0

    async def tap(self, role: Any, name: str, **more: Any) -> None:
        await self.page.get_by_role(role, name=name, **more).first.click()
        self.taps += 1

    async def shows(self, text: str) -> None:
        await expect(self.page.get_by_text(text).first).to_be_visible()


@asynccontextmanager
async def _evening(
    browser: Browser, address: str, opened: Store, role: OperatorRole, authority_: str, size: ViewportSize
) -> AsyncIterator[Evening]:
    page = await browser.new_page(base_url=address, viewport=size)
    await _sign_in(page, await account(opened, role, authority=authority_))
    yield Evening(page)
    await page.close()


@pytest_asyncio.fixture(loop_scope="module")
async def home(opened: Store, database: Database, keyring: Keyring) -> dict[str, Any]:
    """An authority of whose children one is missing. Police have it; the duty worker has not answered, and the manager is
    asked now.
    """
    engine, document = database.engine("casework"), authority()
    ids = await load(engine, keyring, document, CLOCKS.wall())
    await engine.dispose()
    name, episode, now = str(document["authority"]["id"]), uuid4(), CLOCKS.story()
    worker = step(0, Role.DUTY_WORKER, "delivered", at=now).model_copy(update={"person": ids["night"]})
    manager = step(1, Role.DUTY_SENIOR_MANAGER, at=now).model_copy(update={"person": ids["boss"]})
    changed = episode_changed(episode, opened_at=now).model_copy(update={"authority": name})
    duty = duty_changed(episode, worker, manager).model_copy(update={"authority": name})
    await hear(opened, HANDLERS, heard(changed, ids["C1"]), heard(duty, ids["C1"]))
    return {"name": name, "ids": ids, "episode": episode}


async def test_a_newcomers_evening_is_four_taps_from_the_list_to_i_have_it(
    browser: Browser, address: str, opened: Store, home: dict[str, Any]
) -> None:
    size: ViewportSize = {"width": 1280, "height": 800}
    async with _evening(browser, address, opened, OperatorRole.SOCIAL_WORKER, home["name"], size) as evening:
        await evening.tap("link", "C1", exact=True)
        await evening.shows("Boss Example was asked at")
        await evening.tap("link", "Missing notice")
        await evening.tap("link", "I have it")
        await evening.tap("button", "I have it")
        await evening.shows("Recorded: taken on")
        assert evening.taps == 4


async def test_a_duty_workers_evening_by_phone_is_four_taps_from_the_list_to_a_child_who_is_back(
    browser: Browser, address: str, opened: Store, home: dict[str, Any]
) -> None:
    async with _evening(browser, address, opened, OperatorRole.SOCIAL_WORKER, home["name"], NARROW) as evening:
        await evening.tap("link", "C1", exact=True)
        await expect(evening.page.locator('.needs a[href^="tel:"]').first).to_be_visible()
        await evening.tap("link", "The child is back")
        await evening.page.get_by_label("Who has seen the child").fill("Ash has her at the door")
        await evening.tap("button", "Record the return")
        await evening.shows("Amara")
        await evening.tap("button", "Yes, this child: record the return")
        await evening.shows("Recorded: back. It goes out in one minute")
        assert evening.taps == 4
        assert await too_small_to_tap(evening.page) == []


async def test_a_managers_evening_is_three_taps_to_undo_what_a_tired_colleague_recorded(
    browser: Browser, address: str, opened: Store, home: dict[str, Any]
) -> None:
    size: ViewportSize = {"width": 1280, "height": 800}
    async with _evening(browser, address, opened, OperatorRole.SOCIAL_WORKER, home["name"], size) as tired:
        await tired.page.goto(f"/episodes/{home['episode']}/acts/report-retracted")
        await tired.page.get_by_label("What was wrong").fill("I thought it was the other one")
        await tired.tap("button", "Withdraw the report")
        await tired.tap("button", "Yes, this child: withdraw the report")
    async with _evening(browser, address, opened, OperatorRole.DUTY_MANAGER, home["name"], size) as evening:
        await evening.tap("link", "C1", exact=True)
        await evening.shows("Recorded by Test Operator: a false alarm")
        await evening.tap("link", "Undo it before it goes out")
        await evening.tap("button", "Undo it")
        await evening.shows("Recorded: undone before it went out")
        assert evening.taps == 3
        assert await held_by_console(opened, home["ids"]["C1"]) == []


async def test_an_inspectors_evening_is_three_taps_from_the_list_to_the_case_behind_a_number(
    browser: Browser, address: str, opened: Store, home: dict[str, Any]
) -> None:
    async with _evening(browser, address, opened, OperatorRole.AUDITOR, home["name"], WIDE) as evening:
        await evening.tap("link", "Returns", exact=True)
        await evening.shows("The list as CSV")
        await evening.page.get_by_role("row", name="Absences that began in the period").locator("summary").click()
        await (
            evening.page.get_by_role("row", name="Absences that began in the period").get_by_role("link").first.click()
        )
        evening.taps += 2
        await evening.shows(f"case {code_of(home['episode'])}")
        assert evening.taps == 3
        assert "Amara" not in await evening.page.content(), "an inspector sees codes"


async def test_what_was_typed_stays_while_the_world_changes(page: Page, opened: Store) -> None:
    episode, child, _ = await _reported(opened)
    await page.goto(f"/episodes/{episode}/acts/returned")
    await page.get_by_label("Who has seen the child").fill("Seen at the door")
    await hear(opened, HANDLERS, heard(episode_changed(episode, revision=2, state="returned"), child))
    await expect(page.get_by_label("Who has seen the child")).to_have_value("Seen at the door")
    await page.get_by_role("button", name="Record the return").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("No longer possible")


async def test_a_live_page_says_so_when_its_session_is_over(page: Page, opened: Store) -> None:
    episode, child, _ = await _reported(opened)
    await page.goto("/")
    await expect(page.locator("#liveness")).to_have_text("Live")
    async with opened.engine.begin() as connection:
        await connection.execute(text("DELETE FROM console.sessions"))
    await hear(opened, HANDLERS, heard(episode_changed(episode, revision=2, state="located"), child))
    await expect(page.locator("#liveness")).to_contain_text("you are signed out")


async def test_the_page_says_so_when_it_is_no_longer_live(browser: Browser, database: Database, opened: Store) -> None:
    channels = Channels()
    changes = Changes(channels, CLOCKS)
    web = Web(pages(opened, CLOCKS, changes, settings_of(database), GUESTS), port := free_port())
    listener = Listener(database_url(database.settings("console"), "console"), channels)
    await listener.start()
    await web.start()
    page = await browser.new_page(base_url=f"http://127.0.0.1:{port}")
    await _sign_in(page, await account(opened))
    await expect(page.locator("#liveness")).to_have_text("Live")
    await asyncio.gather(web.stop(), listener.stop())
    await expect(page.locator("#liveness")).to_contain_text("Not live", timeout=30_000)
    await page.close()


@pytest_asyncio.fixture(loop_scope="module")
async def every_page(opened: Store, database: Database, keyring: Keyring) -> list[str]:
    """The address of each page that somebody who is signed in may come to, with something on it."""
    engine = database.engine("casework")
    document = authority()
    await load(engine, keyring, document, CLOCKS.wall())
    await engine.dispose()
    episode, child, duty = await _reported(opened)
    letter = MessageDeadLettered(service="police", origin="duties/3/17", reason="KeyError at a.py:1", original=None)
    name = str(uuid4())
    planned = StrategyDiscussionChanged(
        authority="kestrel",
        episode=episode,
        discussion=1,
        sequence=0,
        state="planned",
        starts_at=CLOCKS.story() + timedelta(hours=3),
        quorum="not-reached",
    )
    watch, risk = (
        duty_changed(None, step(0, Role.CHILD_SOCIAL_WORKER), deed=deed)
        for deed in (Deed("watch-review"), Deed("risk-assessment"))
    )
    await hear(opened, HANDLERS, heard(letter, child, at=CLOCKS.story(), id_=name), heard(planned, child))
    await hear(opened, HANDLERS, heard(watch, child), heard(risk, child))
    handed = ShiftHandedOver(authority="kestrel", contact=new_id("person"), account=new_id("account"))
    await hear(opened, HANDLERS, heard(handed, handed.contact, at=CLOCKS.story()))
    of_duty = ("phoned", "acknowledged-for", "sent-again")
    of_episode = ("returned", "police-reference", "police-grade", "discussion-redated", "child-revealed")
    back = uuid4()
    await hear(opened, HANDLERS, heard(episode_changed(back, state="returned"), new_id("child")))
    return [
        "/",
        "/housekeeping",
        "/find",
        "/directory",
        "/shift",
        "/records",
        *(f"/shift/acts/{act}" for act in SHIFT_ACTS),
        "/returns",
        "/dead-letters",
        f"/dead-letters/{name}/acts/dead-letter-redriven",
        "/exercise",
        "/protocol",
        "/protocol/child.reported-missing",
        "/simulate",
        f"/episodes/{episode}",
        f"/episodes/{episode}?done=phoned",
        f"/duties/{duty}",
        f"/duties/{watch.duty}/acts/watch-review",
        f"/duties/{risk.duty}/acts/risk-assessment",
        f"/episodes/{back}/acts/return-interview",
        f"/episodes/{episode}/acts/return-interview",
        *(f"/duties/{duty}/acts/{act}" for act in of_duty),
        *(f"/episodes/{episode}/acts/{act}" for act in of_episode),
    ]


async def _without_the_browsers_own_checks(page: Page) -> None:
    """A browser holds an incomplete form back by itself; what the server says of one is to be seen too."""
    await page.evaluate("document.querySelector('main form').noValidate = true")


async def _sign_in(page: Page, name: str) -> None:
    await page.goto("/")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Open cases")


async def _reported(opened: Store) -> tuple[UUID, str, UUID]:
    """Episode, child, and the police duty, which somebody has still to answer."""
    episode, child, now = uuid4(), new_id("child"), CLOCKS.story()
    police = duty_changed(
        episode,
        step(0, Role.POLICE_CONTROL_ROOM, "accepted", at=now),
        step(1, Role.DUTY_WORKER, "delivered", at=now),
        state="accepted",
        next_step_at=now + timedelta(minutes=5),
    )
    await hear(opened, HANDLERS, heard(episode_changed(episode, opened_at=now), child), heard(police, child))
    return episode, child, police.duty
