"""A person is given everything that is held about them, as it was put in, and nobody else's name or number."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import typer
from fastapi import FastAPI
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from services.console.policy.access import Operator
from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.holdings.commands import subject_access
from services.holdings.subject_access import NEXT_FILE, RECORDED, UNTIL_AGREED, Pack, SubjectAccess, mount
from services.options.own_accounts.option import OPTION as OWN
from services.platform.register.keys import data_keys
from services.platform.runtime.clocks import Clocks
from services.platform.store.disposal import holdings
from services.platform.store.encryption import Keyring
from services.platform.store.query import AT_LOGIN
from services.platform.store.unit_of_work import Store
from services.safeguarding.operators import OperatorRole
from tests.support.engines.database import Database
from tests.support.histories.holdings import AT, Year, envelope, masked_as, without_labels
from tests.support.in_process.console import (
    account,
    browser_at,
    csrf_in,
    said_by_console,
    settings_of,
    sign_in,
    somewhere,
)
from tests.support.in_process.operators import CodedOperators, set_service
from tests.support.in_process.register import authority, load, number_of

CLOCKS = Clocks()
OF_DOCUMENT = {
    *("register.children", "register.people", "register.placements"),
    *("register.placement_carers", "register.directory"),
}
OF_ADULTS = {
    *("register.corrections", "register.rota_changes", "carers.texts_in", "carers.enrolments", "console.contacts"),
    *("console.sessions", "console.known_devices", "console.accounts"),
}


@dataclass
class Kestrel:
    """An authority of its own, with somebody who may give people what is held."""

    database: Database
    store: Store
    keyring: Keyring
    document: dict[str, Any]
    ids: dict[str, str]
    sign_in: str
    account: str

    @property
    def name(self) -> str:
        return str(self.document["authority"]["id"])

    @property
    def others(self) -> list[str]:
        return [*self.ids.values(), self.account]

    async def give(self, subject: str, *, act: UUID | None = None, of: str = "") -> Pack | None:
        operator = Operator(self.account, "Gus Grant", OperatorRole.DUTY_MANAGER, frozenset([of or self.name]))
        access = SubjectAccess(self.store, CLOCKS, self.keyring)
        return await access.give(operator, subject, act or uuid4(), "she asked on Monday")

    def year(self, subject: str, linked: dict[str, Any]) -> Year:
        number = number_of(self.document, "bea")
        told = f"Yusuf Okafor hit her, said Bea Example, {number}, bea@kestrel.example"
        masked = "[name] [name] hit her, said [name] [name], [number], [address]"
        return Year(self.database, self.keyring, subject, linked, told, masked)


@pytest.fixture
async def kestrel(database: Database, opened: Store, keyring: Keyring) -> Kestrel:
    document, engine = authority(), database.engine("casework")
    document["children"][1]["name"], document["children"][1]["known_as"] = "Yusuf Okafor", []
    ids = await load(engine, keyring, document, CLOCKS.wall())
    name = await account(opened, authority=document["authority"]["id"], name="Gus Grant")
    async with opened.engine.connect() as connection:
        found = await connection.exec_driver_sql(
            "SELECT account FROM accounts WHERE sign_in = %(name)s", {"name": name}
        )
        who = found.scalar_one()
    await engine.dispose()
    return Kestrel(database, opened, keyring, document, ids, name, who)


def administered(database: Database, sql: str, row: dict[str, Any]) -> None:
    with psycopg.connect(database.admin_url, autocommit=True, options=AT_LOGIN) as admin:
        admin.execute(sql.encode(), row)


def of_child(kestrel: Kestrel) -> Year:
    child, person = kestrel.ids["C1"], kestrel.ids["bea"]
    undone, imported, delivery, discussion, duty = (uuid4() for _ in range(5))
    unnamed = f"provisional-{uuid4()}"
    year = kestrel.year(child, {
        "child": child, "subject": child, "chain": child, "provisional": unnamed, "person": person, "said_by": person,
        "account": kestrel.account, "authority": kestrel.name, "delivery": delivery, "delivery.deliveries.id": delivery,
        "discussion": discussion, "register.words.about": child, "register.words.id": f"words-{uuid4()}", "key_owner": child, "casework.imports.id": imported,
        "import": imported, "undoes": undone, "identifies": None, "provider": None, "exercise": False,
        "carers.questions.about": "return", "carers.claims.kind": "return", "carers.standings.police": "have-it",
        "police.episodes.state": "missing", "strategy.discussions.state": "held", "form": "full", "reply": "accepted",
        "delivery.deliveries.state": "accepted", "media_type": "image/png", "picture": b"\x89PNG\x00\xff",
        "protocol.cases.state": '{"missing": true}', "console.acts.what": "informed",
    })  # fmt: skip
    told = {"authority": kestrel.name, "steps": [{"step": 0, "role": "police.control-room"}], "duty": str(duty)}
    contents = {
        "console.episodes": told,
        "console.duties": told,
        "console.entries": told | {"account": kestrel.account},
    }
    with psycopg.connect(kestrel.database.admin_url, options=AT_LOGIN) as admin:
        wrapped = admin.execute("SELECT owner, wrapped FROM register.data_keys WHERE owner = %s", [child]).fetchone()
    former = kestrel.keyring.unwrap(*wrapped).close(year.told, "children.description")  # type: ignore[misc]
    administered(
        kestrel.database,
        "INSERT INTO casework.imports (id, authority, actor, at, tables) VALUES (%(id)s, %(authority)s, 'feed', %(at)s, '{}')",
        {"id": undone, "authority": kestrel.name, "at": AT},
    )
    for table, holding in reversed(holdings().items()):
        if holding.about is None or table in OF_DOCUMENT | OF_ADULTS | {"audit.entries", "casework.import_changes"}:
            continue
        more: dict[str, Any] = {"content": Jsonb(contents[table])} if table in contents else {}
        if table == "deadlines.due":
            more = {"envelope": envelope("rule.due.v1", {"authority": kestrel.name}, AT)}
        year.add(table, **more)
    year.add("carers.texts_in", about=[child], number_hash=uuid4().bytes, key_owner=child, flaw=None)
    year.put["carers.texts_in"][0]["sender"] = year.put["carers.texts_in"][0]["sender"].replace(year.told, year.masked)
    changed: dict[str, Any] = {"table_name": "children", "key": Jsonb({"id": child}), "fields": ["description"]}
    year.add("casework.import_changes", **changed, before=Jsonb({"description": f"\\x{former.hex()}"}))
    year.put["casework.import_changes"][0]["before"] = {"description": year.masked}
    year.put["delivery.deliveries"][0]["recipient"] = "[somebody else's]"
    year.put["protocol.cases"][0]["state"] = {"missing": True}
    looked = uuid4()
    said: list[tuple[str, dict[str, Any], UUID | None]] = [
        ("message.decided.v1", {"duties": [told]}, None),
        ("deliveries.attempted.v1", {"attempts": [
            {"duty": str(duty), "step": 0, "medium": "webhook", "result": "accepted", "looked_up": ["children.name"]},
            {"duty": str(duty), "step": 0, "medium": "webhook", "result": "retry"},
        ]}, None),
        ("operator.acted.v1", {"account": kestrel.account, "role": "duty-manager", "said": [str(looked)]}, None),
        ("register.looked-up.v1", {"purpose": "console", "fields": ["children.description"]}, looked),
        ("strategy-discussion.held.v1", {"corrects_event": str(uuid4())}, None),
        ("child.returned.v1", {"channel": "text", "words": [year.linked["register.words.id"]]}, None),
    ]  # fmt: skip
    for position, (kind, data, id_) in enumerate(said, 1):
        at = AT + timedelta(days=60 * position)
        year.add("audit.entries", position=position, envelope=envelope(kind, data, at, id_=id_))
    return year


async def test_a_child_is_given_each_field_that_was_put_in_over_a_year(kestrel: Kestrel) -> None:
    year = of_child(kestrel)
    pack = await kestrel.give(kestrel.ids["C1"])
    assert pack is not None
    given = {each["table"]: list(each["rows"]) for each in pack.held}
    others = [each for each in kestrel.others if each != year.subject]
    assert [
        each.pop("came by") for each in given["register.words"] if each["id"] == year.linked["register.words.id"]
    ] == ["text"]
    own_act = {"account": "[someone]", "what": "subject-access-given"}
    given["console.acts"] = [each for each in given["console.acts"] if each["what"] != own_act["what"]]
    given["register.words"] = [each for each in given["register.words"] if each["words"] != "she asked on Monday"]
    for table, rows in year.put.items():
        expected = sorted(masked_as(each, *others) for each in rows)
        assert sorted(map(without_labels, given.pop(table))) == expected, table
    assert set(given) == OF_DOCUMENT - {"register.people"}
    [who], [home], [role] = given["register.children"], given["register.placements"], given["register.directory"]
    document = kestrel.document["children"][0]
    same = (
        "reference",
        "code",
        "name",
        "sex",
        "language",
        "description",
        "date_of_birth",
        "age_disputed",
        "unaccompanied",
    )
    assert {name: who[name] for name in same} == {name: document[name] for name in same}
    assert (who["known_as"], who["subject_to_immigration_control"]) == ('["Ama"]', True)
    assert (home["address"], home["kind"]) == ("4 Mill Lane", "foster")
    assert [each["person"] for each in given["register.placement_carers"]] != []
    assert role["role"] == "child.social-worker"


async def test_nobody_else_is_named_in_it_nor_their_number(kestrel: Kestrel) -> None:
    of_child(kestrel)
    pack = await kestrel.give(kestrel.ids["C1"])
    assert pack is not None
    said = pack.as_json()
    people = [value for each in kestrel.document["people"] for value in (each["mobile"], each["email"], each["name"])]
    theirs = [*people, "Yusuf", "Okafor", "Gus Grant", *(each for each in kestrel.others if each != kestrel.ids["C1"])]
    homes = {kestrel.ids["foster"], kestrel.ids["home"]}
    assert [each for each in theirs if each in said and each not in homes] == []
    assert "Amara C1 Diallo" in said


async def test_it_says_to_whom_something_was_given_and_what_was_put_right(kestrel: Kestrel) -> None:
    of_child(kestrel)
    pack = await kestrel.give(kestrel.ids["C1"])
    assert pack is not None
    assert [(each["to"], each["by"], each["fields"]) for each in pack.given] == [
        ("police.control-room", "webhook", ["children.name"]),
        ("[duty-manager 1]", "looked up", ["children.description"]),
    ]
    assert {each["lasts"] for each in pack.corrections} == {NEXT_FILE, RECORDED}


async def test_a_carer_is_given_what_they_texted_and_no_child_is_named(kestrel: Kestrel) -> None:
    ash, child, number = kestrel.ids["ash"], kestrel.ids["C1"], number_of(kestrel.document, "ash")
    digest = kestrel.keyring.number_hash(number)
    owner = f"number-{digest.hex()}"
    engine = kestrel.database.engine("casework")
    async with engine.begin() as connection:
        await data_keys(connection, kestrel.keyring, [owner])
    await engine.dispose()
    year = kestrel.year(ash, {
        "person": ash, "in_place_of": kestrel.ids["bea"], "number_hash": digest, "authority": kestrel.name, "key_owner": None,
        "flaw": None, "away": True, "register.corrections.field": "mobile", "said_by": ash, "register.words.about": child,
    })  # fmt: skip
    year.told, year.masked = f"Amara left, {number}", f"[name] left, {number}"
    for table in ("register.corrections", "carers.enrolments", "console.contacts"):
        year.add(table)
    year.add("register.rota_changes", from_at=AT, to_at=AT + timedelta(days=1))
    year.add("carers.texts_in", owner=owner)
    year.add("register.words", owner=child)
    pack = await kestrel.give(ash)
    assert pack is not None
    given = {each["table"]: list(each["rows"]) for each in pack.held}
    for table, rows in year.put.items():
        shown = [each for each in given[table] if each.get("words") != "she asked on Monday"]
        shown = [{name: value for name, value in each.items() if name != "came by"} for each in shown]
        assert list(map(without_labels, shown)) == [masked_as(each, kestrel.ids["bea"]) for each in rows], table
    [person] = given["register.people"]
    assert (person["name"], person["mobile"], person["email"]) == ("Ash Example", number, "ash@kestrel.example")
    assert {each["lasts"] for each in pack.corrections} == {UNTIL_AGREED}
    assert child not in pack.as_json()


async def test_what_came_from_a_number_of_two_authorities_is_given_by_neither(kestrel: Kestrel) -> None:
    """It may be about the other's children, whose names nobody masks here."""
    ash, number = kestrel.ids["ash"], number_of(kestrel.document, "ash")
    digest, document = kestrel.keyring.number_hash(number), authority()
    document["people"][0]["mobile"] = number
    engine = kestrel.database.engine("casework")
    await load(engine, kestrel.keyring, document, CLOCKS.wall())
    async with engine.begin() as connection:
        await data_keys(connection, kestrel.keyring, [f"number-{digest.hex()}"])
    await engine.dispose()
    year = kestrel.year(ash, {"number_hash": digest, "key_owner": None, "flaw": None})
    year.add("carers.texts_in", owner=f"number-{digest.hex()}")
    pack = await kestrel.give(ash)
    assert pack is not None
    assert "carers.texts_in" not in {each["table"] for each in pack.held}


