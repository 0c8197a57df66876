"""A child is reported, identified and undone at the console. On a real PostgreSQL."""

import asyncio
import copy
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from services.clock.timer import fire_due
from services.console.read_model.projections import Handlers
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.identifiers import code_of, new_id, provisional_child
from services.safeguarding.operators import OperatorRole
from services.safeguarding.working_time import ENGLAND
from tests.support.engines.database import Database
from tests.support.in_process.console import (
    account,
    browser_at,
    csrf_in,
    episode_changed,
    hear,
    heard,
    held_by_console,
    landing,
    said_by_console,
    sign_in,
    somewhere,
)
from tests.support.in_process.register import authority, load, words_kept

CLOCKS = Clocks()
HANDLERS = Handlers(CLOCKS)
CALLER = {"reporter": "Bea Example, foster carer", "reporter_telephone": "07700 900999"}


@dataclass
class Desk:
    """A duty worker's browser, at an authority with children in the register."""

    browser: httpx.AsyncClient
    document: dict[str, Any]
    children: dict[str, str]
    """By code."""

    @property
    def authority(self) -> str:
        return str(self.document["authority"]["id"])

    def number_of(self, person: str) -> str:
        return next(str(each["mobile"]) for each in self.document["people"] if each["reference"] == person)

    async def fill(self, path: str, **answers: str) -> dict[str, str]:
        page = await self.browser.get(path)
        assert page.status_code == 200, page.text
        hidden = {name: page.text.split(f'name="{name}" value="')[1].split('"')[0] for name in ("act", "seen")}
        return {"csrf": csrf_in(page)} | hidden | answers

    async def reports(self, **answers: str) -> tuple[httpx.Response, dict[str, str]]:
        form = await self.fill("/report", **CALLER | answers)
        return await self.browser.post("/report", data=form), form


@pytest.fixture
async def desk(app: FastAPI, opened: Store, database: Database, keyring: Keyring) -> AsyncIterator[Desk]:
    document, engine = authority(), database.engine("casework")
    children = await load(engine, keyring, document, CLOCKS.wall())
    await engine.dispose()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as browser:
        worker = await account(opened, OperatorRole.SOCIAL_WORKER, authority=document["authority"]["id"])
        await sign_in(browser, worker)
        yield Desk(browser, document, children)


def unknown(form: dict[str, str]) -> str:
    return provisional_child(f"report {form['act']}")


async def test_a_report_by_telephone_opens_the_episode_with_answers_to_what_police_ask(
    desk: Desk, opened: Store, database: Database, keyring: Keyring
) -> None:
    seen = CLOCKS.story() - timedelta(hours=2)
    answer, form = await desk.reports(
        child="c1",
        clothing="Red coat",
        why_worried="A man rang twice",
        done_so_far="Rang her friends",
        story="Left after tea",
        last_seen_at=f"{seen.astimezone(ENGLAND):%Y-%m-%dT%H:%M}",
    )
    again = await desk.browser.post("/report", data=form)
    assert (landing(answer), landing(again)) == (
        "/report?done=reported",
        "/report?done=again-reported",
    )
    assert "This form was sent before" in (await desk.browser.get(again.headers["location"])).text
    missing, acted = await said_by_console(opened, desk.children["C1"])
    assert (missing.content.kind, missing.content.authority) == ("child.reported-missing.v1", desk.authority)
    assert missing.content.last_seen_at == seen.replace(second=0, microsecond=0)
    assert (acted.content.act, acted.content.said) == ("reported", (missing.id,))
    kept = {each.answers: each.text for each in await words_kept(database, keyring, missing.content.words)}
    assert kept == {
        "clothing": "Red coat",
        "why_worried": "A man rang twice",
        "done_so_far": "Rang her friends",
        "reporter": CALLER["reporter"],
        "reporter_telephone": CALLER["reporter_telephone"],
        None: "Left after tea",
    }


