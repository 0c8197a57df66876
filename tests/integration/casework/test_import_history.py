"""Every import is on the record and can be undone; one that would end much is held; what is old is shown as old."""

import copy
from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any, LiteralString
from uuid import UUID

import httpx
import psycopg
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.options.register_upkeep import history
from services.options.register_upkeep.history import CannotUndo, last_imports, undo_by_code
from services.options.register_upkeep.monitor import forget_replaced, show_ages
from services.platform.messages.envelope import read
from services.platform.register.police_notice import facts_for_notice
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Reader, scalar
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.duty.decisions import RegisterImported
from tests.support.engines.database import Database
from tests.support.in_process.casework import AHEAD, ImportAuth, casework, import_bearer
from tests.support.in_process.register import authority, fresh_number, own_part

CLOCKS = Clocks(AHEAD)
DAYS_LATER = timedelta(days=4, minutes=-10)
TABLES = {
    "authorities": "t.id = :n",
    "placements": "t.authority = :n",
    "people": "t.authority = :n",
    "children": "t.authority = :n",
    "directory": "t.authority = :n",
    "placement_carers": "t.placement IN (SELECT id FROM register.placements WHERE authority = :n)",
    "sharing_agreements": "t.authority = :n",
    "agency_agreements": "t.authority = :n",
    "corrections": "t.person IN (SELECT id FROM register.people WHERE authority = :n)",
}


class Council:
    """One authority that imports its register."""

    def __init__(
        self, client: httpx.AsyncClient, engine: AsyncEngine, database: Database, document: dict[str, Any]
    ) -> None:
        self.client, self.engine, self.database = client, engine, database
        self.store = Store(engine, origin=Origin("casework", CLOCKS))
        self.document = document
        self.name = str(self.document["authority"]["id"])

    async def put(self, document: dict[str, Any], **query: str) -> httpx.Response:
        return await self.client.put(f"/register/{self.name}", json=document, params=query)

    async def imported(self, document: dict[str, Any], **query: str) -> UUID:
        answer = await self.put(document, **query)
        assert answer.status_code == 200, answer.text
        return UUID(answer.json()["import"])

    async def rows(self) -> dict[str, list[str]]:
        """Every byte of the authority's rows, but for when they were confirmed."""
        async with self.engine.connect() as connection:
            return {
                table: sorted(
                    await connection.scalars(
                        text(f"SELECT CAST(to_jsonb(t) - 'as_of' AS text) FROM register.{table} t WHERE {where}"),
                        {"n": self.name},
                    )
                )
                for table, where in TABLES.items()
            }

    async def undo(self, imported: UUID, *, leave: bool = False, of: str | None = None) -> UUID:
        """In the name of a duty manager of every authority, or of one."""
        admin = self.database.engine("console")
        async with admin.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO accounts (account, sign_in, name, role, authorities, password_seal, made_at) "
                    "VALUES (:account, 'ada', 'Ada', 'duty-manager', ARRAY[:of], 'x', now()) "
                    "ON CONFLICT (account) DO UPDATE SET authorities = ARRAY[:of]"
                ),
                {"account": f"account-{UUID(int=0)}", "of": of or "all"},
            )
            await connection.execute(
                text(
                    "INSERT INTO sessions (token_hash, account, begun_at, used_at, proved_at, for_command) "
                    "VALUES (sha256('a code'), :account, 'infinity', now(), now(), true) ON CONFLICT DO NOTHING"
                ),
                {"account": f"account-{UUID(int=0)}"},
            )
        await admin.dispose()
        async with self.store.transaction() as uow:
            return await undo_by_code(uow, imported, "a code", CLOCKS.story(), leave=leave)

    def change(self, statement: LiteralString, **values: Any) -> None:
        """As the administrator."""
        with psycopg.connect(self.database.admin_url) as connection:
            connection.execute(statement, {"n": self.name} | values)

    async def fed(self, token: str) -> None:
        """One of its people, by a credential of its own."""
        bearer = await import_bearer(self.engine, self.name, token=f"{token} of {self.name}")
        row = self.document["people"][0] | {"as_of": CLOCKS.story().isoformat()}
        answer = await self.client.patch(f"/register/{self.name}/people", json=[row], headers=bearer)
        assert answer.status_code == 200, answer.text

    async def age(self) -> timedelta:
        """What is shown of its people a day later."""
        await show_ages(Store(self.engine), Clocks(AHEAD + timedelta(days=1)))
        shown = REGISTRY.get_sample_value("register_age_seconds", {"authority": self.name, "table": "people"})
        assert shown is not None
        return timedelta(seconds=shown)

    async def said(self) -> list[RegisterImported]:
        async with self.engine.connect() as connection:
            envelopes = await connection.scalars(
                text("SELECT envelope FROM casework.outbox WHERE key = :k ORDER BY position"),
                {"k": f"register-{self.name}"},
            )
            return [read(bytes(each)).content for each in envelopes]  # type: ignore[misc]