async def test_somebody_with_an_account_is_given_when_they_signed_in(kestrel: Kestrel) -> None:
    year = kestrel.year(kestrel.account, {"account": kestrel.account})
    year.add("console.sessions")
    year.add("console.known_devices")
    pack = await kestrel.give(kestrel.account)
    assert pack is not None
    given = {each["table"]: list(each["rows"]) for each in pack.held}
    assert given["console.sessions"] == year.put["console.sessions"]
    assert given["console.known_devices"] == year.put["console.known_devices"]
    assert [each["name"] for each in given["console.accounts"]] == ["Gus Grant"]


async def test_without_an_act_of_the_last_hour_the_database_gives_nothing(kestrel: Kestrel) -> None:
    act, child = uuid4(), kestrel.ids["C1"]
    assert await kestrel.give(child, act=act) is not None
    rows = "SELECT count(*) FROM holdings.held(%(act)s)"
    async with kestrel.store.engine.connect() as connection:
        assert (await connection.exec_driver_sql(rows, {"act": act})).scalar_one() > 0
        assert (await connection.exec_driver_sql(rows, {"act": uuid4()})).scalar_one() == 0
    administered(
        kestrel.database, "UPDATE console.acts SET at = at - interval '61 minutes' WHERE act = %(act)s", {"act": act}
    )
    async with kestrel.store.engine.connect() as connection:
        assert (await connection.exec_driver_sql(rows, {"act": act})).scalar_one() == 0


