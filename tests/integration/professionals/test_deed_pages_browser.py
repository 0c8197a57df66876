"""A deed's form on a phone: filled in with a thumb, its faults named, and plain to a screen reader."""

from collections.abc import AsyncIterator
from typing import Literal

import pytest
from playwright.async_api import Page, Route, async_playwright, expect

from services.platform.store.encryption import Keyring
from services.safeguarding.roles import Deed
from tests.support.engines.database import Database
from tests.support.in_process.professionals import ByMail, running_by_mail
from tests.support.outside.browser import AXE, CHROMIUM, NARROW, against_wcag, beside_the_screen, too_small_to_tap

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium: apt-get install chromium"),
]


@pytest.fixture
async def by_mail(database: Database, keyring: Keyring) -> AsyncIterator[ByMail]:
    async with running_by_mail(database, keyring) as running:
        yield running


@pytest.fixture
async def page(by_mail: ByMail) -> AsyncIterator[Page]:
    async def answer(route: Route) -> None:
        asked = route.request
        came = await by_mail.web.request(
            asked.method, asked.url, content=asked.post_data_buffer or b"", headers=await asked.all_headers()
        )
        await route.fulfill(status=came.status_code, headers=dict(came.headers), body=came.content)

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        context = await browser.new_context(viewport=NARROW, has_touch=True, is_mobile=True)
        opened = await context.new_page()
        await opened.route("http://professionals.example/**", answer)
        yield opened
        await browser.close()


async def _as_it_should_be(page: Page) -> None:
    """Without axe, only that nothing lies beside the screen or is too small for a thumb."""
    assert await beside_the_screen(page) == []
    assert await too_small_to_tap(page) == []
    schemes: tuple[Literal["dark", "light"], ...] = ("dark", "light")
    for scheme in schemes if AXE.exists() else ():
        await page.emulate_media(color_scheme=scheme)
        assert await against_wcag(page) == [], scheme


async def test_a_social_workers_evening_by_mail_is_two_taps_the_link_and_the_button(
    by_mail: ByMail, page: Page
) -> None:
    await by_mail.tell(deed=Deed("companion"))
    await page.goto(await by_mail.link())
    await _as_it_should_be(page)
    await page.get_by_role("button", name="I will go").tap()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Recorded: somebody will go with the child")
    await _as_it_should_be(page)


async def test_an_interview_is_recorded_with_a_thumb_and_its_faults_are_named(by_mail: ByMail, page: Page) -> None:
    await by_mail.tell(deed=Deed("return-interview"))
    await page.goto(await by_mail.link())
    await _as_it_should_be(page)
    await page.get_by_label("The child declined it").tap()
    await page.get_by_text("More, if it applies").tap()
    await _as_it_should_be(page)
    await page.get_by_label("Lonely").tap()
    await page.get_by_role("button", name="Record it").tap()
    await expect(page.get_by_text("Nothing has been recorded yet")).to_be_visible()
    await expect(page.get_by_label("Lonely")).to_be_checked()
    await _as_it_should_be(page)
    await page.get_by_label("Note").fill("Would not talk today")
    await page.get_by_role("button", name="Record it").tap()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Recorded: return interview")
    [held] = await by_mail.said("return-interview.recorded.v1")
    assert (held["state"], held["push"]) == ("declined", ["lonely"])


@pytest.mark.parametrize(
    "deed", [Deed("police-grade"), Deed("risk-assessment"), Deed("photograph"), Deed("leave"), Deed("profile")]
)
async def test_every_kind_of_field_fits_a_phone(by_mail: ByMail, page: Page, deed: Deed) -> None:
    await by_mail.tell(deed=deed, force="northmoor-police")
    await page.goto(await by_mail.link())
    await _as_it_should_be(page)
