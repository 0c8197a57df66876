"""The protocol's pages in the console: the rules as they are, an event drawn, a story played; for whoever is signed in, and sending nothing."""

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.handbook import web
from services.handbook.stories import story_pages
from services.options.own_accounts.option import OPTION as OWN_ACCOUNTS
from services.platform.runtime.clocks import Clocks
from services.platform.store.engine import Channels
from services.platform.store.unit_of_work import Store
from services.protocol.loader import DEFAULT, Library, files
from services.protocol.simulate import tell
from services.safeguarding.operators import OperatorRole
from tests.support.engines.database import Database
from tests.support.in_process.console import account, csrf_in, settings_of, sign_in

CLOCKS = Clocks()
OWN = """
protocol: kestrel-own
version: "3"
authority: {authority}
rules:
  - id: tell-duty-worker-missing
    on: child.reported-missing
    tell: duty.head-of-service
    by: text
    message: missing-notice
    within: 1m
    otherwise:
      - {{ after: 15m, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 30m }}
    until: [child.returned, missing.retracted]
    because: {{ cite: [S57], kind: local, note: "{authority} wants its head told at once." }}
"""


@pytest.fixture
def protocols(tmp_path: Path) -> Path:
    for name in ("kestrel", "lapwing"):
        (tmp_path / f"{name}.yaml").write_text(OWN.format(authority=name))
    return tmp_path


def console(database: Database, opened: Store, folder: Path | None) -> httpx.AsyncClient:
    settings = settings_of(database).model_copy(update={"protocol_dir": folder})
    changes = Changes(Channels(), CLOCKS)
    app = pages(opened, CLOCKS, changes, settings, [web.mount, OWN_ACCOUNTS.pages["console"]])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console")


