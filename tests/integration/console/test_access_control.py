"""The console with an attacker's eyes: one authority's account looks for another's children, a guesser for a password."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi.routing import APIRoute

from services.console.policy.access import Operator
from services.console.policy.acts import ACT_SPECS
from services.console.read_model.projections import Handlers
from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.handbook import web as handbook
from services.options.holds_and_erasure.option import OPTION as HOLDS
from services.options.own_accounts import store as own_accounts
from services.options.own_accounts.option import OPTION as OWN
from services.options.own_accounts.proofs import FAILURES_FROM_ONE_PLACE
from services.options.register_upkeep.option import OPTION as UPKEEP
from services.options.returns.option import OPTION as RETURNS
from services.options.set_up.option import OPTION as SET_UP
from services.options.shift_exchange.option import OPTION as EXCHANGE
from services.platform.runtime.clocks import Clocks
from services.platform.store.engine import Channels, Listener, database_url
from services.platform.store.unit_of_work import Store
from services.safeguarding.duty.decisions import MessageDeadLettered
from services.safeguarding.identifiers import code_of, new_id
from services.safeguarding.operators import OperatorRole
from services.safeguarding.roles import Role, Wording
from tests.support.engines.database import Database
from tests.support.in_process.console import (
    account,
    csrf_in,
    duty_changed,
    episode_changed,
    hear,
    heard,
    said_by_console,
    settings_of,
    sign_in,
    step,
)

DESK = [each.pages["console"] for each in (SET_UP, HOLDS, UPKEEP)]
CLOCKS = Clocks()
HANDLERS = Handlers(CLOCKS)
GUARDED = {
    "content-security-policy": (
        "default-src 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
        "base-uri 'none'",
    ),
    "x-content-type-options": ("nosniff",),
    "referrer-policy": ("same-origin",),
}


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


@asynccontextmanager
async def console(
    database: Database, opened: Store, changes: Changes, *, sandbox: bool = True
) -> AsyncIterator[httpx.AsyncClient]:
    settings = settings_of(database).model_copy(update={"sandbox": sandbox})
    app = pages(
        opened,
        CLOCKS,
        changes,
        settings,
        [handbook.mount, RETURNS.pages["console"], OWN.pages["console"], EXCHANGE.pages["console"], *DESK],
    )
    scheme = "http" if sandbox else "https"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"{scheme}://console") as browser:
        yield browser


@pytest.fixture
async def browser(database: Database, opened: Store, changes: Changes) -> AsyncIterator[httpx.AsyncClient]:
    """Signed in as somebody who may do everything, of lapwing alone."""
    async with console(database, opened, changes) as browser:
        await sign_in(browser, await account(opened, authority="lapwing"))
        yield browser


@pytest.fixture
async def kestrels(opened: Store) -> tuple[UUID, str, UUID, UUID, str]:
    """Episode, child, duty, a duty of no episode, and a dead letter: all of another authority, or of nobody's."""
    episode, child, letter = uuid4(), new_id("child"), str(uuid4())
    duty = duty_changed(episode, step(0, Role.POLICE_CONTROL_ROOM))
    watch = duty_changed(None, step(0, Role.CHILD_SOCIAL_WORKER), wording=Wording("watch-review-due"))
    dead = MessageDeadLettered(service="police", origin="duties/3/17", reason="KeyError at a.py:1", original=None)
    await hear(opened, HANDLERS, heard(episode_changed(episode), child), heard(duty, child), heard(watch, child))
    await hear(opened, HANDLERS, heard(dead, child, at=CLOCKS.story(), id_=letter))
    return episode, child, duty.duty, watch.duty, letter


