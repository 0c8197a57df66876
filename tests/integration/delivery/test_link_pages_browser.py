"""Mails and the pages behind their buttons as a person sees them on a phone: two taps, everything on the screen, nothing against WCAG."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, async_playwright, expect

from services.platform.store.encryption import Keyring
from services.safeguarding.child_events.discussion_events import (
    StrategyDiscussionCancelled,
    StrategyDiscussionHeld,
    StrategyDiscussionRedated,
)
from services.safeguarding.roles import Role, Wording
from services.strategy.discussions.service import DiscussionWatch
from tests.support.engines.database import Database
from tests.support.in_process.delivery import eventually
from tests.support.in_process.professionals import ByMail, running_by_mail
from tests.support.in_process.strategy import HEALTH, POLICE, SOCIAL, Strategy, from_convenor, running_strategy
from tests.support.outside.browser import AXE, CHROMIUM, NARROW, against_wcag, beside_the_screen, too_small_to_tap

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium: apt-get install chromium"),
]
NIGHT = datetime(2026, 11, 24, 23, 5, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for all tests: each has a page of its own, which shares no cookies with another's."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport=NARROW, has_touch=True, is_mobile=True)
    yield await context.new_page()
    await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def by_mail(database: Database, keyring: Keyring, page: Page) -> AsyncIterator[ByMail]:
    async with running_by_mail(database, keyring) as running:
        await _answered_by(page, running.web)
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def strategy(database: Database, keyring: Keyring, page: Page) -> AsyncIterator[Strategy]:
    async with running_strategy(database, keyring) as running:
        await _answered_by(page, running.web)
        yield running


async def _answered_by(page: Page, web: httpx.AsyncClient) -> None:
    """The browser's requests to the service's address go to the service in this process."""

    async def answer(route: Route) -> None:
        asked = route.request
        came = await web.request(
            asked.method, asked.url, content=asked.post_data_buffer or b"", headers=await asked.all_headers()
        )
        await route.fulfill(status=came.status_code, headers=dict(came.headers), body=came.content)

    await page.route(f"{str(web.base_url).rstrip('/')}/**", answer)


@pytest.mark.parametrize(
    ("button", "kind", "then"),
    [
        ("I have it", "duty.acknowledged.v1", "Thank you. It is recorded that you have it"),
        ("I cannot act on this", "duty.failed.v1", "Somebody else is being told"),
        ("My deputy takes it", None, "Somebody else is being told"),
    ],
)
async def test_a_professional_answers_a_mail_in_two_taps(
    by_mail: ByMail, page: Page, button: str, kind: str | None, then: str
) -> None:
    await by_mail.tell(role=Role.DUTY_WORKER)
    await eventually(lambda: by_mail.mail.sent)
    await by_mail.floor.until(by_mail.mail.sent[0].id, "accepted")
    await _shown(page, Strategy.read(by_mail.mail.sent[0]))
    await page.get_by_role("link", name="Say that you have it").tap()
    await page.get_by_role("button", name=button).tap()
    await expect(page.get_by_role("heading", level=1)).to_have_text(then)
    if kind is None:
        await eventually(lambda: len(by_mail.mail.sent) == 2)
        assert by_mail.mail.sent[1].recipient == "deputy@kestrel.example"
    else:
        assert len(await by_mail.said(kind)) == 1


@pytest.mark.parametrize(
    ("button", "kind", "then"),
    [
        ("I will attend", "duty.acknowledged.v1", "Thank you. You are expected"),
        ("I cannot attend", "duty.failed.v1", "Thank you. It is recorded that you cannot attend"),
    ],
)
async def test_an_invitation_is_answered_in_two_taps(
    strategy: Strategy, page: Page, button: str, kind: str, then: str
) -> None:
    await strategy.invite(HEALTH, episode=uuid4())
    await _shown(page, strategy.newest(HEALTH))
    await page.get_by_role("link", name="Reply to the invitation").tap()
    await page.get_by_role("button", name=button).tap()
    await expect(page.get_by_role("heading", level=1)).to_have_text(then)
    assert len(await strategy.said(kind)) == 1


async def test_a_discussion_is_recorded_on_a_phone_and_read(strategy: Strategy, page: Page) -> None:
    await _open_record_form(strategy, page)
    await page.get_by_role("button", name="Record it and send it").tap()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Not recorded yet: something is missing")
    await expect(page.get_by_label("What was shared and decided, and why")).to_have_attribute("aria-invalid", "true")
    await _as_it_should_be(page)
    await page.get_by_label("No enquiry").check()
    await page.get_by_label("What was shared and decided, and why").fill("The child was seen at the coach station.")
    await page.get_by_label("What is to be done").first.fill("See the carer at home")
    await page.get_by_label("Who does it").first.select_option(label="The child's social worker")
    await page.get_by_label("By when").first.fill("2026-11-26")
    await page.get_by_role("button", name="Record it and send it").tap()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. The discussion is recorded")
    await strategy.sent(7)
    await _shown(page, strategy.newest(HEALTH))
    await page.get_by_role("link", name="Read the record").tap()
    await page.get_by_role("button", name="Read the record").tap()
    await expect(page.get_by_text("seen at the coach station")).to_be_visible()
    await _as_it_should_be(page)


async def test_every_page_of_professionals_fits_a_phone_and_axe_finds_nothing(by_mail: ByMail, page: Page) -> None:
    await by_mail.tell(role=Role.DUTY_WORKER)
    await eventually(lambda: by_mail.mail.sent)
    await by_mail.floor.until(by_mail.mail.sent[0].id, "accepted")
    await _shown(page, Strategy.read(by_mail.mail.sent[0]))
    await _as_it_should_be(page)
    link = await by_mail.link()
    for answer in ("", "cannot", "have-it"):
        await by_mail.web.post(link, data={"answer": answer})
        await page.goto(link)
        await _as_it_should_be(page)
    await page.goto(link[:-1])
    await expect(page.get_by_role("heading", level=1)).to_have_text("This link does not work")
    await _as_it_should_be(page)


async def test_a_mail_of_several_fits_a_phone_and_axe_finds_nothing(
    by_mail: ByMail, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.professionals.handlers.GATHERED_FOR", timedelta(seconds=1))
    for _ in range(3):
        await by_mail.tell(urgent=False)
    await eventually(lambda: by_mail.mail.sent)
    await by_mail.floor.until(by_mail.mail.sent[0].id, "accepted")
    await _shown(page, Strategy.read(by_mail.mail.sent[0]))
    await _as_it_should_be(page)
    await page.get_by_role("link", name="Say that you have").tap()
    await expect(page.get_by_role("button", name="I have all of these")).to_be_visible()
    await _as_it_should_be(page)


async def test_every_invitation_and_its_page_fit_a_phone_and_axe_finds_nothing(strategy: Strategy, page: Page) -> None:
    clocks: Any = strategy.floor.clocks
    episode = uuid4()
    await strategy.invite(POLICE, SOCIAL, HEALTH, episode=episode)
    link = await _looked_at(strategy, page, 3)
    for answer in ("come", "not-come"):
        [button] = re.findall(rf'value="({answer}-\d+)"', (await strategy.web.get(link)).text)
        await strategy.web.post(link, data={"answer": button})
        await page.goto(link)
        await _as_it_should_be(page)
    await strategy.hear(from_convenor(strategy, StrategyDiscussionRedated, starts_at=NIGHT))
    await _looked_at(strategy, page, 6, says="with whoever is on call")
    clocks.now = NIGHT + timedelta(hours=1)
    await strategy.hear(from_convenor(strategy, StrategyDiscussionHeld, form="urgent", section_47="no-enquiry"))
    await page.goto(link)
    await _as_it_should_be(page)
    await strategy.hear(strategy.invitation(HEALTH, episode=episode, wording=Wording("full-meeting")))
    link = await _looked_at(strategy, page, 10, says="90 minutes")
    await strategy.hear(from_convenor(strategy, StrategyDiscussionCancelled))
    await strategy.sent(11)
    await _shown(page, strategy.newest(HEALTH))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Called off: Friday 27 November at 10:00")
    await expect(page.get_by_role("link")).to_have_count(0)
    await _as_it_should_be(page)
    await page.goto(link)
    await _as_it_should_be(page)


async def _looked_at(strategy: Strategy, page: Page, count: int, says: str = "") -> str:
    """The newest mail to health, and the page behind its button: its link."""
    await strategy.sent(count)
    mail = strategy.newest(HEALTH)
    await _shown(page, mail)
    await expect(page.locator("main")).to_contain_text(says)
    await _as_it_should_be(page)
    link = _link_in(mail)
    await page.goto(link)
    await _as_it_should_be(page)
    return link


async def _open_record_form(strategy: Strategy, page: Page) -> None:
    episode, clocks = uuid4(), strategy.floor.clocks
    await strategy.invite(POLICE, SOCIAL, HEALTH, episode=episode)
    clocks.now += timedelta(hours=2)  # type: ignore[attr-defined]
    await DiscussionWatch(strategy.floor.store, clocks, strategy.discussing)._turn()
    await strategy.hear(strategy.invitation(SOCIAL, episode=episode, wording=Wording("strategy-record")))
    await strategy.sent(4)
    await _shown(page, strategy.newest(SOCIAL))
    await _as_it_should_be(page)
    await page.get_by_role("link", name="Record the discussion").tap()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Record the strategy discussion")
    await _as_it_should_be(page)


def _link_in(mail: EmailMessage) -> str:
    plain, *_ = mail.iter_parts()
    [link] = re.findall(r"http://\S+example/\w+/[\w.-]+", plain.get_content())
    return str(link)


async def _shown(page: Page, mail: EmailMessage) -> None:
    """As a mail program shows it: the HTML alone."""
    html = mail.get_body(("html",))
    assert html is not None
    await page.goto("about:blank")
    await page.set_content(html.get_content())


async def _as_it_should_be(page: Page) -> None:
    """Without axe, only that nothing lies beside the screen or is too small for a thumb."""
    assert await beside_the_screen(page) == []
    assert await too_small_to_tap(page) == []
    if AXE.exists():
        assert await against_wcag(page) == []
