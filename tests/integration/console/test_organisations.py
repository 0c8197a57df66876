"""Changes of forces and agencies at the console: seen and decided by a second person, and by nobody else."""

import hashlib
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console import accounts
from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.options.register_upkeep.organisations import put_organisations
from services.options.register_upkeep.policy.organisations import Organisations
from services.platform.register.organisations import Force, in_force, versions_of
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.server import Web
from services.platform.store.unit_of_work import Store
from services.safeguarding.operators import OperatorRole
from services.safeguarding.working_time import ENGLAND
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.in_process.casework import casework
from tests.support.in_process.console import (
    GUESTS,
    account,
    browser_at,
    csrf_in,
    landing,
    settings_of,
    sign_in,
    somewhere,
)
from tests.support.in_process.register import KEYRING, OTHER_SECRET, SECRET, TRIED, acting

CLOCKS = Clocks()
OLD, NEW = "https://notices.northmoor.police.uk/", "https://elsewhere.example/"


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = database.engine("casework")
    yield engine
    await engine.dispose()


@pytest.fixture
async def door(database: Database, engine: AsyncEngine) -> AsyncIterator[str]:
    web = Web(casework(database, engine), port := free_port())
    await web.start()
    yield f"http://127.0.0.1:{port}"
    await web.stop()


@pytest.fixture
def app(database: Database, opened: Store, door: str) -> FastAPI:
    settings = settings_of(database).model_copy(update={"casework_url": door})
    return pages(opened, CLOCKS, Changes(opened.channels, CLOCKS), settings, GUESTS)


class Person:
    """Who is signed in, of every authority where none is named."""

    def __init__(self, app: FastAPI, name: str) -> None:
        self.app, self.name, self.id = app, name, ""

    async def shows(self) -> httpx.Response:
        async with browser_at(self.app, somewhere()) as browser:
            await sign_in(browser, self.name)
            return await browser.get("/organisations")

    async def does(self, change: UUID, what: str, **said: str) -> str:
        """Where it leads, or the page that says why not. What the page shows is what they mean, if not said."""
        async with browser_at(self.app, somewhere()) as browser:
            await sign_in(browser, self.name)
            page = await browser.get("/organisations")
            form = {"csrf": csrf_in(page), "what": what, "shown": shown_of(page, change)}
            answer = await browser.post(f"/organisations/{change}", data=form | said)
        assert answer.status_code in {303, 422}, answer.text
        return landing(answer) if answer.is_redirect else answer.text


def shown_of(page: httpx.Response, change: UUID) -> str:
    """What the form to approve says of what it showed; nothing where there is none."""
    form = page.text.partition(f'action="/organisations/{change}"')[2].partition("</form>")[0]
    return next(iter(re.findall(r'name="shown" value="([^"]+)"', form)), "")


@pytest.fixture
async def people(app: FastAPI, opened: Store) -> tuple[Person, Person]:
    """Who proposes, and a second one."""
    roles = (OperatorRole.OPERATOR, OperatorRole.DUTY_MANAGER)
    first, second = [Person(app, await account(opened, role, name=f"The {role}")) for role in roles]
    for each in (first, second):
        each.id = await account_id(opened, each.name)
    return first, second


async def account_id(opened: Store, name: str) -> str:
    async with opened.engine.connect() as connection:
        found = await connection.execute(text("SELECT account FROM accounts WHERE sign_in = :name"), {"name": name})
        return str(found.scalar_one())


async def put(engine: AsyncEngine, by: Person, table: str, row: dict[str, Any]) -> UUID | None:
    async with acting(engine) as (uow, now):
        given = Organisations.model_validate({table: [row]})
        return (await put_organisations(uow, KEYRING, given, by.id, now)).get(row["id"])


async def holds(engine: AsyncEngine, force: str) -> Force | None:
    async with acting(engine) as (uow, now):
        return in_force(await uow.fetch(versions_of(KEYRING, force)), now)


