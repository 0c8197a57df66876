"""What an authority owes: counts with their episodes, the inspector's list, the table Missing of the SSDA903."""

import csv
import io
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from services.console.read_model.projections import Handlers
from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events import events
from services.safeguarding.operators import OperatorRole
from services.safeguarding.roles import Role
from tests.support.engines.database import Database
from tests.support.in_process.console import (
    GUESTS,
    account,
    browser_at,
    csrf_in,
    duty_changed,
    episode_changed,
    hear,
    heard,
    said_by_console,
    settings_of,
    sign_in,
    somewhere,
    step,
)
from tests.support.in_process.register import authority, load

HANDLERS = Handlers(Clocks())
HOUR = timedelta(hours=1)


def at(day: int, hour: int, month: int = 10) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@dataclass
class Office:
    """Of one authority, whose console hears what happens."""

    browser: httpx.AsyncClient
    opened: Store
    name: str
    ids: dict[str, str]

    async def absence(
        self, code: str, start: datetime, end: datetime | None, *, state: str = "returned", status: str = "missing"
    ) -> UUID:
        episode, child = uuid4(), self.ids[code]
        changed = episode_changed(episode, state=state if end or state != "returned" else "missing", opened_at=start)
        changed = changed.model_copy(update={"authority": self.name, "returned_at": end})
        home = self.ids["foster"]
        report = events.ChildReportedMissing.model_validate(
            {"authority": self.name, "status": status, "placement": home}
        )
        told = duty_changed(episode, step(0, Role.POLICE_CONTROL_ROOM, "accepted", at=start + HOUR))
        told = told.model_copy(update={"authority": self.name})
        for content in (report, changed, told):
            await hear(self.opened, HANDLERS, heard(content, child, at=start))
        return episode

    async def record(self, event: type[events.Told], code: str, when: datetime, **more: Any) -> None:
        content = event.model_validate({"authority": self.name} | more)
        await hear(self.opened, HANDLERS, heard(content, self.ids[code], at=when))

    async def counts(self, period: str = "2026-10") -> dict[str, int]:
        page = (await self.browser.get("/returns", params={"period": period})).text
        table = page[page.index("<h2>Counts</h2>") : page.index("<h2>By home</h2>")]
        found = re.findall(r'scope="row"[^>]*>([^<]+)</th><td[^>]*>(?:<details><summary>)?(\d+)', table)
        return {name: int(number) for name, number in found}

    async def draw(self, period: str, reason: str = "Yearly return") -> httpx.Response:
        page = await self.browser.get("/returns")
        form = {"csrf": csrf_in(page), "act": str(uuid4()), "period": period, "reason": reason}
        return await self.browser.post("/returns/missing.csv", data=form)


@pytest.fixture
def app(database: Database, opened: Store) -> FastAPI:
    """In November 2026, whenever this runs."""
    clocks = Clocks(at(28, 12, month=11) - datetime.now(UTC))
    return pages(opened, clocks, Changes(opened.channels, clocks), settings_of(database), GUESTS)


@pytest.fixture
async def office(database: Database, opened: Store, app: FastAPI, keyring: Keyring) -> AsyncIterator[Office]:
    document = authority()
    engine = database.engine("casework")
    ids = await load(engine, keyring, document, datetime.now(UTC))
    await engine.dispose()
    name = str(document["authority"]["id"])
    async with browser_at(app, somewhere()) as browser:
        await sign_in(browser, await account(opened, authority=name))
        yield Office(browser, opened, name, ids)


