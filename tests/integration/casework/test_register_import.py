"""`PUT /register/...` on a real PostgreSQL: every bad row named, nothing half-applied."""

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.options.register_upkeep.policy.register_import import MOST_FAULTS
from tests.support.engines.database import Database
from tests.support.in_process.casework import ImportAuth, casework
from tests.support.in_process.register import KEYRING, SECRET, authority, enter, fresh_number, parts


class Desk:
    """Whoever imports the register."""

    def __init__(self, client: httpx.AsyncClient, engine: AsyncEngine) -> None:
        self.client = client
        self.engine = engine

    async def put(self, document: dict[str, Any]) -> httpx.Response:
        """After the operator has entered its force and its agency."""
        entered, own = parts(document)
        await enter(self.engine, KEYRING, entered)
        return await self.put_own(own)

    async def put_own(self, document: dict[str, Any]) -> httpx.Response:
        return await self.client.put(f"/register/{document['authority']['id']}", json=document)

    async def put_sheet(self, name: str, table: str, rows: list[dict[str, Any]]) -> httpx.Response:
        sheet = io.StringIO()
        writer = csv.DictWriter(sheet, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        headers = {"content-type": "text/csv; charset=utf-8"}
        return await self.client.put(f"/register/{name}/{table}", content=sheet.getvalue().encode(), headers=headers)

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with self.engine.connect() as connection:
            return list(await connection.execute(text(query), values))

    async def count(self, table: str, name: str) -> int:
        (row,) = await self.rows(f"SELECT count(*) FROM register.{table} WHERE authority = :n", n=name)
        return int(row[0])


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    engine = database.engine("casework")
    app = casework(database, engine)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://casework", auth=ImportAuth(engine)
    ) as client:
        yield Desk(client, engine)
    await engine.dispose()


async def test_a_whole_authority_is_imported_and_counted(desk: Desk) -> None:
    document = authority()
    answer = await desk.put(document)
    assert answer.status_code == 200
    tables = {name: len(rows) for name, rows in parts(document)[1].items() if name != "authority"}
    told = answer.json()
    assert (told["authority"], told["rows"]) == (document["authority"]["id"], tables)
    assert told["changed"] == tables | {"authority": 1}


async def test_importing_the_same_again_keeps_every_id_and_adds_nothing(desk: Desk) -> None:
    document = authority()
    name = document["authority"]["id"]
    await desk.put(document)
    query = "SELECT id FROM register.{} WHERE authority = :n ORDER BY id"
    before = [await desk.rows(query.format(table), n=name) for table in ("children", "people", "placements")]
    links = "SELECT pc.placement, pc.person, pc.from_at, pc.to_at FROM register.placement_carers pc JOIN register.placements p ON p.id = pc.placement WHERE p.authority = :n"
    carers = sorted(map(str, await desk.rows(links, n=name)))
    assert (await desk.put(document)).status_code == 200
    assert [await desk.rows(query.format(table), n=name) for table in ("children", "people", "placements")] == before
    assert sorted(map(str, await desk.rows(links, n=name))) == carers
    assert await desk.count("directory", name) == len(document["directory"])


@pytest.mark.parametrize("field", ["date_of_birth", "subject_to_immigration_control", "guardian_allocated"])
async def test_each_child_whose_record_moves_duties_is_said_to_have_changed_and_no_other(
    desk: Desk, field: str
) -> None:
    document = authority()
    name = document["authority"]["id"]
    await desk.put(document)
    said = "SELECT key FROM casework.outbox JOIN register.children c ON c.id = key WHERE c.authority = :n"
    assert len(await desk.rows(said, n=name)) == len(document["children"])
    await desk.put(document)
    assert len(await desk.rows(said, n=name)) == len(document["children"]), "nothing has changed"
    first = document["children"][0]
    first[field] = "2012-09-17" if field == "date_of_birth" else not first.get(field)
    await desk.put(document)
    (child,) = await desk.rows(
        "SELECT id FROM register.children WHERE authority = :n AND reference = :r",
        n=name,
        r=document["children"][0]["reference"],
    )
    keys = [row.key for row in await desk.rows(said, n=name)]
    assert (len(keys), keys.count(child.id)) == (len(document["children"]) + 1, 2)