@pytest.mark.parametrize(
    ("caller", "candidates"), [("resi", {f"C1{n}" for n in range(1, 7)}), (None, set())], ids=["a home", "nobody known"]
)
async def test_a_child_nobody_can_name_is_reported_all_the_same_from_where_the_caller_cares(
    desk: Desk, opened: Store, caller: str | None, candidates: set[str]
) -> None:
    number = desk.number_of(caller) if caller else "07700 900998"
    answer, form = await desk.reports(reporter_telephone=number)
    assert answer.status_code == 303
    missing, provisional, _ = await said_by_console(opened, unknown(form))
    assert set(missing.content.candidates) == {desk.children[each] for each in candidates}
    assert (missing.content.placement is not None) == bool(candidates)
    assert provisional.content.kind == "child.provisional.v1"


async def test_a_carer_of_one_child_need_not_say_which(
    desk: Desk, opened: Store, database: Database, keyring: Keyring
) -> None:
    changed = copy.deepcopy(desk.document)
    next(each for each in changed["children"] if each["code"] == "C2")["placement"] = "home"
    engine = database.engine("casework")
    await load(engine, keyring, changed, CLOCKS.wall())
    await engine.dispose()
    answer, _ = await desk.reports(reporter_telephone=desk.number_of("ash"))
    assert answer.status_code == 303
    missing, acted = await said_by_console(opened, desk.children["C1"])
    assert (missing.content.kind, acted.content.act) == ("child.reported-missing.v1", "reported")


async def test_a_wrong_form_says_what_is_wrong_and_keeps_what_was_typed(desk: Desk, opened: Store) -> None:
    answer, form = await desk.reports(child="C99", reporter_telephone="", clothing="Red <coat>")
    assert answer.status_code == 422
    assert "Their telephone number: this is needed" in answer.text
    answer, form = await desk.reports(child="C99", clothing="Red <coat>")
    assert (answer.status_code, "nothing has this code" in answer.text) == (422, True)
    assert "Red &lt;coat&gt;" in answer.text
    assert await said_by_console(opened, unknown(form)) == []


async def test_another_authoritys_child_has_no_code_here(desk: Desk, app: FastAPI, opened: Store) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as browser:
        await sign_in(browser, await account(opened, OperatorRole.SOCIAL_WORKER, authority="lapwing"))
        other = Desk(browser, desk.document, desk.children)
        answer, _ = await other.reports(child="C1")
        assert answer.status_code == 422


async def test_who_watches_every_authority_says_whose_child_it_is(desk: Desk, app: FastAPI, opened: Store) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as browser:
        await sign_in(browser, await account(opened))
        everybody = Desk(browser, desk.document, desk.children)
        assert (await everybody.reports(child="C2"))[0].status_code == 422
        assert (await everybody.reports(child="C2", authority=desk.authority))[0].status_code == 303
    [missing, _] = await said_by_console(opened, desk.children["C2"])
    assert missing.content.authority == desk.authority


async def missing(desk: Desk, opened: Store, child: str, *, candidates: tuple[str, ...] = ()) -> str:
    """An open episode's path."""
    opened_ = episode_changed(uuid4(), opened_at=CLOCKS.story() - timedelta(hours=1))
    mine = opened_.model_copy(update={"authority": desk.authority, "candidates": candidates})
    await hear(opened, HANDLERS, heard(mine, child))
    return f"/episodes/{mine.episode}"


@pytest.mark.parametrize("by", ["code", "reference"])
async def test_an_unknown_child_is_identified_or_joined_with_another_report_after_a_look(
    desk: Desk, opened: Store, by: str
) -> None:
    stranger, other = new_id("provisional"), new_id("provisional")
    page = await missing(desk, opened, stranger, candidates=(desk.children["C1"],))
    reference = await missing(desk, opened, other)
    named = "C1" if by == "code" else reference_of(reference)
    child = desk.children["C1"] if by == "code" else other
    path = f"{page}/acts/identified"
    assert "It may be C1." in (await desk.browser.get(path)).text
    form = await desk.fill(path, child=named, reason="Her carer recognised her")
    asked = await desk.browser.post(path, data=form)
    assert ("Is it this child?" in asked.text, "Amara" in asked.text) == (True, by == "code")
    assert await said_by_console(opened, stranger) == []
    assert len(await said_by_console(opened, child)) == (2 if by == "code" else 0), "who looked is on the record"
    assert (await desk.browser.post(path, data=form | {"confirmed": "yes"})).status_code == 303
    identified, acted = await said_by_console(opened, stranger)
    assert (identified.content.kind, identified.content.child) == ("child.identified.v1", child)
    assert acted.content.act == "identified"