@pytest.mark.parametrize("blind", [False, True])
async def test_no_page_of_another_authoritys_child_is_to_be_had_in_any_way(
    browser: httpx.AsyncClient,
    opened: Store,
    kestrels: tuple[UUID, str, UUID, UUID, str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    blind: bool,
) -> None:
    """`blind`: also if no handler looked whose child it is. The database does."""
    if blind:
        monkeypatch.setattr(Operator, "sees", lambda *_: True)
        monkeypatch.setattr(Operator, "scope", ["kestrel", "lapwing"])
    episode, child, duty, watch, letter = kestrels
    csrf = csrf_in(await browser.get("/"))
    paths = [
        f"/episodes/{episode}",
        f"/parts/episodes/{episode}",
        f"/changes?child={child}",
        *(f"{part}/children/{name}" for part in ("", "/parts") for name in (child, code_of(episode))),
        f"/photographs/{child}",
        *(f"/duties/{each}" for each in (duty, watch)),
        *(f"/parts/duties/{each}" for each in (duty, watch)),
        *(f"/episodes/{episode}/acts/{act}" for act in ACT_SPECS),
        *(f"/duties/{each}/acts/{act}" for act in ACT_SPECS for each in (duty, watch)),
        *([] if blind else ["/dead-letters", "/parts/dead-letters"]),
        f"/dead-letters/{letter}/acts/dead-letter-redriven",
    ]
    for path in paths:
        assert (await browser.get(path)).status_code == 404, path
        if "/acts/" in path:
            form = {"csrf": csrf, "act": str(uuid4()), "seen": "", "reason": "none of mine", "step": "0"}
            assert (await browser.post(path, data=form)).status_code == 404, path
    assert await said_by_console(opened, child) == []


@pytest.mark.parametrize("blind", [False, True])
async def test_no_list_says_that_there_is_anything_of_another_authority(
    browser: httpx.AsyncClient,
    kestrels: tuple[UUID, str, UUID, UUID, str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    blind: bool,
) -> None:
    if blind:
        monkeypatch.setattr(Operator, "scope", ["kestrel", "lapwing"])
    # As one of an authority that a handler would show, it names that one as a choice.
    marks = [
        code_of(kestrels[0]),
        *([] if blind else ["kestrel"]),
        "could not be processed",
        "Dead letters",
        *map(str, kestrels),
    ]
    paths = "/ /parts/open /housekeeping /parts/housekeeping /find /directory /report /exercise /parts/exercise /records /protocol /simulate"
    for path in paths.split():
        page = await browser.get(path)
        assert page.status_code == 200, path
        assert [mark for mark in marks if mark in page.text] == [], path


async def test_every_page_that_there_is_has_been_thought_of(
    database: Database, opened: Store, changes: Changes
) -> None:
    """A new one is added here and above: what does it show to somebody of another authority?"""
    app = pages(
        opened,
        CLOCKS,
        changes,
        settings_of(database),
        [handbook.mount, RETURNS.pages["console"], OWN.pages["console"], EXCHANGE.pages["console"], *DESK],
    )
    assert {each.path for each in app.routes if isinstance(each, APIRoute)} == {
        "/", "/parts/open", "/changes", "/directory", "/report", "/exercise", "/parts/exercise", "/sign-in", "/sign-out",
        "/children/{name}", "/parts/children/{name}", "/photographs/{child}", "/find", "/housekeeping", "/parts/housekeeping",
        "/episodes/{episode}", "/parts/episodes/{episode}", "/episodes/{id_}/acts/{act}", "/episodes/{id_}/same-phone",
        "/duties/{duty}", "/parts/duties/{duty}", "/duties/{id_}/acts/{act}",
        "/dead-letters", "/parts/dead-letters", "/dead-letters/{letter}/acts/dead-letter-redriven",
        "/sign-in/again", "/account", "/account/second-factor", "/account/command-code", "/accounts", "/break-glass",
        "/authorities", "/authorities/{authority}", "/authorities/{authority}/files",
        "/organisations", "/organisations/{change}", "/records",
        "/shift", "/shift/calendars", "/calendars/{authority}/{token}.ics", "/returns", "/returns/list.csv", "/returns/missing.csv", "/shift/acts/{act}",
        "/protocol", "/protocol/{event}", "/protocol/{event}/chart", "/simulate",
    }  # fmt: skip


async def test_the_stream_of_one_authority_says_nothing_when_another_is_busy(opened: Store, changes: Changes) -> None:
    following = changes.follow(None, ["lapwing"])
    await anext(following)
    told = asyncio.ensure_future(anext(following))
    child = new_id("child")
    dead = MessageDeadLettered(service="police", origin="duties/3/17", reason="KeyError at a.py:1", original=None)
    await hear(opened, HANDLERS, heard(episode_changed(uuid4()), child), heard(dead, child, at=CLOCKS.story()))
    await asyncio.sleep(0.8)
    assert not told.done()
    lapwings = episode_changed(uuid4()).model_copy(update={"authority": "lapwing"})
    await hear(opened, HANDLERS, heard(lapwings, new_id("child")))
    await asyncio.wait_for(told, 15)
    await following.aclose()


async def test_guesses_sent_all_at_once_are_no_more_than_guesses_in_turn(
    database: Database, opened: Store, changes: Changes
) -> None:
    name = await account(opened)
    async with console(database, opened, changes) as browser:
        page = await browser.get("/sign-in")
        form = {"csrf": csrf_in(page), "then": "/", "name": name, "password": "not the password at all"}
        answers = await asyncio.gather(*(browser.post("/sign-in", data=form) for _ in range(20)))
        statuses = sorted(each.status_code for each in answers)
        assert statuses == [403] * FAILURES_FROM_ONE_PLACE + [429] * (20 - FAILURES_FROM_ONE_PLACE)


async def test_whoever_signs_in_again_and_again_is_not_held_back(
    database: Database, opened: Store, changes: Changes
) -> None:
    name = await account(opened)
    async with console(database, opened, changes) as browser:
        for _ in range(2 * FAILURES_FROM_ONE_PLACE):
            assert (await sign_in(browser, name)).status_code == 303


async def test_a_new_password_ends_every_session(database: Database, opened: Store, changes: Changes) -> None:
    name = await account(opened, OperatorRole.AUDITOR)
    async with console(database, opened, changes) as here, console(database, opened, changes) as there:
        for each in (here, there):
            await sign_in(each, name)
            assert (await each.get("/")).status_code == 200
        async with opened.transaction() as uow:
            new = PasswordHasher(time_cost=1, memory_cost=64).hash("another password")
            assert await own_accounts.reset_account(uow, name, new)
        for each in (here, there):
            assert (await each.get("/")).status_code == 303
            assert (await each.get("/parts/open")).status_code == 401
        assert (await sign_in(here, name)).status_code == 403


async def test_a_form_of_one_session_is_none_of_another(database: Database, opened: Store, changes: Changes) -> None:
    async with console(database, opened, changes) as mine, console(database, opened, changes) as theirs:
        await sign_in(mine, await account(opened))
        await sign_in(theirs, await account(opened))
        form = {"csrf": csrf_in(await theirs.get("/"))}
        assert (await mine.post("/sign-out", data=form)).status_code == 403
        assert (await mine.post("/simulate", data=form)).status_code == 403


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/static/page.css", "/static/no-such", "/handbook/handbook.css", "/nowhere"]
)
async def test_every_answer_forbids_frames_foreign_content_and_guessing_of_types(
    database: Database, opened: Store, changes: Changes, path: str
) -> None:
    async with console(database, opened, changes, sandbox=False) as browser:
        answer = await browser.get(path)
    for name, wanted in GUARDED.items():
        assert [each for each in wanted if each not in answer.headers.get(name, "")] == [], (path, name)
    assert "max-age" in answer.headers["strict-transport-security"]