async def test_a_count_is_of_deeds_in_time(office: Office) -> None:
    first = await office.absence("C1", at(5, 20), at(6, 8))
    await office.absence("C1", at(9, 20), at(9, 22))
    await office.absence("C2", at(9, 20) + HOUR / 2, at(10, 9), status="away-without-authorisation")
    await office.absence("C11", at(30, 23), None)
    await office.absence("C12", at(7, 7), at(7, 8), state="retracted")
    await office.absence("C13", at(30, 7, month=9), at(2, 8))
    await office.record(events.SafeAndWellCheckRecorded, "C1", at(6, 20), episode=first)
    await office.record(events.SafeAndWellCheckRecorded, "C2", at(12, 9))
    await office.record(events.ReturnInterviewRecorded, "C1", at(6, 9), state="offered", episode=first)
    await office.record(events.ReturnInterviewRecorded, "C1", at(11, 9), state="completed", covers="all-absences")
    await office.record(events.ReturnInterviewRecorded, "C2", at(10, 10), state="declined", covers="this-absence")
    assert await office.counts() == {
        "Absences that began in the period": 4,
        "Missing (M)": 3,
        "Away from placement without authorisation (A)": 1,
        "Repeats": 2,
        "Gone together": 2,
        "Back": 3,
        "Safe and well check recorded": 2,
        "Check within 24 hours": 1,
        "Return interview offered within 24 hours": 2,
        "Return interview held": 2,
        "Interview held within 72 hours": 1,
        "Interview declined": 1,
        "No interview yet": 0,
        "Not identified, counted apart": 0,
    }
    page = (await office.browser.get("/returns", params={"period": "2026-10"})).text
    assert page.count(f"/episodes/{first}") > 3
    assert re.search(r'Absences that began.*?data-label="In 2026-09">1<', page)
    assert "Amara" not in page


async def test_the_list_says_who_was_told_when_and_names_children_by_their_codes(office: Office) -> None:
    await office.absence("C1", at(5, 20), at(6, 8))
    answer = await office.browser.get("/returns/list.csv", params={"period": "2026-10"})
    [row] = csv.DictReader(io.StringIO(answer.text))
    assert (row["Child"], row["Home"], row["Missing or away"]) == ("C1", "foster", "M")
    assert (row["Began"], row["Ended"], row["Interview held"]) == ("05/10/2026 21:00", "06/10/2026 09:00", "")
    assert row["Police control room told"] == "05/10/2026 22:00"
    assert "2011" not in answer.text


async def test_the_years_table_holds_together_by_the_rules_of_councils_validators(office: Office) -> None:
    await office.absence("C1", at(30, 22, month=3), at(2, 8, month=4))
    await office.absence("C1", at(5, 20), at(5, 23) + 2 * HOUR)
    await office.absence("C1", at(6, 9), at(6, 10), status="away-without-authorisation")
    await office.absence("C2", at(7, 9), None, state="closed")
    await office.absence("C2", at(30, 23), None)
    await office.absence("C11", at(31, 20, month=3).replace(year=2027), at(2, 8, month=4).replace(year=2027))
    answer = await office.draw("2026")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.text.splitlines()[0] == "CHILD,DOB,MISSING,MIS_START,MIS_END"
    assert [(row["CHILD"], row["MISSING"], row["MIS_START"], row["MIS_END"]) for row in rows] == [
        ("C1", "M", "30/03/2026", "02/04/2026"),
        ("C1", "M", "05/10/2026", "06/10/2026"),
        ("C1", "A", "06/10/2026", "06/10/2026"),
        ("C11", "M", "31/03/2027", ""),
        ("C2", "M", "07/10/2026", "07/10/2026"),
        ("C2", "M", "30/10/2026", ""),
    ]
    assert {row["DOB"] for row in rows} == {"04/03/2011"}


async def test_each_child_whose_id_is_drawn_has_it_on_record_with_the_reason(office: Office) -> None:
    await office.absence("C1", at(5, 20), at(6, 8))
    assert (await office.draw("2026-10", reason="")).status_code == 400
    assert await said_by_console(office.opened, office.ids["C1"]) == []
    await office.draw("2026-10")
    looked, acted = [each.content for each in await said_by_console(office.opened, office.ids["C1"])]
    assert (looked.purpose, looked.fields) == ("statutory-return", ("child.reference", "child.date_of_birth"))
    assert (acted.act, len(acted.words)) == ("return-drawn", 1)


async def test_the_absences_of_a_child_that_was_given_away_since_are_still_owed(
    office: Office, database: Database, keyring: Keyring
) -> None:
    await office.absence("C1", at(5, 20), at(6, 8))
    document, engine = authority(), database.engine("casework")
    await load(engine, keyring, document, datetime.now(UTC))
    moved = {"child": office.ids["C1"], "former": office.name, "to": document["authority"]["id"]}
    async with engine.begin() as connection:
        for statement in (
            "UPDATE register.children SET authority = :to, reference = id, code = 'C99' WHERE id = :child",
            "INSERT INTO casework.transferred (authority, reference, child, at) VALUES (:former, 'C1', :child, now())",
        ):
            await connection.execute(text(statement), moved)
    await engine.dispose()
    [row] = csv.DictReader(io.StringIO((await office.draw("2026-10")).text))
    assert (row["CHILD"], row["MIS_START"]) == ("C1", "05/10/2026")


