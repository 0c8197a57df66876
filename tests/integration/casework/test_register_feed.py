"""Single rows as of their times, and a council's own files: on a real PostgreSQL, as the casework service serves them."""

import copy
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.register.keys import Decryptor
from tests.support.engines.database import Database
from tests.support.in_process.casework import ImportAuth, casework
from tests.support.in_process.register import KEYRING, authority, own_part

BEGAN = datetime(2026, 11, 27, 9, tzinfo=UTC)


class Council:
    def __init__(self, client: httpx.AsyncClient, engine: AsyncEngine, document: dict[str, Any]) -> None:
        self.client, self.engine, self.document = client, engine, document
        self.name = str(document["authority"]["id"])

    async def patch(self, table: str, *rows: dict[str, Any], **query: str) -> httpx.Response:
        return await self.client.patch(f"/register/{self.name}/{table}", json=list(rows), params=query)

    async def sheets(self, mapping: str, sheets: dict[str, str], **query: str) -> httpx.Response:
        files = [("file", (name, sheet.encode(), "text/csv")) for name, sheet in sheets.items()]
        return await self.client.post(
            f"/register/{self.name}/files", data={"mapping": mapping}, files=files, params=query
        )

    async def holds(self) -> dict[str, list[tuple[Any, ...]]]:
        """What readers can know of it, and how old it is; ids by reference, sealed columns opened."""
        asked: dict[str, str] = {
            "placements": "SELECT reference, kind, id, address AS sealed, 'placements.address' AS place, as_of FROM register.placements WHERE authority = :n",
            "people": "SELECT reference, language, id, name AS sealed, 'people.name' AS place, as_of FROM register.people WHERE authority = :n",
            "children": "SELECT c.reference, c.code, c.id, c.description AS sealed, 'children.description' AS place, c.as_of, p.reference AS home"
            " FROM register.children c LEFT JOIN register.placements p ON p.id = c.placement WHERE c.authority = :n",
            "carers": "SELECT p.reference AS home, q.reference, bool_or(c.to_at IS NULL) AS cares, max(c.as_of) AS as_of FROM register.placement_carers c"
            " JOIN register.placements p ON p.id = c.placement JOIN register.people q ON q.id = c.person WHERE p.authority = :n GROUP BY 1, 2",
        }
        async with self.engine.connect() as connection:
            keys = {
                row.owner: row.wrapped for row in await connection.execute(text("SELECT * FROM register.data_keys"))
            }

            def opened(row: Any) -> tuple[Any, ...]:
                told = row._asdict()
                if place := told.pop("place", None):
                    owner = told.pop("id")
                    told["sealed"] = Decryptor(KEYRING, owner, keys[owner]).open(told["sealed"], place)
                return tuple(told.values())

            return {
                table: sorted((opened(row) for row in await connection.execute(text(sql), {"n": self.name})), key=repr)
                for table, sql in asked.items()
            }