async def test_where_everything_is_wrong_the_first_faults_are_enough(desk: Desk) -> None:
    name = authority()["authority"]["id"]
    answer = await desk.client.put(f"/register/{name}", json={"people": [{}] * 2000, "children": [0] * 2000})
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == MOST_FAULTS
    assert {each["table"] for each in answer.json()["errors"]} == {"people"}


async def test_every_bad_row_is_named_and_nothing_is_applied(desk: Desk) -> None:
    document = authority()
    document["people"][2]["mobile"] = "07700 900123"
    document["people"][3]["name"] = ""
    document["children"][1]["date_of_birth"] = "04/03/2011"
    document["children"][2]["placement"] = "no-such-placement"
    document["directory"][0]["person"] = "nobody"
    document["placements"][0]["kind"] = "castle"
    answer = await desk.put(document)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    named = {(each["table"], each["row"], each["reference"], each["field"]) for each in answer.json()["errors"]}
    assert {
        ("people", 3, "resi", "mobile"),
        ("people", 4, "day", "name"),
        ("children", 2, "C2", "date_of_birth"),
        ("placements", 1, "foster", "kind"),
        ("children", 3, "C11", "placement"),
        ("directory", 1, "", "person"),
    } <= named
    assert all(each["wanted"] for each in answer.json()["errors"])
    for secret in ("07700 900123", "04/03/2011", "castle"):
        assert secret not in answer.text
    assert await desk.rows("SELECT id FROM register.authorities WHERE id = :n", n=document["authority"]["id"]) == []


@pytest.mark.parametrize(
    ("table", "row", "changes", "field"),
    [
        ("people", 1, {"mobile": "same"}, "mobile"),
        ("children", 1, {"code": "C1"}, "code"),
        ("children", 1, {"reference": "C1"}, ""),
        ("children", 0, {"code": "seventeen"}, "code"),
        ("children", 0, {"entered_care_at": "2026-11-20T10:00:00"}, "entered_care_at"),
        ("children", 0, {"entered_care_at": "0001-01-01T00:00:00Z"}, "entered_care_at"),
        ("children", 0, {"date_of_birth": "0001-01-01"}, "date_of_birth"),
        ("children", 0, {"claimed_date_of_birth": "9999-12-31"}, "claimed_date_of_birth"),
        ("children", 0, {"nickname": "Ama"}, "nickname"),
        ("children", 0, {"unaccompanied": "perhaps"}, "unaccompanied"),
        ("children", 0, {"name": "a\u0000b"}, "name"),
        ("directory", 0, {"role": "duty.worker"}, "role"),
        ("directory", 0, {"child": "C1"}, "child"),
        ("directory", 0, {"days": "weekdays"}, "days"),
        ("directory", 0, {"from": "25:00"}, "from"),
        ("directory", 0, {"order": 0}, "order"),
        ("agencies", 0, {"types": ["missing"]}, "types.0"),
        ("agencies", 0, {"id": "no-such-agency"}, "id"),
        ("agencies", 0, {"secrets": [SECRET]}, "secrets"),
        ("sharing_agreements", 0, {"fields": ["child.nickname"]}, "fields.0"),
        ("sharing_agreements", 0, {"force": "no-such-force"}, "force"),
        ("sharing_agreements", 0, {"from": None}, "from"),
        ("people", 0, {"email": "siân.owen@ysgol.cymru"}, "email"),
        ("placements", 0, {"force": "no-such-force"}, "force"),
        ("carers", 0, {"person": "nobody"}, "person"),
    ],
)
async def test_a_fault_is_named_with_its_field(
    desk: Desk, table: str, row: int, changes: dict[str, Any], field: str
) -> None:
    entered, document = parts(authority())
    await enter(desk.engine, KEYRING, entered)
    if changes == {"mobile": "same"}:
        changes = {"mobile": document["people"][0]["mobile"]}
    document[table][row] |= changes
    answer = await desk.put_own(document)
    assert answer.status_code == 422
    assert (table, row + 1, field) in {(each["table"], each["row"], each["field"]) for each in answer.json()["errors"]}


async def test_a_table_that_is_not_given_stays_as_it_was(desk: Desk) -> None:
    document = authority()
    name = document["authority"]["id"]
    await desk.put(document)
    answer = await desk.put({"authority": document["authority"], "people": document["people"][:1]})
    assert answer.json()["rows"] == {"people": 1}
    assert await desk.count("directory", name) == len(document["directory"])
    assert await desk.count("people", name) == len(document["people"])


