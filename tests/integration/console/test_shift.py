"""The shift's page: who is on call, and changes that the next message honours. On a real PostgreSQL."""

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from services.console.read_model.projections import Handlers
from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.options.own_accounts.option import OPTION as OWN
from services.platform.register import directory
from services.platform.register.child import missing_now
from services.platform.register.directory import lock_register
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Reader
from services.platform.store.unit_of_work import Store
from services.safeguarding.deeds import Fault
from services.safeguarding.identifiers import code_of
from services.safeguarding.operators import OperatorActed, OperatorRole
from services.safeguarding.roles import Role
from services.safeguarding.working_time import in_england
from tests.support.engines.database import Database
from tests.support.in_process.casework import casework, import_bearer
from tests.support.in_process.console import (
    account,
    browser_at,
    csrf_in,
    episode_changed,
    hear,
    heard,
    landing,
    said_by_console,
    settings_of,
    sign_in,
    somewhere,
)
from tests.support.in_process.register import authority, fresh_number, load, number_of, parts

CLOCKS = Clocks()


@dataclass
class Desk:
    browser: httpx.AsyncClient
    document: dict[str, Any]
    name: str
    ids: dict[str, str]
    database: Database

    async def act(self, act_: str, **form: str) -> httpx.Response:
        page = await self.browser.get(f"/shift/acts/{act_}")
        return await self.browser.post(f"/shift/acts/{act_}", data={"csrf": csrf_in(page), "act": str(uuid4())} | form)

    async def holders(self, role: Role, service: str = "professionals", child: str | None = None) -> list[str]:
        engine = self.database.engine(service)
        async with engine.connect() as connection:
            asked = directory.role_holders(
                role, authority=self.name, child=child, person=None, at=CLOCKS.story() + timedelta(seconds=1)
            )
            found = await Reader(connection).fetch(asked)
        await engine.dispose()
        reference_of = {id_: reference for reference, id_ in self.ids.items()}
        return [reference_of[each.person] for each in found]

    def set_number(self, person: str, number: str) -> None:
        next(row for row in self.document["people"] if row["reference"] == person)["mobile"] = number

    async def imports(self) -> dict[str, list[str]]:
        """As casework does. Which corrections it keeps."""
        engine = self.database.engine("casework")
        bearer = await import_bearer(engine, self.name)
        async with browser_at(casework(self.database, engine), somewhere()) as client:
            answer = await client.put(f"/register/{self.name}", json=parts(self.document)[1], headers=bearer)
        await engine.dispose()
        kept: dict[str, list[str]] = answer.json().get("corrections_kept", {})
        return kept


def local(ahead: timedelta) -> str:
    """As a browser's field for a day and time sends it."""
    return in_england(CLOCKS.story() + ahead).strftime("%Y-%m-%dT%H:%M")


HOUR = timedelta(hours=1)


@pytest.fixture
async def desk(database: Database, opened: Store, app: FastAPI, keyring: Keyring) -> AsyncIterator[Desk]:
    """Of a duty manager. Boss is on duty at any hour."""
    document = authority()
    engine = database.engine("casework")
    ids = await load(engine, keyring, document, CLOCKS.wall())
    await engine.dispose()
    name = str(document["authority"]["id"])
    async with browser_at(app, somewhere()) as browser:
        await sign_in(browser, await account(opened, authority=name))
        yield Desk(browser, document, name, ids, database)


async def test_the_page_says_who_is_on_call_and_how_to_ring_them(desk: Desk) -> None:
    page = (await desk.browser.get("/shift")).text
    number = number_of(desk.document, "boss")
    assert "Boss Example" in page
    assert f'<a href="tel:{number}">{number}</a>' in page
    assert "Amara" not in page