async def test_one_form_that_draws_two_periods_is_on_the_record_of_each(office: Office) -> None:
    await office.absence("C1", at(30, 20, month=9), at(6, 8))
    form = {"csrf": csrf_in(await office.browser.get("/returns")), "act": str(uuid4()), "reason": "Yearly return"}
    for period in ("2026-09", "2026-10", "2026-10"):
        await office.browser.post("/returns/missing.csv", data=form | {"period": period})
    drawn = [each.content.kind for each in await said_by_console(office.opened, office.ids["C1"])]
    assert drawn.count("operator.acted.v1") == 2


async def test_a_reference_that_looks_like_a_formula_is_none_in_a_sheet(office: Office, database: Database) -> None:
    await office.absence("C1", at(5, 20), at(6, 8))
    engine, named = database.engine("casework"), {"home": office.ids["foster"], "child": office.ids["C1"]}
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE register.placements SET reference = '=1+1' WHERE id = :home"), named)
        await connection.execute(text("UPDATE register.children SET reference = '@SUM(A1)' WHERE id = :child"), named)
    await engine.dispose()
    listed = await office.browser.get("/returns/list.csv", params={"period": "2026-10"})
    [row], [drawn] = (csv.DictReader(io.StringIO(each.text)) for each in (listed, await office.draw("2026-10")))
    assert (row["Home"], drawn["CHILD"]) == ("'=1+1", "'@SUM(A1)")


async def test_an_account_of_another_authority_sees_and_draws_nothing(
    office: Office, app: FastAPI, opened: Store
) -> None:
    episode = await office.absence("C1", at(5, 20), at(6, 8))
    async with browser_at(app, somewhere()) as browser:
        await sign_in(browser, await account(opened, authority="lapwing"))
        other = Office(browser, opened, "lapwing", {})
        assert str(episode) not in (await browser.get("/returns", params={"period": "2026-10"})).text
        assert len((await browser.get("/returns/list.csv", params={"period": "2026-10"})).text.splitlines()) == 1
        assert len((await other.draw("2026-10")).text.splitlines()) == 1
    assert await said_by_console(opened, office.ids["C1"]) == []


@pytest.mark.parametrize("role", [OperatorRole.OPERATOR, OperatorRole.AUDITOR])
async def test_who_may_not_reveal_a_child_draws_no_table(app: FastAPI, opened: Store, role: OperatorRole) -> None:
    async with browser_at(app, somewhere()) as browser:
        await sign_in(browser, await account(opened, role))
        page = await browser.get("/returns")
        assert "Draw the table" not in page.text
        assert (await browser.post("/returns/missing.csv", data={"csrf": csrf_in(page)})).status_code == 403


@pytest.mark.parametrize("period", ["2026-13", "october", "0", "99999-01"])
async def test_a_period_that_is_none_is_not_found(office: Office, period: str) -> None:
    assert (await office.browser.get("/returns", params={"period": period})).status_code == 404


@pytest.mark.parametrize(("period", "status"), [("2025-06", 200), ("2025-05", 410), ("2025", 410)])
async def test_a_period_whose_reports_are_gone_is_refused_with_the_reason(
    office: Office, period: str, status: int
) -> None:
    answers = [await office.browser.get(path, params={"period": period}) for path in ("/returns", "/returns/list.csv")]
    answers.append(await office.draw(period))
    assert [each.status_code for each in answers] == [status] * 3
    assert ["18 months" in each.text for each in answers] == [status == 410] * 3


async def test_a_table_that_the_department_would_refuse_is_drawn_by_who_has_seen_why(office: Office) -> None:
    await office.absence("C1", at(5, 20), at(8, 8))
    await office.absence("C1", at(7, 20), at(9, 8))
    seen = await office.draw("2026-10")
    assert "text/html" in seen.headers["content-type"]
    assert "574" in seen.text
    assert "It starts while the one before goes on" in seen.text
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', seen.text.partition("Draw it all the same")[0]))
    drawn = await office.browser.post("/returns/missing.csv", data=fields)
    assert len(list(csv.DictReader(io.StringIO(drawn.text)))) == 2
    kinds = [each.content.kind for each in await said_by_console(office.opened, office.ids["C1"])]
    assert kinds.count("operator.acted.v1") == 1
