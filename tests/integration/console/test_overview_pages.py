"""The console's read model and pages, on a real PostgreSQL."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from services.console.read_model import repository as read_model
from services.console.read_model.projections import Handlers
from services.console.web import pages
from services.console.web.pages.overview import Changes, PageQueries
from services.console.web.templates import PAGES
from services.platform.runtime.clocks import Clocks
from services.platform.store.engine import Channels, Listener, database_url
from services.platform.store.unit_of_work import Store
from services.safeguarding.duty.decisions import MessageDeadLettered
from services.safeguarding.identifiers import code_of, new_id
from services.safeguarding.roles import Role, Wording
from tests.support.engines.database import Database
from tests.support.in_process.console import (
    GUESTS,
    REPORTED_AT,
    account,
    duty_changed,
    episode_changed,
    hear,
    heard,
    settings_of,
    sign_in,
    step,
)

CLOCKS = Clocks()
HANDLERS = Handlers(CLOCKS)


@pytest.fixture
async def changes(database: Database) -> AsyncIterator[Changes]:
    channels = Channels()
    changes = Changes(channels, CLOCKS)
    listener = Listener(database_url(database.settings("console"), "console"), channels)
    await listener.start()
    first_connection = changes.follow(None)
    await anext(first_connection)
    await anext(first_connection)
    await first_connection.aclose()
    yield changes
    await listener.stop()


@pytest.fixture
async def browser(database: Database, opened: Store, changes: Changes) -> AsyncIterator[httpx.AsyncClient]:
    """Signed in as a duty manager of every authority."""
    app = pages(opened, CLOCKS, changes, settings_of(database), GUESTS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as browser:
        await sign_in(browser, await account(opened))
        yield browser


async def test_an_open_episode_shows_who_has_not_answered_and_what_comes_next(
    opened: Store, browser: httpx.AsyncClient
) -> None:
    episode, child = uuid4(), new_id("child")
    duty = duty_changed(episode, step(0, Role.POLICE_CONTROL_ROOM), next_step_at=REPORTED_AT + timedelta(minutes=5))
    await hear(opened, HANDLERS, heard(episode_changed(episode), child), heard(duty, child))
    page = (await browser.get("/")).text
    assert code_of(episode) in page
    assert "Police control room" in page
    assert "0 of 1" in page


async def test_an_older_state_heard_late_changes_nothing(opened: Store) -> None:
    episode, child = uuid4(), new_id("child")
    await hear(
        opened,
        HANDLERS,
        heard(episode_changed(episode, revision=3, state="returned"), child),
        heard(episode_changed(episode, revision=2, state="located"), child),
    )
    async with opened.read() as reader:
        found = await reader.fetch(read_model.episode_by_id(episode))
    assert found is not None
    assert found.content.state == "returned"


async def test_an_older_duty_heard_late_changes_nothing(opened: Store) -> None:
    episode, child = uuid4(), new_id("child")
    newer = duty_changed(episode, revision=2, state="acknowledged")
    older = duty_changed(episode, duty=newer.duty, revision=1, state="open")
    await hear(opened, HANDLERS, heard(newer, child), heard(older, child), heard(newer, child))
    async with opened.read() as reader:
        duties = await reader.fetch(read_model.duties_of_case(child, episode))
    assert [each.content for each in duties] == [newer]


@pytest.mark.parametrize(("state", "shown"), [("closed", "closed"), ("merged", "part of another case")])
async def test_an_episode_that_has_ended_leaves_the_page_and_keeps_its_timeline(
    opened: Store, browser: httpx.AsyncClient, state: str, shown: str
) -> None:
    episode, child = uuid4(), new_id("child")
    await hear(opened, HANDLERS, heard(episode_changed(episode, state=state), child))
    assert code_of(episode) not in (await browser.get("/")).text
    assert f"The case is now {shown}" in (await browser.get(f"/episodes/{episode}")).text


async def test_a_duty_of_no_episode_is_shown_until_it_is_answered(opened: Store, browser: httpx.AsyncClient) -> None:
    child = new_id("child")
    waiting = duty_changed(None, step(0, Role.DUTY_WORKER), wording=Wording("luring-suspected"))
    answered = duty_changed(
        None, duty=waiting.duty, revision=2, state="acknowledged", wording=Wording("luring-suspected")
    )
    await hear(opened, HANDLERS, heard(waiting, child))
    assert "Luring or exploitation suspected" in (await browser.get("/")).text
    await hear(opened, HANDLERS, heard(answered, child))
    assert "Luring or exploitation suspected" not in (await browser.get("/")).text


async def test_a_dead_letter_is_shown_without_what_it_held(opened: Store, browser: httpx.AsyncClient) -> None:
    held = "aGVsZCB3b3Jkcw=="
    letter = MessageDeadLettered(
        service="police", origin="duties/3/17", reason="KeyError at notice.py:41", original=held
    )
    before = _letters(await browser.get("/"))
    await hear(opened, HANDLERS, heard(letter, new_id("child"), at=CLOCKS.story()))
    assert _letters(await browser.get("/")) == before + 1
    page = (await browser.get("/dead-letters")).text
    assert "KeyError at notice.py:41" in page
    assert "The fault is ours" in page
    async with opened.engine.connect() as connection:
        kept = await connection.scalar(
            text("SELECT count(*) FROM console.entries WHERE content::text LIKE :held"), {"held": f"%{held}%"}
        )
    assert (held in page, kept) == (False, 0)


@pytest.mark.parametrize("exercise", [True, False])
async def test_a_dead_letter_about_practice_is_marked(
    opened: Store, browser: httpx.AsyncClient, exercise: bool
) -> None:
    letter = MessageDeadLettered(service="police", origin=f"duties/4/{uuid4().int}", reason="x", original="")
    of_bus = replace(heard(letter, new_id("child"), at=CLOCKS.story()), exercise=exercise)
    await hear(opened, HANDLERS, of_bus)
    page = (await browser.get("/dead-letters")).text
    [row] = [each for each in page.split("<tr>") if letter.origin in each]
    assert (">Exercise<" in row) == exercise


def test_every_page_that_says_it_shows_within_a_second_is_live() -> None:
    saying = [page for page in PAGES.glob("[a-z]*.html") if "done_banner(done)" in page.read_text()]
    saying = [page for page in saying if page.stem != "shift"]  # the rota is the console's own: it shows at once
    assert {page.stem for page in saying} == {"child", "duty", "letters", "exercise"}
    assert [page.stem for page in saying if "{{ live(" not in page.read_text()] == []


async def test_a_duty_beside_any_episode_is_followed_by_whoever_sees_its_authority_alone(
    opened: Store, database: Database
) -> None:
    child = new_id("child")
    await hear(opened, HANDLERS, heard(duty_changed(None, step(0, Role.DUTY_WORKER)), child))
    queries = PageQueries(opened, CLOCKS, settings_of(database).keyring)
    assert await queries.is_of_any(child, ["kestrel"])
    assert not await queries.is_of_any(child, ["lapwing"])


async def test_no_page_loads_anything_from_elsewhere_or_runs_what_is_written_in_it(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/")
    assert answer.headers["content-security-policy"].startswith(
        "default-src 'none'; style-src 'self'; script-src 'self'"
    )
    assert "style=" not in answer.text
    assert "onclick" not in answer.text


@pytest.mark.parametrize("state", ["acknowledged", "delivered"])
@pytest.mark.parametrize("in_case", [True, False])
async def test_whoever_has_taken_what_is_not_done_yet_is_not_among_those_who_have_not_answered(
    opened: Store, browser: httpx.AsyncClient, state: str, *, in_case: bool
) -> None:
    episode, child = uuid4() if in_case else None, new_id("child")
    duty = duty_changed(episode, step(0, Role.DUTY_WORKER, state), wording=Wording("nrm-check-due"))
    own = [] if episode is None else [heard(episode_changed(episode), child)]
    await hear(opened, HANDLERS, *own, heard(duty, child))
    page = (await browser.get("/")).text
    name = code_of(episode) if episode is not None else str(duty.duty)
    [row] = [each for each in page.split("<tr")[1:] if name in each]
    assert ("says they have it, not done yet" in row) == (state == "acknowledged")
    assert "Who has not answered" not in page


async def test_an_episode_that_nobody_knows_is_a_page_that_says_so(browser: httpx.AsyncClient) -> None:
    answer = await browser.get(f"/episodes/{uuid4()}")
    assert (answer.status_code, "Page not found" in answer.text) == (404, True)


async def test_an_address_that_there_is_not_is_a_page_that_leads_back(browser: httpx.AsyncClient) -> None:
    unknown, not_a_form = await browser.get("/nonsense"), await browser.post("/directory")
    for answer, status in ((unknown, 404), (not_a_form, 405)):
        assert (answer.status_code, '<a href="/">See all open cases</a>' in answer.text) == (status, True)
    assert "in the box above" not in unknown.text, "the page has none"
    assert not_a_form.headers["allow"] == "GET"


async def test_a_page_is_told_of_its_child_within_a_second_and_of_no_other(opened: Store, changes: Changes) -> None:
    mine, other = new_id("child"), new_id("child")
    following = changes.follow(mine)
    await anext(following)
    told = asyncio.ensure_future(anext(following))
    await hear(opened, HANDLERS, heard(episode_changed(uuid4()), other))
    await asyncio.sleep(0.6)
    assert not told.done()
    await hear(opened, HANDLERS, heard(episode_changed(uuid4()), mine))
    await asyncio.wait_for(told, 5)
    await following.aclose()


async def test_pages_are_told_when_story_time_moves(changes: Changes) -> None:
    following = changes.follow(None)
    await anext(following)
    CLOCKS.move_to(CLOCKS.offset + timedelta(minutes=30))
    await asyncio.wait_for(anext(following), 15)
    await following.aclose()


def _letters(page: httpx.Response) -> int:
    found = re.search(r"(\d+) messages? could not be processed", page.text)
    return int(found[1]) if found else 0