async def test_without_the_exchange_the_page_says_who_is_on_call_and_offers_no_change(
    desk: Desk, opened: Store, database: Database
) -> None:
    await desk.act("leave-entered", person=desk.ids["day"], until=local(HOUR))
    bare = pages(opened, CLOCKS, Changes(opened.channels, CLOCKS), settings_of(database), [OWN.pages["console"]])
    async with browser_at(bare, somewhere()) as browser:
        await sign_in(browser, await account(opened, authority=desk.name))
        page = (await browser.get("/shift")).text
        assert "Boss Example" in page
        assert f'href="tel:{number_of(desk.document, "boss")}"' in page
        assert "on leave" in page
        assert "/shift/acts" not in page
        assert "/calendars" not in page
        assert (await browser.get("/shift/acts/leave-entered")).status_code == 404


async def test_a_role_that_nobody_holds_is_in_red_and_the_day_team_off_at_night_is_not(desk: Desk) -> None:
    for person in ("day", "deputy"):
        await desk.act("leave-entered", person=desk.ids[person], until=local(HOUR))
    page = (await desk.browser.get("/shift")).text
    assert "off: emergency duty team has it" in page
    assert 'class="tag bad">Nobody' not in page
    await desk.act("leave-entered", person=desk.ids["night"], until=local(HOUR))
    assert (await desk.browser.get("/shift")).text.count('class="tag bad">Nobody') == 2


@pytest.mark.parametrize("role", [OperatorRole.OPERATOR, OperatorRole.AUDITOR])
async def test_who_never_rings_sees_no_number_and_may_change_nothing(
    desk: Desk, app: FastAPI, opened: Store, role: OperatorRole
) -> None:
    async with browser_at(app, somewhere()) as browser:
        await sign_in(browser, await account(opened, role, authority=desk.name))
        page = await browser.get("/shift")
        assert "Boss Example" in page.text
        assert number_of(desk.document, "boss") not in page.text
        refused = await browser.post("/shift/acts/shift-covered", data={"csrf": csrf_in(page)})
        assert refused.status_code == 403


async def test_an_account_of_another_authority_sees_and_changes_nobody(desk: Desk, app: FastAPI, opened: Store) -> None:
    cover = {"taker": desk.ids["night"], "place": f"{desk.ids['boss']} duty.senior-manager", "until": local(HOUR)}
    async with browser_at(app, somewhere()) as browser:
        await sign_in(browser, await account(opened, authority="lapwing"))
        page = await browser.get("/shift")
        assert "Boss Example" not in page.text
        answer = await browser.post(
            "/shift/acts/shift-covered", data={"csrf": csrf_in(page), "act": str(uuid4())} | cover
        )
        assert answer.status_code == 422
    assert await desk.holders(Role.DUTY_SENIOR_MANAGER) == ["boss"]


@pytest.mark.parametrize("service", ["professionals", "carers", "strategy"])
async def test_who_takes_over_is_told_in_place_of_the_other_until_it_ends(desk: Desk, service: str) -> None:
    cover = {"taker": desk.ids["night"], "place": f"{desk.ids['boss']} duty.senior-manager", "until": local(HOUR)}
    assert landing(await desk.act("shift-covered", **cover)) == "/shift?done=shift-covered"
    assert await desk.holders(Role.DUTY_SENIOR_MANAGER, service) == ["night"]
    page = await desk.browser.get("/shift")
    assert "in place of Boss Example" in page.text
    [change] = re.findall(r'name="change" value="([^"]+)"', page.text)
    assert (await desk.act("rota-change-ended", change=change)).status_code == 303
    assert await desk.holders(Role.DUTY_SENIOR_MANAGER, service) == ["boss"]


async def test_who_is_on_leave_is_asked_in_no_role_and_the_next_is(desk: Desk) -> None:
    child = desk.ids["C1"]
    assert await desk.holders(Role.CHILD_SOCIAL_WORKER, child=child) == ["worker"]
    await desk.act("leave-entered", person=desk.ids["worker"], until=local(HOUR))
    assert await desk.holders(Role.CHILD_SOCIAL_WORKER, child=child) == []
    cover = {"taker": desk.ids["boss"], "place": f"{desk.ids['worker']} child.social-worker", "until": local(HOUR)}
    await desk.act("shift-covered", **cover)
    assert await desk.holders(Role.CHILD_SOCIAL_WORKER, child=child) == ["boss"]