async def test_a_change_of_a_force_is_seen_approved_and_taken_back_by_two_people(
    database: Database, engine: AsyncEngine, opened: Store, people: tuple[Person, Person]
) -> None:
    first, second = people
    force = f"f{uuid4().hex[:12]}"
    row = {"id": force, "name": "N", "notice_url": OLD, "secrets": [SECRET], "reply_secrets": [SECRET]}
    assert await put(engine, first, "forces", row) is None
    version = await put(engine, first, "forces", row | {"notice_url": NEW, "secrets": [OTHER_SECRET]})
    assert version is not None

    page = (await second.shows()).text
    was, is_now = (hashlib.sha256(each.encode()).hexdigest()[:16] for each in (SECRET, OTHER_SECRET))
    said = [f"notice_url: {OLD} -&gt; {NEW}", f"secrets: {was} -&gt; {is_now}", "not taken yet", "The operator"]
    assert [each for each in said if each not in page] == []
    assert [each for each in (SECRET, OTHER_SECRET) if each in page] == []
    assert "try it first" in await second.does(version, "approve")
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(TRIED, {"lane": f"force-{force}@{version}"})
    assert "a second person approves" in await first.does(version, "approve")
    assert "Give a day" in await second.does(version, "approve", at="soon")
    held = await holds(engine, force)
    assert held is not None
    assert held.notice_url == OLD

    assert await second.does(version, "approve") == "/organisations?done=approved"
    held = await holds(engine, force)
    assert held is not None
    assert held.notice_url == NEW
    assert "waits for approval" in await second.does(version, "approve")
    page = (await first.shows()).text
    assert page.index("<h2>Earlier changes</h2>") < page.index(NEW), "what changed is shown still"

    assert "Say why" in await second.does(version, "take-back")
    for by, leads in ((second, "asked-back"), (second, "asked-back"), (first, "taken-back")):
        assert await by.does(version, "take-back", reason="it was the wrong desk") == f"/organisations?done={leads}"
    held = await holds(engine, force)
    assert held is not None
    assert held.notice_url == OLD
    assert "it was the wrong desk" in (await second.shows()).text

    async with opened.engine.connect() as connection:
        left = text("SELECT count(*) FROM sessions WHERE for_command AND account = ANY(:ids)")
        found = await connection.execute(left, {"ids": [first.id, second.id]})
    assert found.scalar_one() == 0, "each code ends with what it was made for"


async def test_a_change_that_would_take_another_back_is_not_approved_unseen(
    database: Database, engine: AsyncEngine, people: tuple[Person, Person]
) -> None:
    """Two of one force, each a whole version of it."""
    first, second = people
    force = f"f{uuid4().hex[:12]}"
    row = {"id": force, "name": "N", "notice_url": OLD, "secrets": [SECRET], "reply_secrets": [SECRET]}
    await put(engine, first, "forces", row)
    moved = await put(engine, first, "forces", row | {"notice_url": NEW})
    keyed = await put(engine, first, "forces", row | {"secrets": [OTHER_SECRET]})
    assert moved is not None
    assert keyed is not None
    with psycopg.connect(database.admin_url) as connection:
        for each in (moved, keyed):
            connection.execute(TRIED, {"lane": f"force-{force}@{each}"})
    seen = shown_of(await second.shows(), keyed)
    assert await second.does(moved, "approve") == "/organisations?done=approved"
    for shown in (seen, ""):
        assert "look again" in await second.does(keyed, "approve", shown=shown)
    held = await holds(engine, force)
    assert held is not None
    assert held.notice_url == NEW
    assert f"notice_url: {NEW} -&gt; {OLD}" in (await second.shows()).text
    tomorrow = f"{datetime.now(ENGLAND) + timedelta(days=1):%Y-%m-%dT%H:%M}"
    assert await second.does(keyed, "approve", at=tomorrow) == "/organisations?done=approved"
    renamed = await put(engine, first, "forces", row | {"secrets": [OTHER_SECRET], "callback": "+442079460000"})
    assert renamed is not None
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(TRIED, {"lane": f"force-{force}@{renamed}"})
    assert "would take this one back" in await second.does(renamed, "approve")