def reference_of(path: str) -> str:
    return code_of(UUID(path.rsplit("/", maxsplit=1)[1]))


async def test_the_same_report_is_not_joined_with_itself(desk: Desk, opened: Store) -> None:
    page = await missing(desk, opened, new_id("provisional"))
    path = f"{page}/acts/identified"
    form = await desk.fill(path, child=reference_of(page), reason="x")
    assert (await desk.browser.post(path, data=form)).status_code == 422


async def test_what_stands_a_search_down_is_undone_within_its_minute_and_the_record_keeps_both(
    desk: Desk, opened: Store
) -> None:
    child = desk.children["C1"]
    page = await missing(desk, opened, child)
    path = f"{page}/acts/returned"
    form = await desk.fill(path, reason="Seen at the door")
    await desk.browser.post(path, data=form)
    answer = await desk.browser.post(path, data=form | {"confirmed": "yes"})
    shown = (await desk.browser.get(answer.headers["location"])).text
    assert ("you can undo it" in shown, "acts/undone" in shown, "acts/located" in shown) == (True, True, False)
    undo = await desk.fill(f"{page}/acts/undone")
    assert (await desk.browser.post(f"{page}/acts/undone", data=undo)).status_code == 303
    assert await held_by_console(opened, child) == []
    acts = [
        each.content.act for each in await said_by_console(opened, child) if each.content.kind == "operator.acted.v1"
    ]
    assert acts == ["child-revealed", "returned", "undone"]
    assert "acts/located" in (await desk.browser.get(page)).text


async def test_a_colleague_undoes_nothing_and_a_manager_only_by_name(desk: Desk, app: FastAPI, opened: Store) -> None:
    child = desk.children["C1"]
    page = await missing(desk, opened, child)
    form = await desk.fill(f"{page}/acts/returned", reason="Seen at the door")
    await desk.browser.post(f"{page}/acts/returned", data=form)
    await desk.browser.post(f"{page}/acts/returned", data=form | {"confirmed": "yes"})
    for role, may in ((OperatorRole.SOCIAL_WORKER, False), (OperatorRole.DUTY_MANAGER, True)):
        async with browser_at(app, somewhere()) as other:
            await sign_in(other, await account(opened, role, authority=desk.authority))
            shown, asked = await other.get(page), await other.get(f"{page}/acts/undone")
            assert "Recorded by Test Operator: back" in shown.text
            assert ("acts/undone" in shown.text, asked.status_code) == (may, 200 if may else 409)
            assert ("Recorded by Test Operator: back" in asked.text) is may
            listed = re.search(r'name="seen" value="([^"]*)"', asked.text)
            undo = {"csrf": csrf_in(shown), "act": str(uuid4()), "seen": listed[1] if listed else ""}
            assert (await other.post(f"{page}/acts/undone", data=undo)).status_code == (303 if may else 409)
            assert (await held_by_console(opened, child) == []) is may


async def recorded(desk: Desk, page: str, act: str) -> dict[str, str]:
    """The form that has been asked to be confirmed."""
    form = await desk.fill(f"{page}/acts/{act}", reason="Seen at the door")
    await desk.browser.post(f"{page}/acts/{act}", data=form)
    return form | {"confirmed": "yes"}


async def test_who_undoes_undoes_what_the_page_listed(desk: Desk, opened: Store) -> None:
    """And not what was recorded after it was opened."""
    child = desk.children["C1"]
    page = await missing(desk, opened, child)
    await desk.browser.post(f"{page}/acts/returned", data=await recorded(desk, page, "returned"))
    opened_before = await desk.fill(f"{page}/acts/undone")
    assert (
        await desk.browser.post(f"{page}/acts/undone", data=await desk.fill(f"{page}/acts/undone"))
    ).status_code == 303
    await desk.browser.post(f"{page}/acts/returned", data=await recorded(desk, page, "returned"))
    assert (await desk.browser.post(f"{page}/acts/undone", data=opened_before)).status_code == 409
    assert len(await held_by_console(opened, child)) == 1