@pytest.fixture
async def browser(database: Database, opened: Store, protocols: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with console(database, opened, protocols) as browser:
        await sign_in(browser, await account(opened, OperatorRole.AUDITOR))
        yield browser


async def played(browser: httpx.AsyncClient, **chosen: str) -> httpx.Response:
    protocol = Library(files()).current(DEFAULT)
    usual = {each.name: each.usual for each in story_pages.questions(protocol)}
    return await browser.post("/simulate", data={"csrf": csrf_in(await browser.get("/simulate"))} | usual | chosen)


@pytest.mark.parametrize(
    "path", ["/protocol", "/protocol/child.reported-missing", "/protocol/child.reported-missing/chart", "/simulate"]
)
async def test_nobody_sees_the_protocol_without_signing_in(
    database: Database, opened: Store, protocols: Path, path: str
) -> None:
    async with console(database, opened, protocols) as stranger:
        answer = await stranger.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?then={path}")
        assert (await stranger.post("/simulate", data={"csrf": "x"})).status_code == 303


async def test_the_sections_lead_to_the_protocol_and_each_event_to_its_rules(browser: httpx.AsyncClient) -> None:
    assert {'<a href="/protocol">', '<a href="/simulate">'} <= set(
        re.findall(r'<a href="[^"]+">', (await browser.get("/")).text)
    )
    contents = (await browser.get("/protocol")).text
    events = re.findall(r'href="(/protocol/[^"]+)"', contents)
    assert len(events) > 30
    for each in events:
        assert (await browser.get(each)).status_code == 200, each


async def test_an_event_shows_its_rules_with_their_paragraphs_and_where_they_stand(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/protocol/child.reported-missing")).text
    for words in ("Police control room: missing notice", "S13, S57", "missing.yaml:", "after 15 minutes", "by webhook"):
        assert words in page, words
    drawing = await browser.get("/protocol/child.reported-missing/chart")
    assert drawing.headers["content-type"] == "image/svg+xml"
    assert "script" not in drawing.headers["content-security-policy"]
    assert drawing.text.startswith("<svg ")
    assert (await browser.get("/protocol/child.flew-away")).status_code == 404


async def test_whoever_sees_one_authority_sees_its_rules_and_no_others(
    database: Database, opened: Store, protocols: Path
) -> None:
    async with console(database, opened, protocols) as browser:
        await sign_in(browser, await account(opened, authority="kestrel"))
        for path in ("/protocol/child.reported-missing", "/protocol/child.reported-missing?authority=lapwing"):
            page = (await browser.get(path)).text
            assert "kestrel wants its head told at once" in page
            assert "lapwing" not in page
        assert "lapwing" not in (await played(browser, authority="lapwing")).text


async def test_whoever_sees_all_chooses_whose_rules(browser: httpx.AsyncClient) -> None:
    default = (await browser.get("/protocol/child.reported-missing")).text
    assert "wants its head told" not in default
    assert "?authority=lapwing" in default
    assert "lapwing wants" in (await browser.get("/protocol/child.reported-missing?authority=lapwing")).text
    assert "wants its head told" not in (await browser.get("/protocol/child.reported-missing?authority=nowhere")).text


async def test_a_story_is_played_on_the_real_rules(browser: httpx.AsyncClient, opened: Store) -> None:
    before = await _rows(opened)
    page = (await played(browser, police="silent", duty="minute", until="six")).text
    assert "Police control room</strong> is told by webhook: missing notice" in page
    assert re.search(r"\+0:15</strong>.*?is told by text: police not acknowledged", page, re.DOTALL)
    back = (await played(browser, police="silent", then="child.returned", later="half", until="six")).text
    assert "returned notice" in back
    assert "returned notice" not in page
    assert await _rows(opened) == before, "something was recorded or would be sent"


async def _rows(opened: Store) -> list[Any]:
    async with opened.engine.connect() as connection:
        outbox = await connection.scalar(text("SELECT count(*) FROM outbox"))
        return [outbox, await connection.scalar(text("SELECT count(*) FROM entries"))]


async def test_what_the_form_does_not_offer_is_named_and_not_played(browser: httpx.AsyncClient) -> None:
    answer = await played(browser, until="a year", event="child.reported-missing; rm")
    assert answer.status_code == 422
    assert "Nothing has been played yet" in answer.text
    assert answer.text.count("Choose one of the answers") == 2
    assert (await browser.post("/simulate", data={"csrf": "wrong"})).status_code == 403


def test_the_longest_story_of_each_event_ends_soon() -> None:
    library = Library(files())
    asked = story_pages.questions(library.current(DEFAULT))
    events = next(each.choices for each in asked if each.name == "event")
    usual = {each.name: each.usual for each in asked} | {"until": "week", "begins": "night"}
    assert story_pages.wrong(asked, usual) == []
    begun = time.process_time()
    for event in events:
        timeline = tell(story_pages.story(usual | {"event": event}, DEFAULT), library)
        assert len(timeline.heard) < 5000, event
    assert time.process_time() - begun < len(events)


async def test_one_authority_s_faulty_file_is_shown_and_leaves_its_last_rules_and_all_others_as_they_were(
    browser: httpx.AsyncClient, protocols: Path
) -> None:
    before = (await browser.get("/protocol/child.reported-missing?authority=kestrel")).text
    (protocols / "kestrel.yaml").write_text("authority: kestrel\nrules: [")
    after = (await browser.get("/protocol/child.reported-missing?authority=kestrel")).text
    assert "kestrel.yaml:2: " in after
    assert "are at fault and are not in force" in after
    assert re.findall("<h3>.+</h3>", after) == re.findall("<h3>.+</h3>", before)
    assert "at fault" not in (await browser.get("/protocol?authority=lapwing")).text


async def test_a_rule_that_changes_is_shown_without_a_restart(browser: httpx.AsyncClient, protocols: Path) -> None:
    path = protocols / "kestrel.yaml"
    assert "version of today" not in (await browser.get("/protocol/child.reported-missing?authority=kestrel")).text
    path.write_text(path.read_text().replace('note: "', 'note: "version of today. ', 1))
    assert "version of today" in (await browser.get("/protocol/child.reported-missing?authority=kestrel")).text