@pytest.fixture
async def council(database: Database) -> AsyncIterator[Council]:
    engine = database.engine("casework")
    app = casework(database, engine)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://casework", auth=ImportAuth(engine)) as client:
        yield Council(client, engine, database, await own_part(engine, authority()))
    await engine.dispose()


def changed(document: dict[str, Any]) -> dict[str, Any]:
    """With a change of every kind in every table that can be undone."""
    new = copy.deepcopy(document)
    new["authority"]["duty_line"] = "+441632960199"
    new["placements"][0]["address"] = "7 New Street"
    new["placements"].append(new["placements"][0] | {"reference": "third"})
    new["people"][0]["mobile"] = fresh_number()
    new["people"].append({"reference": "new", "name": "New Example", "mobile": fresh_number()})
    new["carers"] = [
        {"person": "ash", "placement": "foster"},
        {"person": "new", "placement": "third"},
        {"person": "resi", "placement": "home"},
    ]
    new["children"][0]["date_of_birth"] = "2012-01-01"
    new["children"][1]["placement"] = "third"
    new["children"].append(new["children"][0] | {"reference": "C99", "code": "C99"})
    new["directory"][0]["order"] = 3
    new["directory"].pop()
    new["agencies"][0]["verifies"] = False
    new["sharing_agreements"] = [new["sharing_agreements"][0] | {"reference": "new", "fields": ["report"]}]
    return new


async def test_undo_restores_every_byte_that_the_import_changed_and_can_itself_be_undone(council: Council) -> None:
    first = await council.imported(council.document)
    before = await council.rows()
    second = await council.imported(changed(council.document))
    after = await council.rows()
    assert all(before[table] != after[table] for table in TABLES if table != "corrections")
    undoing = await council.undo(second)
    assert await council.rows() == before
    await council.undo(undoing)
    assert await council.rows() == after
    with pytest.raises(CannotUndo, match="undone already"):
        await council.undo(second)
    async with council.store.read() as reader:
        last = await reader.fetch(last_imports(council.name, 20))
    assert [each.id for each in last][-2:] == [second, first]


async def test_children_may_swap_their_codes_and_an_undoing_swaps_them_back(council: Council) -> None:
    await council.imported(council.document)
    before = await council.rows()
    new = copy.deepcopy(council.document)
    one, two = new["children"][:2]
    one["code"], two["code"] = two["code"], one["code"]
    swapped = await council.imported(new)
    assert (await council.rows())["children"] != before["children"]
    await council.undo(swapped)
    assert await council.rows() == before


async def test_the_record_names_table_row_and_field_and_the_event_no_value(council: Council) -> None:
    await council.imported(council.document)
    council.document["people"][0]["mobile"] = fresh_number()
    imported = await council.imported(council.document)
    async with council.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT table_name, fields FROM casework.import_changes WHERE import = :i"), {"i": imported}
        )
        assert [tuple(each) for each in rows] == [("people", ["mobile", "number_hash"])]
    event = (await council.said())[-1]
    assert (event.record, event.actor[:11]) == (imported, "credential-")
    assert {each.table: each.rows for each in event.tables if each.rows} == {"people": 1}
    assert event.sha256 is not None
    for word in ("Example", council.document["people"][0]["mobile"]):
        assert word not in event.model_dump_json()


async def test_an_import_of_the_same_file_changes_no_row(council: Council) -> None:
    await council.imported(council.document)
    assert (await council.put(council.document)).json()["changed"] == {}


