"""A child is given to another authority, on a real PostgreSQL: the register, the protocol and the console go along."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.console.read_model import repository as console_store
from services.console.read_model.projections import Handlers as ConsoleHandlers
from services.console.read_model.projections import open_cases
from services.platform.messages.envelope import Received
from services.platform.register import directory
from services.platform.register.keys import wrapped_keys_of
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Reader
from services.platform.store.unit_of_work import Origin, Store, UnitOfWork
from services.safeguarding.duty.duties import Duty
from services.safeguarding.roles import Role, Wording
from tests.support.engines.database import Database
from tests.support.in_process.casework import casework, import_bearer
from tests.support.in_process.protocol import Protocol
from tests.support.in_process.register import authority, load, parts
from tests.support.outside.agency import Hospital

BEGAN = datetime(2026, 11, 24, tzinfo=UTC)
KINDS = ["child.reported-missing.v1", "child.transferred.v1", "child.returned.v1"]


class Two:
    """Two authorities, each with a hospital, on one register."""

    def __init__(self, client: httpx.AsyncClient, giving: dict[str, Any], taking: dict[str, Any]) -> None:
        self.client = client
        self.documents = {"giving": giving, "taking": taking}
        self.giver, self.taker = giving["authority"]["id"], taking["authority"]["id"]
        self.hospitals: dict[str, Hospital] = {}
        self.ids: dict[str, dict[str, str]] = {}

    @property
    def child(self) -> str:
        return self.ids["giving"]["C1"]

    async def transferred(self, *, by: str = "giving", **changes: Any) -> httpx.Response:
        hospital = self.hospitals[by]
        data = {"to": self.taker} | changes.pop("data", {})
        return await hospital.send(
            hospital.event(**{"type": "child.transferred.v1", "subject": self.child, "data": data} | changes)
        )

    async def imported(self, which: str) -> httpx.Response:
        name = self.documents[which]["authority"]["id"]
        bearer = await import_bearer(self.hospitals["giving"].engine, name)
        return await self.client.put(f"/register/{name}", json=parts(self.documents[which])[1], headers=bearer)

    async def row(self) -> dict[str, Any]:
        """What rules know of the child, with the register's own reference and code."""
        query = """SELECT f.authority, f.force, f.placement, f.carers, c.reference, c.code
                   FROM register.for_protocol f JOIN register.children c ON c.id = f.child WHERE f.child = :child"""
        (row,) = await self.rows(query, child=self.child)
        return dict(row)

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with self.hospitals["giving"].engine.connect() as connection:
            return list((await connection.execute(text(query), values)).mappings())