async def test_an_authoritys_own_periods_come_with_it_within_what_is_allowed(desk: Desk) -> None:
    document = authority()
    document["authority"]["retention"] = {"texts-in": 29}
    [fault] = (await desk.put(document)).json()["errors"]
    assert (fault["field"], fault["wanted"]) == ("retention", "texts-in: 30 to 2557 days are allowed")
    document["authority"]["retention"] = {"texts-in": 200}
    assert (await desk.put(document)).status_code == 200
    kept = "SELECT retention FROM register.authorities WHERE id = :n"
    assert [row[0] for row in await desk.rows(kept, n=document["authority"]["id"])] == [{"texts-in": 200}]


async def test_one_table_comes_as_a_sheet(desk: Desk) -> None:
    document = authority()
    name = document["authority"]["id"]
    await desk.put(document)
    rows = [
        {
            "reference": "C1",
            "code": "C1",
            "name": "Linh Tran",
            "known_as": "Lin|Lili",
            "date_of_birth": "",
            "unaccompanied": "yes",
        },
        {
            "reference": "C99",
            "code": "C99",
            "name": "",
            "known_as": "",
            "date_of_birth": "2012-02-29",
            "unaccompanied": "",
        },
    ]
    answer = await desk.put_sheet(name, "children", rows)
    assert (answer.json()["rows"], answer.json()["changed"]) == ({"children": 2}, {"children": 2})
    query = "SELECT adult_on, unaccompanied FROM register.children WHERE authority = :n AND reference = :r"
    assert [tuple(row) for row in await desk.rows(query, n=name, r="C1")] == [(None, True)]
    ((adult_on, unaccompanied),) = await desk.rows(query, n=name, r="C99")
    assert (adult_on.isoformat(), unaccompanied) == ("2030-03-01", None)


async def test_a_sheets_bad_rows_are_named_and_nothing_is_applied(desk: Desk) -> None:
    document = authority()
    name = document["authority"]["id"]
    await desk.put(document)
    rows = [
        {"reference": "new-1", "name": "Jo", "mobile": fresh_number()},
        {"reference": "new-2", "name": "Sam", "mobile": "12345"},
    ]
    answer = await desk.put_sheet(name, "people", rows)
    assert [(each["table"], each["row"], each["reference"], each["field"]) for each in answer.json()["errors"]] == [
        ("people", 2, "new-2", "mobile")
    ]
    assert await desk.count("people", name) == len(document["people"])