async def test_undo_names_the_later_import_and_leaves_what_it_changed_where_that_is_asked(council: Council) -> None:
    await council.imported(council.document)
    bad = copy.deepcopy(council.document)
    bad["people"][0]["name"], bad["people"][1]["name"] = "Wrong One", "Wrong Two"
    wrong = await council.imported(bad)
    bad["people"][0]["name"] = "Ash Right"
    later = await council.imported(bad)
    with pytest.raises(CannotUndo, match=f"1 of people by {later}"):
        await council.undo(wrong)
    rows = (await council.rows())["people"]
    await council.undo(wrong, leave=True)
    assert len(set(rows) - set((await council.rows())["people"])) == 1, "the second person alone was put back"


async def test_a_correction_at_the_console_is_not_undone_unasked(council: Council) -> None:
    await council.imported(council.document)
    bad = copy.deepcopy(council.document)
    bad["people"][0]["email"] = "wrong@kestrel.example"
    wrong = await council.imported(bad)
    console = council.database.engine("console")
    async with console.begin() as connection:
        everybody = "UPDATE register.people SET email = NULL WHERE authority = :n"
        await connection.execute(text(everybody), {"n": council.name})
    await console.dispose()
    with pytest.raises(CannotUndo, match="a person at the console"):
        await council.undo(wrong)


async def test_nobody_of_another_authority_undoes(council: Council) -> None:
    await council.imported(council.document)
    imported = await council.imported(changed(council.document))
    with pytest.raises(CannotUndo, match="of the code's owner"):
        await council.undo(imported, of="another")
    await council.undo(imported, of=council.name)


@pytest.mark.parametrize("why", ["other rows refer", "one number"])
async def test_what_later_rows_stand_on_is_not_undone(council: Council, why: str) -> None:
    document = council.document
    await council.imported(document)
    bad, number = copy.deepcopy(document), document["people"][0]["mobile"]
    bad["placements"].append(bad["placements"][0] | {"reference": "third"})
    bad["people"][0]["mobile"] = fresh_number()
    wrong = await council.imported(bad)
    if why == "one number":
        bad["people"][1]["mobile"] = number
    else:
        bad["children"][0]["placement"] = "third"
    await council.imported(bad)
    before = await council.rows()
    with pytest.raises(CannotUndo, match=why):
        await council.undo(wrong)
    assert await council.rows() == before


MISSING = """
    INSERT INTO episodes (episode, child, revision, state, opened_at, changed_at, exercise, content, reference)
    SELECT gen_random_uuid(), child, 1, 'missing', now(), now(), false, '{}', 'R'
    FROM register.for_console WHERE authority = :n AND code = 'C98'
"""
HELD = """
    INSERT INTO disposal.holds (id, authority, child, reason, made_by, made_at)
    SELECT gen_random_uuid(), authority, child, 'w', 'account-1', now()
    FROM register.for_console WHERE authority = :n AND code = 'C98'
"""


@pytest.mark.parametrize("since", [MISSING, HELD])
async def test_a_child_who_has_been_missing_since_or_is_held_is_not_undone(council: Council, since: str) -> None:
    await council.imported(council.document)
    more = copy.deepcopy(council.document)
    more["children"].append(more["children"][0] | {"reference": "C98", "code": "C98"})
    added = await council.imported(more)
    console = council.database.engine("console")
    async with console.begin() as connection:
        await connection.execute(text(since), {"n": council.name})
    await console.dispose()
    with pytest.raises(CannotUndo, match="1 of children"):
        await council.undo(added)


def crowded(document: dict[str, Any], people: int) -> dict[str, Any]:
    """With so many carers of one home, each on the directory too."""
    names = [f"p{n}" for n in range(people)]
    everybody = [{"reference": each, "name": each, "mobile": fresh_number()} for each in names]
    line = document["directory"][3]
    return document | {
        "people": everybody,
        "children": [],
        "carers": [{"person": each, "placement": "home"} for each in names],
        "directory": [line | {"person": each} for each in names],
    }