async def test_a_social_worker_ends_cover_and_no_leave_of_a_manager(desk: Desk, app: FastAPI, opened: Store) -> None:
    cover = {"taker": desk.ids["night"], "place": f"{desk.ids['boss']} duty.senior-manager", "until": local(HOUR)}
    await desk.act("shift-covered", **cover)
    await desk.act("leave-entered", person=desk.ids["day"], until=local(HOUR))
    theirs = re.findall(r'name="change" value="([^"]+)"', (await desk.browser.get("/shift")).text)
    async with browser_at(app, somewhere()) as browser:
        await sign_in(browser, await account(opened, OperatorRole.SOCIAL_WORKER, authority=desk.name))
        page = await browser.get("/shift")
        mine = re.findall(r'name="change" value="([^"]+)"', page.text)
        assert (len(theirs), len(mine), mine[0].endswith(desk.ids["night"])) == (2, 1, True)
        for change in theirs:
            end = {"csrf": csrf_in(page), "act": str(uuid4()), "change": change}
            answer = await browser.post("/shift/acts/rota-change-ended", data=end)
            assert answer.status_code == (303 if change in mine else 422)


async def test_an_added_shift_goes_before_the_weekly_rota(desk: Desk) -> None:
    await desk.act("shift-added", person=desk.ids["day"], role="duty.senior-manager", until=local(HOUR))
    assert await desk.holders(Role.DUTY_SENIOR_MANAGER) == ["day", "boss"]


async def test_a_swap_is_two_changes_and_one_act(desk: Desk, opened: Store) -> None:
    form = {
        "taker": desk.ids["night"],
        "place": f"{desk.ids['boss']} duty.senior-manager",
        "until": local(HOUR),
        "back_from": local(2 * HOUR),
        "back_until": local(3 * HOUR),
        "act": str(uuid4()),
    }
    for _ in range(2):
        assert (await desk.act("shift-covered", **form)).status_code == 303
    page = (await desk.browser.get("/shift")).text
    assert page.count("in place of Boss Example") == 1
    assert page.count("in place of Night Example") == 1
    [acted] = await said_by_console(opened, desk.ids["night"])
    assert isinstance(acted.content, OperatorActed)
    assert (acted.content.act, acted.content.authority) == ("shift-covered", desk.name)


async def test_a_shift_is_handed_over_with_what_is_open_and_accepted(desk: Desk, app: FastAPI, opened: Store) -> None:
    episode, child, night, handlers = uuid4(), desk.ids["C1"], desk.ids["night"], Handlers(CLOCKS)
    changed = episode_changed(episode).model_copy(update={"authority": desk.name})
    await hear(opened, handlers, heard(changed, child))
    page = await desk.browser.get("/shift/acts/shift-handed-over")
    assert f"C1 ({code_of(episode)}): missing" in page.text
    form = {"csrf": csrf_in(page), "act": str(uuid4()), "to": night, "hand_over": "C1: her aunt rings at nine"}
    for _ in range(2):
        assert (await desk.browser.post("/shift/acts/shift-handed-over", data=form)).status_code == 303
    [handed, acted] = await said_by_console(opened, night)
    assert (handed.content.kind, acted.content.kind) == ("shift.handed-over.v1", "operator.acted.v1")
    assert "aunt" not in handed.content.model_dump_json()
    await hear(opened, handlers, handed)
    shift = (await desk.browser.get("/shift")).text
    assert "nobody has accepted it yet" in shift
    assert "her aunt rings at nine" in shift
    async with browser_at(app, somewhere()) as other:
        await sign_in(other, await account(opened, authority="lapwing"))
        theirs = await other.get("/shift")
        assert "her aunt" not in theirs.text
        refused = {"csrf": csrf_in(theirs), "act": str(uuid4()), "to": night}
        assert (await other.post("/shift/acts/shift-accepted", data=refused)).status_code == 422
    assert (await desk.act("shift-accepted", to=night)).status_code == 303
    accepted = next(each for each in await said_by_console(opened, night) if each.content.kind == "shift.accepted.v1")
    await hear(opened, handlers, accepted)
    assert "Accepted by Test Operator" in (await desk.browser.get("/shift")).text


