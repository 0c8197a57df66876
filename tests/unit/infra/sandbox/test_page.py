"""The page, in a real browser."""

import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect
from standardwebhooks import Webhook

from infra.sandbox.behaviours import Mode
from tests.support.outside.sandbox import CARER, FORCE, NOTICE_SECRET, STAFF, Outside, eventually

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM}"),
]


@pytest.fixture
async def page(outside: Outside) -> AsyncIterator[Page]:
    faults: list[str] = []
    async with async_playwright() as playing:
        browser = await playing.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = await browser.new_page(viewport={"width": 360, "height": 740})
        opened.set_default_timeout(10_000)
        opened.on("pageerror", lambda error: faults.append(str(error)))
        await opened.goto(outside.url)
        yield opened
        await browser.close()
    assert faults == []


async def deliver_notice(outside: Outside, child_name: str) -> None:
    notice_id, now = str(uuid.uuid4()), datetime.now(UTC)
    data = {"notice": notice_id, "episode": "an-episode", "child": {"name": child_name}}
    data |= {"reference": "C11, case HJ87W", "about": "returned"}
    told: dict[str, object] = {
        "missing_since": "2026-10-25T00:30:00.123456Z",
        "carers": [{"name": "Ann Ash"}, {"name": "Ben Birch"}],
    }
    body = json.dumps({"type": "missing-notice.new", "timestamp": now.isoformat(), "data": data | told})
    headers = {
        "webhook-id": notice_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(NOTICE_SECRET).sign(notice_id, now, body),
    }
    answer = await outside.scripts.post(f"/desks/{FORCE}/notices", content=body, headers=headers)
    answer.raise_for_status()


async def test_a_newcomer_types_a_text_on_a_carers_phone_and_sees_it_received(outside: Outside, page: Page) -> None:
    await page.get_by_label("Whose phone").select_option(CARER)
    await page.get_by_role("button", name="MISSING", exact=True).click()
    await page.get_by_role("button", name="Send text").click()
    await expect(page.locator("#thread")).to_contain_text("MISSING")
    await expect(page.locator("#thread")).to_contain_text("received")
    assert outside.application.at("/texts/inbound")[0].form["Body"] == "MISSING"


async def test_an_answer_appears_on_the_phone_by_itself(outside: Outside, page: Page) -> None:
    await page.get_by_label("Whose phone").select_option(CARER)
    outside.world.network.send(CARER, "Thank you. 999 in danger.", None, 36_000)
    await expect(page.locator("#thread")).to_contain_text("Thank you. 999 in danger.")


async def test_a_notice_appears_verified_and_acknowledged_and_can_be_read(outside: Outside, page: Page) -> None:
    await deliver_notice(outside, "Asha Tesfaye")
    await expect(page.locator("#desk-list")).to_contain_text("signature verified")
    await expect(page.locator("#desk-list h4")).to_contain_text("C11, case HJ87W, missing notice new, returned,")
    await expect(page.locator("#desk-list")).to_contain_text(f"NP-{datetime.now(UTC):%Y%m%d}-0001")
    await page.get_by_text("Read the notice").click()
    await expect(page.get_by_text("Asha Tesfaye")).to_be_visible()
    await expect(page.get_by_text("25 Oct 2026, 01:30 BST", exact=True)).to_be_visible()
    await expect(page.get_by_text("Ben Birch", exact=True)).to_be_visible()


async def test_what_comes_from_outside_is_shown_as_text_and_never_run(outside: Outside, page: Page) -> None:
    attack = "<img src=x onerror='window.attacked=true'>"
    await deliver_notice(outside, attack)
    outside.world.network.send(CARER, attack, None, 36_000)
    await page.get_by_text("Read the notice").click()
    await expect(page.locator("#desk-list dd", has_text=attack).last).to_be_visible()
    await expect(page.locator("#thread")).to_contain_text(attack)
    assert await page.evaluate("window.attacked") is None


async def test_a_desk_can_be_made_silent_and_a_person_told_not_to_answer(outside: Outside, page: Page) -> None:
    await page.get_by_label("Northmoor Police control room is").select_option("silent")
    await eventually(lambda: outside.world.behaviours.desks[FORCE].mode is Mode.SILENT)
    await page.get_by_label("Whose phone").select_option(STAFF)
    await page.get_by_label("by itself").uncheck()
    await eventually(lambda: not outside.world.people.phones[STAFF].answers)


async def test_a_mailbox_can_be_made_to_bounce(outside: Outside, page: Page) -> None:
    outside.world.correspondents.set_answers("nurse@northmoor.example", answers=True)
    await page.get_by_text("whose mailbox takes mail").click()
    await page.get_by_label("Somebody's mailbox is").select_option("bounces")
    await eventually(lambda: outside.world.behaviours.mailbox("nurse@northmoor.example").mode is Mode.BOUNCES)
    assert await page.evaluate("document.documentElement.scrollWidth") == 360


async def test_the_page_fits_a_narrow_phone_without_scrolling_sideways(outside: Outside, page: Page) -> None:
    await deliver_notice(outside, "A name without any space that would be broken only by force " + "x" * 80)
    outside.world.network.send(CARER, "y" * 120, None, 36_000)
    await page.get_by_text("Read the notice").click()
    assert await page.evaluate("document.documentElement.scrollWidth") == 360


async def test_a_page_whose_sandbox_has_gone_says_that_it_may_be_old(outside: Outside, page: Page) -> None:
    await page.route("**/page-state*", lambda route: route.abort())
    assert outside.url
    await expect(page.get_by_role("status")).to_contain_text("may be old")