async def test_by_the_form_that_another_has_sent_nobody_is_given_anything(kestrel: Kestrel) -> None:
    act, child = uuid4(), kestrel.ids["C1"]
    assert await kestrel.give(child, act=act) is not None
    assert await replace(kestrel, account=f"account-{uuid4()}").give(child, act=act) is None
    assert await kestrel.give(kestrel.ids["C2"], act=act) is None


async def test_nobody_is_given_what_another_authority_holds(kestrel: Kestrel) -> None:
    assert await kestrel.give(kestrel.ids["C1"], of="lapwing") is None
    assert await said_by_console(kestrel.store, kestrel.ids["C1"]) == []


@pytest.fixture
async def browser(database: Database, kestrel: Kestrel) -> AsyncIterator[httpx.AsyncClient]:
    app: FastAPI = pages(
        kestrel.store,
        CLOCKS,
        Changes(kestrel.store.channels, CLOCKS),
        settings_of(database),
        [mount, OWN.pages["console"]],
    )
    async with browser_at(app, somewhere()) as browser:
        await sign_in(browser, kestrel.sign_in)
        yield browser


@pytest.mark.parametrize("copy", ["page", "file"])
async def test_it_is_asked_for_at_the_console_with_a_reason_on_the_record(
    browser: httpx.AsyncClient, kestrel: Kestrel, copy: str
) -> None:
    of_child(kestrel)
    child = kestrel.ids["C1"]
    path = f"/subject-access/{child}"
    form = await browser.get(path)
    fields = {"csrf": csrf_in(form), "act": str(uuid4()), "copy": copy, "reason": ""}
    refused = await browser.post(path, data=fields)
    assert refused.status_code == 422
    assert await said_by_console(kestrel.store, child) == []
    given = await browser.post(path, data=fields | {"reason": "asked by letter"})
    assert given.status_code == 200
    assert "Amara C1 Diallo" in given.text
    assert "Yusuf" not in given.text
    if copy == "file":
        assert [
            row["name"]
            for each in json.loads(given.text)["held"]
            if each["table"] == "register.children"
            for row in each["rows"]
        ] == ["Amara C1 Diallo"]
    looked, acted = await said_by_console(kestrel.store, child)
    assert (looked.content.purpose, acted.content.act) == ("subject-access", "subject-access-given")
    assert acted.content.words
    await browser.post(path, data=fields | {"reason": "asked by letter"})
    assert len(await said_by_console(kestrel.store, child)) == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_whoever_asks_has_shown_of_late_who_they_are(
    browser: httpx.AsyncClient, kestrel: Kestrel, method: str
) -> None:
    ago = "UPDATE console.sessions SET proved_at = proved_at - interval '31 minutes' WHERE account = %(account)s"
    administered(kestrel.database, ago, {"account": kestrel.account})
    answer = await browser.request(method, f"/subject-access/{kestrel.ids['C1']}")
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in/again")