@pytest.fixture
async def two(database: Database, keyring: Keyring) -> AsyncIterator[Two]:
    engine = database.engine("casework")
    transport = httpx.ASGITransport(casework(database, engine), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://casework") as client:
        both = Two(client, authority(), authority())
        for which, document in both.documents.items():
            document["agencies"][0]["types"] = KINDS
            both.ids[which] = await load(engine, keyring, document, BEGAN)
            name = document["authority"]["id"]
            both.hospitals[which] = Hospital(client, engine, name, both.ids[which])
        yield both
    await engine.dispose()


async def test_the_child_is_the_receivers_with_its_force_its_carers_and_a_free_code(two: Two) -> None:
    answer = await two.transferred(data={"moves_to": "home"})
    assert answer.status_code == 202, answer.text
    assert await two.row() == {
        "authority": two.taker,
        "force": f"{two.taker}-police",
        "placement": two.ids["taking"]["home"],
        "carers": [two.ids["taking"]["resi"]],
        "reference": two.child,
        "code": "C3",
    }
    (said,) = await two.hospitals["giving"].said(two.child)
    assert (said.content.authority, said.content.to) == (two.giver, two.taker)
    assert "home" not in said.content.model_dump_json()


async def test_who_loses_the_givers_key_loses_no_child_that_was_given_away(two: Two, keyring: Keyring) -> None:
    await two.transferred(data={"moves_to": "home"})
    async with two.hospitals["giving"].engine.begin() as connection:
        await connection.execute(text("DELETE FROM register.authority_keys WHERE authority = :a"), {"a": two.giver})
        left = await Reader(connection).fetch(wrapped_keys_of([two.child, two.ids["giving"]["ash"]]))
    assert list(left) == [two.child]
    keyring.unwrap(two.child, left[two.child])


async def test_until_the_register_says_where_the_child_lives_now_its_carers_can_still_report_it(two: Two) -> None:
    await two.transferred()
    row = await two.row()
    assert (row["authority"], row["placement"], row["force"]) == (
        two.taker,
        two.ids["giving"]["foster"],
        f"{two.giver}-police",
    )
    assert row["carers"] == sorted((two.ids["giving"]["ash"], two.ids["giving"]["bea"]))


async def test_whoever_is_on_duty_is_the_receivers_and_the_givers_directory_shows_the_child_no_more(
    two: Two, database: Database, keyring: Keyring
) -> None:
    await two.transferred(data={"moves_to": "home"})
    async with two.hospitals["giving"].engine.connect() as connection:
        row = await two.row()
        for role in (Role.DUTY_WORKER, Role.CHILD_SOCIAL_WORKER):
            found = await Reader(connection).fetch(
                directory.role_holders(role, authority=row["authority"], child=two.child, person=None, at=BEGAN)
            )
            assert {each.authority for each in found} <= {two.taker}
            assert bool(found) == (role is Role.DUTY_WORKER)
    engine = database.engine("console")
    async with engine.connect() as connection:
        for name, lines in ((two.giver, 0), (two.taker, 1)):
            rota = await Reader(connection).fetch(directory.rota_lines(keyring, [name], BEGAN))
            assert sum(each.code is not None for each in rota) == lines
    await engine.dispose()


async def test_the_same_again_and_a_second_word_of_it_change_nothing(two: Two) -> None:
    event = two.hospitals["giving"].event(type="child.transferred.v1", subject=two.child, data={"to": two.taker})
    answers = [await two.hospitals["giving"].send(event) for _ in range(3)]
    assert {(each.status_code, each.text) for each in answers} == {(202, answers[0].text)}
    row = await two.row()
    for by in ("giving", "taking"):
        assert (await two.transferred(by=by)).status_code == 202
    assert await two.row() == row
    assert len(await two.rows("SELECT * FROM casework.transferred WHERE child = :child", child=two.child)) == 1


async def test_the_givers_next_import_passes_the_child_over_and_says_so(two: Two) -> None:
    await two.transferred()
    before = await two.row()
    answer = await two.imported("giving")
    assert (answer.status_code, answer.json()["transferred"]) == (200, ["C1"])
    assert await two.row() == before
    same = "SELECT id FROM register.children WHERE authority = :giver AND (reference = 'C1' OR code = 'C1')"
    assert await two.rows(same, giver=two.giver) == []
    assert "transferred" not in (await two.imported("taking")).json()


async def test_the_receivers_import_goes_on_with_the_child_under_our_id(two: Two) -> None:
    await two.transferred()
    mine = dict(two.documents["giving"]["children"][0]) | {"reference": two.child, "code": "C7", "placement": "foster"}
    two.documents["taking"]["children"].append(mine)
    assert (await two.imported("taking")).status_code == 200
    row = await two.row()
    assert (row["code"], row["force"]) == ("C7", f"{two.taker}-police")


async def test_a_child_who_comes_back_has_the_reference_of_before(two: Two) -> None:
    before = await two.row()
    await two.transferred(data={"moves_to": "home"})
    back = {"to": two.giver, "moves_to": "foster"}
    assert (await two.transferred(by="taking", data=back)).status_code == 202
    assert await two.row() == before | {"code": "C3"}
    assert "transferred" not in (await two.imported("giving")).json()
    assert await two.row() == before


@pytest.mark.parametrize(
    "changes",
    [{"data": {"to": "nowhere-council"}}, {"data": {"outside_england": True}}, {"exercise": True}],
    ids=["not in the register", "outside England", "an exercise"],
)
async def test_a_child_whom_the_register_cannot_give_away_stays_and_it_is_said(
    two: Two, changes: dict[str, Any]
) -> None:
    before = await two.row()
    assert (await two.transferred(**changes)).status_code == 202
    assert await two.row() == before
    assert len(await two.hospitals["giving"].said(two.child)) == 1


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"by": "taking"}, 403, "subject"),
        ({"data": {"moves_to": "nowhere"}}, 422, "data.moves_to"),
        ({"data": {"moves_to": "Mill Lane 4"}}, 422, "data.moves_to"),
        ({"type": "child.reported-missing.v1", "data": {"moves_to": "home"}}, 422, "data.moves_to"),
    ],
)
async def test_what_is_wrong_with_a_transfer_is_named_and_moves_nobody(
    two: Two, changes: dict[str, Any], status: int, field: str
) -> None:
    before = await two.row()
    if "type" in changes:
        answer = await two.hospitals["giving"].send(two.hospitals["giving"].event(**changes))
    else:
        answer = await two.transferred(**changes)
    assert (answer.status_code, answer.json().get("field")) == (status, field)
    assert await two.row() == before
    assert await two.hospitals["giving"].said(two.child) == []


