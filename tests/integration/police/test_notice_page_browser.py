"""A notice on an officer's phone: read, acknowledged and given its reference with a thumb, and plain to a screen reader."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email import message_from_string
from email.policy import default

import pytest
from playwright.async_api import Page, Route, async_playwright, expect

from services.platform.register import words
from services.platform.store.encryption import Keyring
from services.safeguarding.notice_fields import ReportQuestion
from services.safeguarding.roles import Wording
from tests.support.engines.database import Database
from tests.support.in_process.police import Police, by_mail, police_of
from tests.support.outside.browser import AXE, CHROMIUM, NARROW, against_wcag, beside_the_screen, too_small_to_tap

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium: apt-get install chromium"),
]


@pytest.fixture
async def police(database: Database, keyring: Keyring) -> AsyncIterator[Police]:
    async with police_of(database, keyring, by_mail) as running:
        yield running


@pytest.fixture
async def page(police: Police) -> AsyncIterator[Page]:
    async def answer(route: Route) -> None:
        asked = route.request
        came = await police.http.request(
            asked.method, asked.url, content=asked.post_data_buffer or b"", headers=await asked.all_headers()
        )
        await route.fulfill(status=came.status_code, headers=dict(came.headers), body=came.content)

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        context = await browser.new_context(viewport=NARROW, has_touch=True, is_mobile=True)
        opened = await context.new_page()
        await opened.route("http://police/**", answer)
        yield opened
        await browser.close()


async def test_an_officer_reads_acknowledges_and_adds_the_reference_on_a_phone(police: Police, page: Page) -> None:
    async with police.floor.store.transaction() as uow:
        kept = await words.keep(
            uow,
            police.keyring,
            about=police.ids["C1"],
            words="blue coat, white trainers",
            said_by=police.ids["ash"],
            at=datetime.now(UTC),
            answers=ReportQuestion("clothing"),
        )
    told = await police.tell(words=(kept,))
    await police.floor.until(told.content.telling, "accepted")
    mail = message_from_string(police.relay.sent[-1].body, policy=default).get_body(("html",))
    assert mail is not None
    await page.set_content(mail.get_content())
    await _as_it_should_be(page)
    await page.get_by_role("link", name="Open the notice").tap()
    await expect(page.get_by_role("heading", level=1)).to_have_text("A notice for your control room")
    await _as_it_should_be(page)
    await page.get_by_label("Officer's name").fill("PC Adeyemi")
    await page.get_by_label("Collar or warrant number").fill("NP 4127")
    await page.get_by_role("button", name="Ring our control room with a code").tap()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Enter the code")
    await _as_it_should_be(page)
    await page.get_by_label("The code").fill(police.code())
    await page.get_by_role("button", name="Open the notice").tap()
    await expect(page.get_by_role("heading", level=1)).to_have_text("A child in care is missing")
    await expect(page.get_by_text("Clothing: blue coat, white trainers")).to_be_visible()
    await expect(page.get_by_text("Kestrel County Council: 01632 960100")).to_be_visible()
    await _as_it_should_be(page)
    await expect(page.get_by_label("Officer's name")).to_have_value("PC Adeyemi")
    await page.get_by_label("Collar or warrant number").fill("")
    await page.get_by_role("button", name="I have it").tap()
    await expect(page.get_by_text("NOT RECORDED YET")).to_be_in_viewport()
    await expect(page.get_by_label("Officer's name")).to_have_value("PC Adeyemi")
    await _as_it_should_be(page)
    await page.get_by_label("Collar or warrant number").fill("NP 4127")
    await page.get_by_role("button", name="I have it").tap()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("It is recorded that you have it")
    await _as_it_should_be(page)
    await page.get_by_role("button", name="Read it again, or add a reference").tap()
    await page.get_by_label("Your reference").fill("NP-20261124-0042")
    await page.get_by_label("Kind of reference").select_option(label="Missing person")
    await _as_it_should_be(page)
    await page.get_by_role("button", name="Record it").tap()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("It is recorded")
    [given] = await police.said_since(told, ("police.reference-given",))
    assert given["data"]["reference_kind"] == "missing-person"


async def _as_it_should_be(page: Page) -> None:
    """Without axe, only that nothing lies beside the screen or is too small for a thumb."""
    assert await beside_the_screen(page) == []
    assert await too_small_to_tap(page) == []
    if AXE.exists():
        assert await against_wcag(page) == []


async def test_once_the_child_is_back_the_page_has_the_place_for_a_reference_alone(police: Police, page: Page) -> None:
    told = await police.tell()
    await police.floor.until(told.content.telling, "accepted")
    mail = message_from_string(police.relay.sent[-1].body, policy=default).get_body(("html",))
    assert mail is not None
    await page.set_content(mail.get_content())
    await page.get_by_role("link", name="Open the notice").tap()
    await expect(page.get_by_role("heading", level=1)).to_have_text("A notice for your control room")
    back = await police.tell(wording=Wording("returned-notice"), episode=told.content.episode)
    await police.floor.until(back.content.telling, "accepted")
    await page.get_by_role("button", name="Ring our control room with a code").tap()
    await expect(page.get_by_role("heading", level=1)).to_have_text("This is over")
    await expect(page.get_by_text("Diallo")).to_have_count(0)
    await expect(page.get_by_label("Officer's name")).to_have_count(0)
    await _as_it_should_be(page)
    await page.get_by_label("Your reference").fill("NP-20261124-0042")
    await page.get_by_role("button", name="Record it").tap()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("It is recorded")