@pytest.fixture
async def client(database: Database, engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(casework(database, engine))
    async with httpx.AsyncClient(transport=transport, base_url="http://casework", auth=ImportAuth(engine)) as opened:
        yield opened


async def council(client: httpx.AsyncClient, engine: AsyncEngine) -> Council:
    made = Council(client, engine, await own_part(engine, authority()))
    rows: dict[str, Any] = {name: made.document[name] for name in ("authority", "sharing_agreements", "agencies")}
    old = {"as_of": (BEGAN - timedelta(days=1)).isoformat()}
    rows |= {name: [each | old for each in made.document[name]] for name in ("placements", "people", "children")}
    answer = await client.put(f"/register/{made.name}", json=rows)
    assert answer.status_code == 200, answer.text
    return made


async def test_the_newer_row_counts_whenever_it_comes(client: httpx.AsyncClient, engine: AsyncEngine) -> None:
    own = await council(client, engine)
    first: dict[str, Any] = own.document["children"][0]

    def moved(home: str | None, minute: int) -> dict[str, Any]:
        return first | {"placement": home, "as_of": (BEGAN + timedelta(minutes=minute)).isoformat()}

    late = await own.patch("children", moved("home", 30))
    assert (late.json()["changed"], late.json().get("older")) == ({"children": 1}, None)
    for again in (moved("foster", 10), moved("home", 30), moved(None, 29)):
        answer = await own.patch("children", again)
        assert (answer.status_code, answer.json()["changed"], answer.json()["older"]) == (200, {}, {"children": 1})
    whole = await client.put(f"/register/{own.name}", json={"children": [moved("foster", 20)]})
    assert whole.json()["older"] == {"children": 1}, "a file of before the feed"
    [[child, *_]] = [
        [row for row in (await own.holds())["children"] if row[0] == first["reference"] and row[-1] == "home"]
    ]
    assert child[1] == first["code"]


@pytest.mark.parametrize(
    ("table", "row", "status", "wanted"),
    [
        ("children", {"reference": "x"}, 422, "when|time at which"),
        ("children", {"reference": "x", "as_of": "2099-01-01T00:00:00Z"}, 422, "not in the future"),
        ("children", {"reference": "x", "as_of": "2026-11-27T09:00:00Z", "placement": "nowhere"}, 422, "reference of a placement"),
        ("directory", {"role": "duty.social-worker"}, 404, "placements, people, carers, children"),
    ],
)  # fmt: skip
async def test_a_row_that_cannot_be_kept_is_refused_by_name(
    client: httpx.AsyncClient, engine: AsyncEngine, table: str, row: dict[str, Any], status: int, wanted: str
) -> None:
    own = await council(client, engine)
    before = await own.holds()
    answer = await own.patch(table, row)
    assert answer.status_code == status
    assert any(each in answer.text for each in wanted.split("|"))
    assert await own.holds() == before


async def test_what_is_only_tried_changes_nothing_and_says_what_it_would(
    client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    own = await council(client, engine)
    before = await own.holds()
    now = {"as_of": BEGAN.isoformat()}
    new = {"reference": "newcomer", "description": "a grey coat", **now}
    changed = own.document["children"][0] | {"placement": "home", **now}
    told = (await own.patch("children", new, changed, **{"try": "yes"})).json()
    assert (told["tried"], "import" in told, told["held"]) == (True, False, {})
    assert told["changes"]["children"] == {"added": 1, "removed": 0, "fields": {"placement": 1}}
    assert await own.holds() == before
    assert (await own.patch("children", new, changed)).json()["changed"] == {"children": 2}
    [newcomer] = [row for row in (await own.holds())["children"] if row[0] == "newcomer"]
    assert newcomer[1] == "C3", "the first code that no child has"


ROWS = st.lists(
    st.one_of(
        st.tuples(st.just("children"), st.sampled_from([("C1",), ("C2",), ("C11",)]), st.sampled_from(["foster", "home", None])),
        st.tuples(st.just("people"), st.sampled_from([("ash",), ("resi",)]), st.sampled_from(["en", "cy"])),
        st.tuples(st.just("placements"), st.sampled_from([("foster",), ("home",)]), st.sampled_from(["foster", "residential"])),
        st.tuples(st.just("carers"), st.sampled_from([("ash", "foster"), ("ash", "home"), ("bea", "foster")]), st.booleans()),
    ),
    min_size=2, max_size=10,
)  # fmt: skip
FIELD = {"children": "placement", "people": "language", "placements": "kind", "carers": "ended"}


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(rows=ROWS, seed=st.integers(0, 1000))
async def test_any_order_of_the_same_rows_gives_the_same_register(
    client: httpx.AsyncClient, engine: AsyncEngine, rows: list[tuple[str, tuple[str, ...], Any]], seed: int
) -> None:
    other_order = list(enumerate(rows))
    random.Random(seed).shuffle(other_order)
    held = []
    for order in (list(enumerate(rows)), other_order):
        own = await council(client, engine)
        for minute, (table, key, value) in order:
            name = dict(zip(("person", "placement"), key, strict=True)) if table == "carers" else {"reference": key[0]}
            here = [each for each in own.document[table] if name.items() <= each.items()]
            row = copy.deepcopy(here[0] if here else name)
            row |= {FIELD[table]: value, "as_of": (BEGAN + timedelta(minutes=minute)).isoformat()}
            answer = await own.patch(table, row)
            assert answer.status_code == 200, answer.text
        held.append(await own.holds())
    assert held[0] == held[1]


COUNCIL = """
tables:
  people:
    - file: "foster carers*"
      fields:
        reference: { column: Carer No, prefix: carer- }
        name: [First Name, Surname]
        mobile: Mobile
        language: { column: Language, values: { English: en, Cymraeg: cy } }
"""
SHEET = "Carer No,First Name,Surname,Mobile,Language\n{rows}"


async def test_a_councils_own_file_is_tried_and_imported_and_its_faults_are_named_in_its_own_words(
    client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    own = await council(client, engine)
    wrong = SHEET.format(rows='7,Ann,"Of\nTwo Lines",07700 900123,English\n8,Bob,Example,+447700900999,Welsh\n')
    answer = await own.sheets(COUNCIL, {"Foster Carers Nov.csv": wrong})
    assert answer.status_code == 422
    [fault] = answer.json()["errors"]
    assert (fault["file"], fault["line"], fault["column"]) == ("Foster Carers Nov.csv", 4, "Language")
    assert "Cymraeg, English" in fault["wanted"]
    assert "Bob" not in answer.text
    answer = await own.sheets(COUNCIL, {"Foster Carers Nov.csv": wrong.replace("Welsh", "Cymraeg")})
    told = {(fault["line"], fault["column"], fault["reference"]) for fault in answer.json()["errors"]}
    assert told == {(2, "First Name, Surname", "carer-7"), (2, "Mobile", "carer-7")}
    right = wrong.replace("Welsh", "Cymraeg").replace("07700 900123", "").replace("Of\n", "Of ")
    before = await own.holds()
    tried = await own.sheets(COUNCIL, {"Foster Carers Nov.csv": right}, **{"try": "yes"})
    assert tried.json()["changes"] == {"people": {"added": 2, "removed": 0, "fields": {}}}
    assert await own.holds() == before
    assert (await own.sheets(COUNCIL, {"Foster Carers Nov.csv": right})).json()["changed"] == {"people": 2}
    assert ("carer-8", "cy", "Bob Example") in [row[:3] for row in (await own.holds())["people"]]
    for mapping, sheets, says in (
        (COUNCIL, {"Staff.csv": right}, "one file named foster carers*.csv is needed"),
        (COUNCIL.replace("Mobile", "Telephone"), {"Foster Carers.csv": right}, "no column Telephone"),
        ("no-such", {"Foster Carers.csv": right}, "a name of ssd"),
        (COUNCIL.replace("name:", "nome:"), {"Foster Carers.csv": right}, "people has no nome"),
    ):
        refused = await own.sheets(mapping, sheets)
        assert (refused.status_code, says in refused.json()["detail"]) == (400, True), refused.text
    twice = [("file", ("Foster Carers.csv", each.encode(), "text/csv")) for each in (right, right.partition("\n")[0])]
    refused = await own.client.post(f"/register/{own.name}/files", data={"mapping": COUNCIL}, files=twice)
    assert (refused.status_code, refused.json()["detail"]) == (400, "Each file must have a name of its own.")