@pytest.mark.parametrize(
    ("people", "table", "lost", "held"),
    [
        (40, "carers", 9, False),
        (40, "carers", 10, True),
        (60, "carers", 12, False),
        (60, "carers", 13, True),
        (40, "directory", 10, True),
        (40, "numbers", 10, True),
        (60, "numbers", 12, False),
    ],
)
async def test_an_import_that_would_end_more_than_a_fifth_is_held_until_somebody_means_it(
    council: Council, people: int, table: str, lost: int, *, held: bool
) -> None:
    document = crowded(council.document, people)
    await council.imported(document)
    before = await council.rows()
    if table == "numbers":
        for each in document["people"][:lost]:
            each["mobile"] = fresh_number()
    else:
        document[table] = document[table][lost:]
    answer = await council.put(document)
    assert answer.status_code == (409 if held else 200), answer.text
    if held:
        [loss] = answer.json()["errors"]
        sha256 = loss.pop("confirm")
        assert (loss, sha256 in answer.json()["detail"]) == ({"field": table, "lost": lost, "of": people}, True)
        assert await council.rows() == before
        assert (await council.put(document, confirm="0" * 64)).status_code == 409
        await council.imported(document, confirm=sha256)
        assert await council.rows() != before


@pytest.mark.parametrize("field", ["address", "force"])
@pytest.mark.parametrize(("moved", "status"), [(9, 200), (10, 409)])
async def test_an_import_that_moves_many_homes_at_once_is_held(
    council: Council, database: Database, field: str, moved: int, status: int
) -> None:
    homes = [council.document["placements"][0] | {"reference": f"home-{each}"} for each in range(20)]
    document = council.document | {"placements": [*council.document["placements"], *homes]}
    await council.imported(document)
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("INSERT INTO register.forces VALUES ('elsewhere-police') ON CONFLICT DO NOTHING")
    for each in homes[:moved]:
        each[field] = "elsewhere-police" if field == "force" else "1 Other Street"
    document["placements"] = [*council.document["placements"], *homes]
    answer = await council.put(document)
    assert answer.status_code == status, answer.text
    if status == HTTPStatus.CONFLICT:
        assert [each["field"] for each in answer.json()["errors"]] == ["placements"]