async def test_an_agencys_change_is_approved_or_rejected_with_a_reason(
    engine: AsyncEngine, people: tuple[Person, Person]
) -> None:
    first, second = people
    agency = f"a{uuid4().hex[:12]}"
    row = {"id": agency, "secrets": [SECRET], "sources": {f"https://{uuid4()}.example": "kestrel"}}
    await put(engine, first, "agencies", row)
    one, other = [await put(engine, first, "agencies", row | {"secrets": [OTHER_SECRET]}) for _ in range(2)]
    assert one is not None
    assert other is not None
    assert "a second person approves" in await first.does(one, "approve")
    assert await second.does(one, "approve") == "/organisations?done=approved"
    assert await second.does(other, "take-back", reason="proposed twice") == "/organisations?done=taken-back"
    assert "no change of this id" in await second.does(other, "approve")
    page = (await second.shows()).text
    assert [each for each in ("secrets: ", "proposed twice", agency) if each not in page] == []
    assert [each for each in (SECRET, OTHER_SECRET) if each in page] == []
    assert await put(engine, first, "agencies", row | {"secrets": [OTHER_SECRET]}) is None, "it holds"


@pytest.mark.parametrize(
    ("role", "authority", "status"),
    [
        (OperatorRole.DUTY_MANAGER, "kestrel", 404),
        (OperatorRole.ADMINISTRATOR, None, 403),
        (OperatorRole.SOCIAL_WORKER, None, 403),
        (OperatorRole.OPERATOR, None, 200),
    ],
)
async def test_nobody_else_sees_or_decides_one(
    app: FastAPI, opened: Store, door: str, role: OperatorRole, authority: str | None, status: int
) -> None:
    name = await account(opened, role, authority=authority)
    async with browser_at(app, somewhere()) as browser:
        await sign_in(browser, name)
        csrf = csrf_in(await browser.get("/account"))
        assert (await browser.get("/organisations")).status_code == status
        form = {"csrf": csrf, "what": "approve"}
        decided = await browser.post(f"/organisations/{uuid4()}", data=form)
        assert decided.status_code == (422 if status == 200 else status)
        assert (await browser.post(f"/organisations/{uuid4()}", data=form | {"csrf": "x"})).status_code == 403
        assert ('href="/organisations"' in (await browser.get("/account")).text) == (status == 200)
    async with opened.transaction() as uow:
        code = accounts.begin_session(uow, await account_id(opened, name), CLOCKS.wall(), for_command=True)
    async with httpx.AsyncClient(base_url=door, timeout=30) as client:
        for bearer, answers in ((code, 200 if status == 200 else 401), ("wrong", 401)):
            headers = {"authorization": f"Bearer {bearer}"}
            assert (await client.get("/organisations/changes", headers=headers)).status_code == answers
        if status == 200:
            path, named = f"/organisations/changes/{uuid4()}/take-back", {"authorization": f"Bearer {code}"}
            decided = await client.post(path, data={"reason": "a\x00b"}, headers=named)
            assert (decided.status_code, decided.json()["field"]) == (400, "reason")
        for step in ("approve", "take-back"):
            decided = await client.post(
                f"/organisations/changes/{uuid4()}/{step}", data={"reason": "x"}, headers=headers
            )
            assert decided.status_code == 401


async def test_a_decision_takes_a_fresh_proof_of_who_presses_the_button(
    app: FastAPI, opened: Store, people: tuple[Person, Person]
) -> None:
    async with browser_at(app, somewhere()) as browser:
        await sign_in(browser, people[1].name)
        csrf = csrf_in(await browser.get("/organisations"))
        async with opened.engine.begin() as connection:
            before = text("UPDATE sessions SET proved_at = proved_at - interval '1 day' WHERE account = :id")
            await connection.execute(before, {"id": people[1].id})
        answer = await browser.post(f"/organisations/{uuid4()}", data={"csrf": csrf, "what": "approve"})
    assert answer.headers["location"].startswith("/sign-in/again")


@pytest.mark.parametrize(("url", "said"), [("http://127.0.0.1:9", "cannot be reached"), (None, "CASEWORK_URL")])
async def test_the_page_says_so_where_the_register_is_away(
    database: Database, opened: Store, people: tuple[Person, Person], url: str | None, said: str
) -> None:
    settings = settings_of(database).model_copy(update={"casework_url": url})
    away = Person(pages(opened, CLOCKS, Changes(opened.channels, CLOCKS), settings, GUESTS), people[1].name)
    answer = await away.shows()
    assert (answer.status_code, said in answer.text) == (503, True)