@pytest.mark.parametrize("role", [each for each in OperatorRole if each is not OperatorRole.DUTY_MANAGER])
async def test_only_a_duty_manager_may(browser: httpx.AsyncClient, kestrel: Kestrel, role: OperatorRole) -> None:
    await sign_in(browser, await account(kestrel.store, role, authority=kestrel.name))
    assert (await browser.get(f"/subject-access/{kestrel.ids['C1']}")).status_code == 403


async def test_whoever_the_operator_may_not_see_is_not_there(browser: httpx.AsyncClient) -> None:
    assert (await browser.get(f"/subject-access/child-{uuid4()}")).status_code == 404


@pytest.mark.parametrize("role", ["duty-manager", "operator"])
async def test_the_command_writes_the_same_to_a_file(
    database: Database, kestrel: Kestrel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    set_service("console", database, monkeypatch)
    operators, file, child = CodedOperators(database, role), tmp_path / "pack.json", kestrel.ids["C1"]
    app = typer.Typer()
    app.command()(subject_access)
    asked = [child, "--to", str(file), "--why", "by letter", "--code", operators.names[0]]
    done = await asyncio.to_thread(CliRunner().invoke, app, asked)
    if role == "operator":
        assert (done.exit_code, file.exists()) == (2, False)
        return
    assert done.exit_code == 0, done.output
    held = {each["table"]: each["rows"] for each in json.loads(file.read_text())["held"]}
    assert [each["name"] for each in held["register.children"]] == ["Amara C1 Diallo"]
    assert file.stat().st_mode & 0o077 == 0
    assert [each.content.kind for each in await said_by_console(kestrel.store, child)] == [
        "register.looked-up.v1",
        "operator.acted.v1",
    ]


async def test_the_command_gives_nothing_to_an_account_without_an_authority(
    database: Database, kestrel: Kestrel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_service("console", database, monkeypatch)
    operators, file, app = CodedOperators(database, "duty-manager"), tmp_path / "pack.json", typer.Typer()
    of_none = """
        UPDATE console.accounts SET authorities = '{}'
        WHERE account = (SELECT account FROM console.sessions WHERE token_hash = sha256(%(code)s))
    """
    administered(database, of_none, {"code": operators.names[0].encode()})
    app.command()(subject_access)
    asked = [kestrel.ids["C1"], "--to", str(file), "--why", "by letter", "--code", operators.names[0]]
    done = await asyncio.to_thread(CliRunner().invoke, app, asked)
    assert (done.exit_code, file.exists()) == (2, False)