async def test_rows_that_an_import_replaced_are_forgotten_though_its_authority_imports_no_more(
    council: Council, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few at once: all that the first import brought may be too many for one statement."""
    await council.imported(council.document)
    monkeypatch.setattr(history, "FORGOTTEN_AT_ONCE", 5)
    store = Store(council.engine, origin=Origin("casework", Clocks()))
    for ahead, left in ((timedelta(days=34), True), (timedelta(days=36), True), (timedelta(days=36), False)):
        while await forget_replaced(store, Clocks(AHEAD + ahead)) and not left:
            pass
        async with store.read() as reader:
            query = (
                "SELECT count(*) > 0 FROM import_changes c JOIN imports i ON i.id = c.import WHERE authority = %(a)s"
            )
            named = {"a": council.document["authority"]["id"]}
            assert await reader.fetch(Query(query, named, scalar)) is left


async def test_other_hours_of_the_same_people_hold_nothing(council: Council) -> None:
    document = crowded(council.document, 40)
    await council.imported(document)
    for line in document["directory"]:
        line["days"] = "mon-fri"
    await council.imported(document)


async def test_the_age_of_what_is_no_longer_kept_is_shown_no_longer(council: Council) -> None:
    """Else its last age would be an alarm until the process ends."""
    await council.imported(council.document)
    week = Clocks(AHEAD + timedelta(days=7))
    await show_ages(Store(council.engine), week)
    council.change("DELETE FROM casework.freshness WHERE authority = %(n)s")
    await show_ages(Store(council.engine), week)
    assert REGISTRY.get_sample_value("register_age_seconds", {"authority": council.name, "table": "people"}) is None


async def test_the_age_of_a_table_is_shown_and_the_address_says_as_of_when(council: Council, keyring: Keyring) -> None:
    await council.imported(council.document)
    week = Clocks(AHEAD + timedelta(days=7))
    await show_ages(Store(council.engine), week)
    shown = REGISTRY.get_sample_value("register_age_seconds", {"authority": council.name, "table": "children"})
    assert shown is not None
    assert 7 * 86400 <= shown < 7 * 86400 + 600
    assert (
        REGISTRY.get_sample_value("register_age_seconds", {"authority": council.name, "table": "agencies"}) is not None
    )
    async with council.engine.connect() as connection:
        ids = text("SELECT id, as_of FROM register.children WHERE authority = :n AND code = 'C1'")
        child = (await connection.execute(ids, {"n": council.name})).one()
        facts = await Reader(connection).fetch(facts_for_notice(keyring, child.id))
    assert facts.placement is not None
    assert facts.placement.as_of is not None
    assert facts.placement.as_of <= child.as_of


async def test_a_feed_that_runs_hides_no_file_that_has_stopped(council: Council) -> None:
    """Until the credential that sends no files any more is withdrawn; it may have expired."""

    await council.imported(council.document)
    council.change("UPDATE casework.freshness SET at = at - interval '3 days' WHERE authority = %(n)s")
    await council.fed("a feed")
    assert await council.age() > DAYS_LATER
    council.change(
        "UPDATE casework.credentials SET made_at = now() - interval '1 year', expires_at = now() WHERE authority = %(n)s"
    )
    assert await council.age() > DAYS_LATER
    ended = "UPDATE casework.credentials SET withdrawn_at = now() WHERE token_hash = sha256(%(token)s)"
    council.change(ended, token=f"token-of-{council.name}".encode())
    assert await council.age() < timedelta(days=2)


async def test_a_form_at_the_console_is_no_source_that_falls_silent(council: Council) -> None:
    """Each has a credential of its own for some minutes, which nobody withdraws."""
    await council.imported(council.document)
    council.change("UPDATE casework.freshness SET at = at - interval '3 days' WHERE authority = %(n)s")
    await council.fed("the next form")
    council.change(
        "UPDATE casework.credentials SET expires_at = made_at + interval '5 minutes' WHERE authority = %(n)s"
    )
    assert await council.age() < timedelta(days=2)


async def test_the_brake_counts_the_single_rows_of_an_hour_together(council: Council) -> None:
    document = crowded(council.document, 40)
    await council.imported(document)

    async def sent(at: int, **query: str) -> httpx.Response:
        row = document["people"][at] | {"mobile": fresh_number(), "as_of": Clocks(AHEAD).story().isoformat()}
        return await council.client.patch(f"/register/{council.name}/people", json=[row], params=query)

    answers = [await sent(at) for at in range(10)]
    assert [each.status_code for each in answers] == [200] * 9 + [409]
    again = await sent(9)
    [loss] = again.json()["errors"]
    assert (loss["field"], loss["lost"]) == ("numbers", 10)
    with psycopg.connect(council.database.admin_url) as connection:
        past = "UPDATE casework.imports SET at = at - interval '1 hour' WHERE authority = %s"
        connection.execute(past, [council.name])
    assert (await sent(9)).status_code == 200, "an hour later"


async def test_a_row_that_a_file_leaves_out_stays_as_old_as_it_was(council: Council) -> None:
    await council.imported(council.document)
    ages = text("SELECT reference, as_of FROM register.children WHERE authority = :n")
    async with council.engine.connect() as connection:
        before = {row.reference: row.as_of for row in await connection.execute(ages, {"n": council.name})}
    await council.imported({"children": council.document["children"][:1]})
    async with council.engine.connect() as connection:
        after = {row.reference: row.as_of for row in await connection.execute(ages, {"n": council.name})}
    assert {each for each in after if after[each] != before[each]} == {"C1"}


async def test_an_authority_undoes_its_own_imports_by_the_door_and_no_others(council: Council) -> None:
    await council.imported(council.document)
    before, changed = await council.rows(), copy.deepcopy(council.document)
    changed["placements"][0]["kind"] = "residential"
    imported = await council.imported(changed)
    other = await own_part(council.engine, authority())
    await council.client.put(f"/register/{other['authority']['id']}", json=other)
    refused = await council.client.post(f"/register/{other['authority']['id']}/imports/{imported}/undo")
    assert (refused.status_code, "no such import" in refused.json()["detail"]) == (409, True)
    undone = await council.client.post(f"/register/{council.name}/imports/{imported}/undo")
    assert (undone.status_code, undone.json()["undoes"]) == (200, str(imported))
    assert await council.rows() == before
    again = await council.client.post(f"/register/{council.name}/imports/{imported}/undo")
    assert again.status_code == 409