async def test_a_child_goes_to_no_authority_whose_reports_nobody_would_hear(two: Two) -> None:
    async with two.hospitals["giving"].engine.begin() as connection:
        off = "UPDATE register.authorities SET live = false WHERE id = :n"
        await connection.execute(text(off), {"n": two.taker})
    before, answer = await two.row(), await two.transferred()
    assert (answer.status_code, answer.json()["field"]) == (422, "data.to")
    assert "nobody would be told" in answer.json()["detail"]
    assert (await two.row(), await two.hospitals["giving"].said(two.child)) == (before, [])


async def test_a_report_under_the_givers_reference_still_reaches_the_child_and_its_return_stands_nobody_down(
    two: Two,
) -> None:
    await two.transferred()
    hospital = two.hospitals["giving"]
    for kind in ("child.reported-missing.v1", "child.returned.v1"):
        answer = await hospital.send(hospital.event(type=kind, subject=f"{two.giver}/C1"))
        assert answer.json()["child"] == two.child
    *_, reported, returned = await hospital.said(two.child)
    assert (reported.content.authority, returned.content.proof) == (two.taker, None)


async def test_open_duties_are_the_receivers_on_the_bus_and_on_the_console_and_both_authorities_acknowledge(
    two: Two, database: Database
) -> None:
    hospital, protocol = two.hospitals["giving"], Protocol(database)
    await hospital.send(hospital.event())
    (reported,) = await hospital.said(two.child)
    await protocol.takes(reported)
    before = len(await protocol.said(two.child))
    await hospital.send(hospital.event(type="child.transferred.v1", data={"to": two.taker, "moves_to": "home"}))
    _, transferred = await hospital.said(two.child)
    await protocol.takes(transferred)
    said = await protocol.said(two.child)
    new = [each.content for each in said[before:] if isinstance(each.content, Duty)]
    whose = {each.wording: each.authority for each in new if each.wording in {"transferred", "transferred-away"}}
    assert whose == {"transferred": two.taker, "transferred-away": two.giver}
    notice = next(each for each in new if each.role is Role.POLICE_CONTROL_ROOM and each.wording == "missing-notice")
    assert (notice.authority, notice.force) == (two.taker, f"{two.taker}-police")
    assert {each.authority for each in new if each.wording != "transferred-away"} == {two.taker}
    await _console_shows(database, said, two)
    await protocol.store.close()


async def _console_shows(database: Database, said: list[Received[Any]], two: Two) -> None:
    console, handlers = Store(database.engine("console"), origin=Origin("console", Clocks())), ConsoleHandlers(Clocks())
    async with console.transaction() as uow:
        for each in said:
            await handlers.by_kind()[type(each.content)](each, uow)
    async with console.read() as reader:
        seen = {name: await reader.fetch(open_cases([name])) for name in (two.giver, two.taker)}
        (mine,) = (each.episode for each in seen[two.taker])
        duties = await reader.fetch(console_store.duties_of_case(mine.child, mine.content.episode))
    assert seen[two.giver] == []
    still = {
        each.content.wording: each.content.authority for each in duties if each.content.state in {"open", "accepted"}
    }
    assert still.pop(Wording("transferred-away")) == two.giver
    assert set(still.values()) == {two.taker}
    await console.close()


@pytest.mark.parametrize("whose", ["giving", "taking"])
async def test_a_transfer_waits_for_an_import_of_either_authority(two: Two, whose: str) -> None:
    engine = two.hospitals["giving"].engine
    async with engine.begin() as importing:
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended('register ' || :name, 0))")
        await importing.execute(lock, {"name": two.documents[whose]["authority"]["id"]})
        transferring = asyncio.create_task(two.transferred())
        waits = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while not await two.rows(waits):
            assert not transferring.done(), "it has not waited"
            await asyncio.sleep(0.02)
    assert (await transferring).status_code == 202
    moved = await two.rows("SELECT as_of FROM register.children WHERE id = :child", child=two.child)
    assert moved[0]["as_of"] > BEGAN, "where the child lives was said now"


async def test_the_word_for_every_authority_opens_no_wall(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []
    whole = Store.transaction

    def watched(store: Store, authorities: Iterable[str] | None = None) -> AbstractAsyncContextManager[UnitOfWork]:
        seen.append(set(authorities or ()))
        return whole(store, authorities)

    monkeypatch.setattr(Store, "transaction", watched)
    assert (await two.transferred(data={"to": "all"})).status_code == 202
    assert {two.giver} in seen
    assert not any("all" in each for each in seen)