@pytest.mark.parametrize(
    "sheet",
    [
        b"",
        b"reference,nickname\nx,y\n",
        b"reference,reference\nx,y\n",
        b"reference,name\nonly-one\n",
        b'reference,name\n"x,y\n',
        b"\xff",
    ],
    ids=["empty", "unknown field", "twice", "uneven", "open quotation", "not UTF-8"],
)
async def test_a_sheet_that_cannot_be_read_says_why(desk: Desk, sheet: bytes) -> None:
    document = authority()
    await desk.put(document)
    path = f"/register/{document['authority']['id']}/people"
    answer = await desk.client.put(path, content=sheet, headers={"content-type": "text/csv"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


async def test_a_sheet_for_an_authority_that_nobody_imported_is_refused(desk: Desk) -> None:
    answer = await desk.put_sheet("nowhere", "people", [{"reference": "x", "name": "X"}])
    assert (answer.status_code, answer.json()["errors"][0]["table"]) == (422, "authority")


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"authorization": ""}, b"{}", 401),
        ({"authorization": "Bearer another"}, b"{}", 401),
        ({"authorization": "Basic token-of-b"}, b"{}", 401),
        ({"content-type": "text/csv"}, b"{}", 415),
        ({}, b"{", 400),
        ({}, b"[]", 400),
        ({}, b"[" * 2000, 400),
        ({}, b"\xff", 400),
        ({}, b'{"people": {}}', 422),
        ({}, b'{"people": [3, null, []]}', 422),
        ({}, b'{"castles": []}', 422),
        ({}, b'{"authority": {"id": "b", "name": "B"}}', 422),
    ],
)
async def test_a_request_that_cannot_be_taken_is_answered_as_what_it_is(
    desk: Desk, headers: dict[str, str], body: bytes, status: int
) -> None:
    answer = await desk.client.put("/register/a", content=body, headers={"content-type": "application/json"} | headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_a_table_that_does_not_exist_is_not_found(desk: Desk) -> None:
    answer = await desk.client.put("/register/a/castles", content=b"", headers={"content-type": "text/csv"})
    assert answer.status_code == 404
    assert "people" in answer.json()["detail"]


def with_successor(document: dict[str, Any]) -> dict[str, Any]:
    """Ivy cares in the home with the mobile that Ash had. Ash is no longer among the people that the file names."""
    ash, *others = document["people"]
    people = [*others, {**ash, "reference": "ivy", "name": "Ivy Example"}]
    return document | {"people": people, "carers": [*document["carers"], {"person": "ivy", "placement": "home"}]}


async def test_a_number_that_another_carer_of_the_register_has_is_refused_by_its_row(desk: Desk) -> None:
    document = authority()
    await desk.put(document)
    after = with_successor(document)
    answer = await desk.put(after)
    assert answer.status_code == 422
    [fault] = answer.json()["errors"]
    assert (fault["table"], fault["row"], fault["reference"], fault["field"]) == (
        "people",
        len(after["people"]),
        "ivy",
        "mobile",
    )
    assert fault["wanted"].startswith("ash of the register has this number")
    assert after["people"][-1]["mobile"] not in answer.text
    assert await desk.count("people", document["authority"]["id"]) == len(document["people"])


async def test_a_successor_may_have_the_number_of_who_has_left(desk: Desk) -> None:
    document = authority()
    await desk.put(document)
    after = with_successor(document)
    after["carers"] = [each for each in after["carers"] if each["person"] != "ash"]
    assert (await desk.put(after)).status_code == 200


@pytest.mark.parametrize("table", ["carers", "directory"])
async def test_who_has_left_does_not_come_back_with_a_successor_s_number(desk: Desk, table: str) -> None:
    document = authority()
    name = document["authority"]["id"]
    await desk.put(document)
    after = with_successor(document)
    after["carers"] = [each for each in after["carers"] if each["person"] != "ash"]
    assert (await desk.put(after)).status_code == 200
    rows = {
        "carers": [*after["carers"], {"person": "ash", "placement": "foster"}],
        "directory": [*document["directory"], {**document["directory"][0], "person": "ash"}],
    }
    answer = await desk.put(after | {"people": [], table: rows[table]})
    assert answer.status_code == 422
    assert (table, len(rows[table]), "ash", "person") in {
        (each["table"], each["row"], each["reference"], each["field"]) for each in answer.json()["errors"]
    }
    assert await desk.count("directory", name) == len(document["directory"])


async def test_what_the_register_holds_already_keeps_out_no_import_that_does_not_touch_it(
    desk: Desk, database: Database
) -> None:
    document = authority()
    name = document["authority"]["id"]
    await desk.put(document)
    engine = database.engine("casework")
    async with engine.begin() as connection:
        same = "UPDATE register.people SET number_hash = (SELECT number_hash FROM register.people WHERE authority = :n AND reference = 'ash') WHERE authority = :n AND reference = 'bea'"
        await connection.execute(text(same), {"n": name})
    await engine.dispose()
    assert (await desk.put({"authority": document["authority"], "forces": document["forces"]})).status_code == 200


@pytest.mark.parametrize("half", ["\ud800", "a\udfff"])
async def test_half_a_character_is_a_fault_that_is_named_by_its_row(desk: Desk, half: str) -> None:
    document = authority()
    document["children"][0]["reference"] = half
    content = json.dumps(document)
    headers = {"content-type": "application/json"}
    answer = await desk.client.put(f"/register/{document['authority']['id']}", content=content, headers=headers)
    assert answer.status_code == 422
    assert ("children", 1, "reference") in [
        (each["table"], each["row"], each["field"]) for each in answer.json()["errors"]
    ]


async def test_an_authority_of_no_possible_name_is_none(desk: Desk) -> None:
    for path in ("/register/%00", "/register/%00/children", "/register/a/children%00"):
        answer = await desk.client.put(path, json={})
        assert answer.status_code == 404