async def test_a_button_that_is_pressed_twice_at_once_is_one_act(desk: Desk, opened: Store) -> None:
    child = desk.children["C1"]
    page = await missing(desk, opened, child)
    form = await recorded(desk, page, "returned")
    posts = [desk.browser.post(f"{page}/acts/returned", data=form) for _ in range(2)]
    assert [each.status_code for each in await asyncio.gather(*posts)] == [303, 303]
    assert len(await held_by_console(opened, child)) == 1


async def test_of_two_contrary_acts_at_once_one_counts(desk: Desk, opened: Store) -> None:
    child = desk.children["C1"]
    page = await missing(desk, opened, child)
    acts = {each: await recorded(desk, page, each) for each in ("returned", "report-retracted")}
    posts = [desk.browser.post(f"{page}/acts/{each}", data=form) for each, form in acts.items()]
    assert sorted([each.status_code for each in await asyncio.gather(*posts)]) == [303, 409]
    assert len(await held_by_console(opened, child)) == 1


async def test_what_was_held_about_an_unknown_child_stays_on_the_page_once_somebody_knows_which_it_is(
    desk: Desk, opened: Store
) -> None:
    nobody, child = new_id("provisional"), desk.children["C1"]
    page = await missing(desk, opened, nobody)
    form = await desk.fill(f"{page}/acts/returned", reason="Seen at the door")
    await desk.browser.post(f"{page}/acts/returned", data=form)
    await desk.browser.post(f"{page}/acts/returned", data=form | {"confirmed": "yes"})
    await hear(opened, HANDLERS, heard(ChildIdentified(authority=desk.authority, child=child), nobody))
    theirs = await missing(desk, opened, child)
    shown = (await desk.browser.get(theirs)).text
    assert ("Recorded by Test Operator: back" in shown, f"{theirs}/acts/undone" in shown) == (True, True)
    undo = await desk.fill(f"{theirs}/acts/undone")
    assert (await desk.browser.post(f"{theirs}/acts/undone", data=undo)).status_code == 303
    assert await held_by_console(opened, nobody) == []


async def test_what_was_held_goes_out_at_the_time_of_the_return_and_is_undone_no_more(
    desk: Desk, opened: Store, database: Database
) -> None:
    child = desk.children["C1"]
    page = await missing(desk, opened, child)
    path, back_at = f"{page}/acts/returned", CLOCKS.story() - timedelta(minutes=20)
    form = await desk.fill(path, reason="x", happened_at=f"{back_at.astimezone(ENGLAND):%Y-%m-%dT%H:%M}")
    await desk.browser.post(path, data=form)
    await desk.browser.post(path, data=form | {"confirmed": "yes"})
    undo = await desk.fill(f"{page}/acts/undone")
    later = Clocks(timedelta(seconds=61))
    clock = Store(database.engine("clock"), origin=Origin("clock", later))
    [returned] = await held_by_console(opened, child)
    assert returned.time == back_at.replace(second=0, microsecond=0)
    await fire_due(clock, later)
    await clock.close()
    assert (await desk.browser.post(f"{page}/acts/undone", data=undo)).status_code == 409
    assert "undone" not in {getattr(each.content, "act", "") for each in await said_by_console(opened, child)}


async def test_a_note_is_kept_with_the_case_and_sent_to_nobody(
    desk: Desk, opened: Store, database: Database, keyring: Keyring
) -> None:
    child = desk.children["C1"]
    page = await missing(desk, opened, child)
    form = await desk.fill(f"{page}/acts/noted", note="Her aunt lives in Leeds")
    assert (await desk.browser.post(f"{page}/acts/noted", data=form)).status_code == 303
    [noted] = await said_by_console(opened, child)
    assert (noted.content.act, noted.content.said) == ("noted", ())
    assert [each.text for each in await words_kept(database, keyring, noted.content.words)] == [
        "Her aunt lives in Leeds"
    ]