async def test_who_comes_on_is_told_how_many_children_are_missing(desk: Desk, opened: Store) -> None:
    for child, state in (("C1", "missing"), ("C2", "located"), ("C11", "returned")):
        changed = episode_changed(uuid4(), state=state).model_copy(update={"authority": desk.name})
        await hear(opened, Handlers(CLOCKS), heard(changed, desk.ids[child]))
    engine = desk.database.engine("professionals")
    async with engine.connect() as connection:
        assert await Reader(connection).fetch(missing_now(desk.name)) == 2
        assert await Reader(connection).fetch(missing_now("lapwing")) == 0
    await engine.dispose()


async def test_a_number_put_right_counts_at_once_and_an_import_keeps_it_until_its_source_agrees(
    desk: Desk,
) -> None:
    old, new = number_of(desk.document, "night"), fresh_number()
    assert (await desk.act("contact-corrected", person=desk.ids["night"], mobile=f"0{new[3:]}")).status_code == 303
    assert new in (await desk.browser.get("/shift")).text
    assert (await desk.imports()) == {"night": ["mobile"]}
    assert new in (await desk.browser.get("/shift")).text
    desk.set_number("night", new)
    assert (await desk.imports()) == {}
    desk.set_number("night", old)
    assert (await desk.imports()) == {}
    assert new not in (await desk.browser.get("/shift")).text


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("mobile", "boss", "somebody else has this number"),
        ("mobile", "night team", "that is not a valid number or address"),
        ("email", "night at kestrel", "that is not a valid number or address"),
        ("email", "", "this is needed"),
    ],
)
async def test_a_number_of_somebody_else_or_none_at_all_is_refused(
    desk: Desk, field: str, value: str, fault: str
) -> None:
    value = number_of(desk.document, value) if value == "boss" else value
    answer = await desk.act("contact-corrected", person=desk.ids["night"], **{field: value})
    assert (answer.status_code, fault in answer.text.lower()) == (422, True)
    assert number_of(desk.document, "night") in (await desk.browser.get("/shift")).text


async def test_a_calendar_is_shown_first_then_entered_and_a_later_one_takes_its_place(desk: Desk) -> None:
    def event(name: str, ahead: int) -> str:
        start = f"{CLOCKS.story() + ahead * HOUR:%Y%m%dT%H%M00Z}"
        return f"BEGIN:VEVENT\r\nSUMMARY:{name}\r\nDTSTART:{start}\r\nDURATION:PT30M\r\nEND:VEVENT\r\n"

    async def read(*events: str, **more: str) -> httpx.Response:
        text = f"BEGIN:VCALENDAR\r\n{''.join(events)}END:VCALENDAR\r\n"
        return await desk.act("calendar-read", role="duty.senior-manager", calendar=text, **more)

    first = [event("Night Example", 0), event("Night Example", 2), event("Nobody at all", 3)]
    shown = (await read(*first)).text
    assert ("Nobody at all" in shown, shown.count('data-label="Who">Night Example')) == (True, 2)
    assert await desk.holders(Role.DUTY_SENIOR_MANAGER) == ["boss"], "nothing is entered yet"
    for _ in range(2):
        assert (await read(*first, confirmed="yes")).status_code == 303
    assert await desk.holders(Role.DUTY_SENIOR_MANAGER) == ["night", "boss"]
    assert (await desk.browser.get("/shift")).text.count("senior manager on call, added") == 2
    assert (await read(event("Day Example", 0), first[1], confirmed="yes")).status_code == 303
    assert await desk.holders(Role.DUTY_SENIOR_MANAGER) == ["day", "boss"]
    assert (await read(event("Nobody at all", 0), confirmed="yes")).status_code == 200, "nothing to enter"
    assert await desk.holders(Role.DUTY_SENIOR_MANAGER) == ["day", "boss"]


async def test_whoever_has_a_calendars_link_sees_that_rota_and_nothing_else(desk: Desk, app: FastAPI) -> None:
    page = (await desk.browser.get("/shift")).text
    links = re.findall(r'href="(/calendars/[^"]+)">([^<]+)<', page)
    assert not [each for each, _ in links if desk.ids["boss"] in each or "Boss" in each or "manager" in each]
    async with browser_at(app, somewhere()) as anybody:
        of_boss = await anybody.get(next(link for link, name in links if name == "Boss Example"))
        assert of_boss.headers["content-type"].startswith("text/calendar")
        assert "SUMMARY:On call: senior manager on call" in of_boss.text
        assert [
            each for each in ("C1", "Amara", "Night Example", number_of(desk.document, "boss")) if each in of_boss.text
        ] == []
        link = links[0][0]
        forged = link[:-5] + ("0" if link[-5] != "0" else "1") + ".ics"
        for wrong in (forged, link.replace(desk.name, "lapwing"), f"/calendars/{desk.name}/x.ics"):
            assert (await anybody.get(wrong)).status_code == 404


async def test_a_calendars_link_is_withdrawn_by_itself_and_only_by_who_may_change_the_rota(
    desk: Desk, app: FastAPI
) -> None:
    async def links() -> dict[str, str]:
        page = (await desk.browser.get("/shift")).text
        return {name: link for link, name in re.findall(r'href="(/calendars/[^"]+)">([^<]+)<', page)}

    before = await links()
    form = {"csrf": csrf_in(await desk.browser.get("/shift")), "authority": desk.name, "whose": desk.ids["boss"]}
    assert (await desk.browser.post("/shift/calendars", data=form | {"authority": "lapwing"})).status_code == 404
    assert await links() == before
    assert (await desk.browser.post("/shift/calendars", data=form)).status_code == 303
    after = await links()
    assert [name for name in before if before[name] != after[name]] == ["Boss Example"]
    async with browser_at(app, somewhere()) as anybody:
        for link, status in ((before["Boss Example"], 404), (after["Boss Example"], 200)):
            assert (await anybody.get(link)).status_code == status


async def test_a_number_that_was_hashed_by_the_key_before_is_somebody_elses_too(desk: Desk, opened: Store) -> None:
    newer = b64encode(b"n" * 32).decode()
    keys = Keyring(b64encode(b"m" * 32).decode(), f"{newer}\n{b64encode(b'p' * 32).decode()}")
    ways = {"mobile": number_of(desk.document, "boss")}
    async with opened.transaction() as uow:
        faults = await directory.correct(uow, keys, desk.name, desk.ids["night"], ways, "account", CLOCKS.story())
    assert faults == {"mobile": Fault.TAKEN}


async def test_a_correction_waits_for_an_import_that_has_read_those_before(desk: Desk, opened: Store) -> None:
    """Else the import would write the old number over it, and the next would find that its source agrees."""
    keys = Keyring(b64encode(b"m" * 32).decode(), b64encode(b"p" * 32).decode())

    async def correct() -> dict[str, Fault]:
        async with opened.transaction() as uow:
            ways = {"email": "night.new@example.org"}
            return await directory.correct(uow, keys, desk.name, desk.ids["night"], ways, "account", CLOCKS.story())

    async with opened.transaction() as importing:
        await lock_register(importing, desk.name)
        correcting = asyncio.create_task(correct())
        await asyncio.sleep(0.3)
        assert not correcting.done()
    assert await correcting == {}


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"until": local(-HOUR)}, "choose a time in the future"),
        ({"until": ""}, "this is needed"),
        ({"from": local(2 * HOUR)}, "it must end after it starts"),
        ({"taker": "boss"}, "choose one of those offered"),
        ({"back_from": local(2 * HOUR)}, "this is needed"),
    ],
)
async def test_a_form_names_its_fault_and_changes_nothing(desk: Desk, wrong: dict[str, str], fault: str) -> None:
    form = {
        "taker": desk.ids["night"],
        "place": f"{desk.ids['boss']} duty.senior-manager",
        "until": local(HOUR),
    } | wrong
    form["taker"] = desk.ids.get(form["taker"], form["taker"])
    answer = await desk.act("shift-covered", **form)
    assert (answer.status_code, fault in answer.text.lower()) == (422, True)
    assert await desk.holders(Role.DUTY_SENIOR_MANAGER) == ["boss"]
