"""A child's photograph: taken in by casework, kept encrypted, refused where it is none."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.options.register_upkeep.photographs import redrawn
from services.platform.register.police_notice import photograph_of
from services.platform.runtime.clocks import Clocks
from services.platform.store.disposal import Disposal
from services.platform.store.encryption import Keyring
from services.platform.store.query import Reader
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.working_time import ENGLAND
from tests.support.engines.database import Database
from tests.support.in_process.casework import AHEAD, ImportAuth, casework, taken
from tests.support.in_process.delivery import eventually
from tests.support.in_process.disposal import Later
from tests.support.in_process.register import KEYRING, authority, enter, erase, parts

PNG, JPEG = (taken(kind) for kind in ("PNG", "JPEG"))


@pytest.fixture
async def http(database: Database, engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    app = casework(database, engine)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://casework", auth=ImportAuth(engine)
    ) as client:
        yield client


@pytest.fixture
async def path(http: httpx.AsyncClient, engine: AsyncEngine) -> str:
    entered, document = parts(authority())
    await enter(engine, KEYRING, entered)
    name = document["authority"]["id"]
    assert (await http.put(f"/register/{name}", json=document)).status_code == 200
    return f"/register/{name}/children/C1/photograph"


async def put(http: httpx.AsyncClient, path: str, content: bytes, kind: str, **rest: Any) -> httpx.Response:
    return await http.put(path, content=content, headers={"content-type": kind}, **rest)


async def child_of(engine: AsyncEngine, path: str) -> str:
    _, _, name, _, reference, _ = path.split("/")
    async with engine.connect() as connection:
        query = text("SELECT id FROM register.children WHERE authority = :a AND reference = :r")
        return str(await connection.scalar(query, {"a": name, "r": reference}))


@pytest.mark.parametrize(("content", "kind"), [(PNG, "image/png"), (JPEG, "image/jpeg")])
async def test_a_photograph_is_kept_encrypted_and_opens_for_its_child_alone(
    http: httpx.AsyncClient, engine: AsyncEngine, keyring: Keyring, path: str, content: bytes, kind: str
) -> None:
    assert (await put(http, path, content, kind, params={"taken_on": "2026-10-02"})).status_code == 204
    child = await child_of(engine, path)
    async with engine.connect() as connection:
        stored = await connection.scalar(
            text("SELECT picture FROM register.photographs WHERE child = :c"), {"c": child}
        )
        found = await Reader(connection).fetch(photograph_of(keyring, child))
    assert content[:20] not in bytes(stored)
    assert found is not None
    assert (found.picture, found.media_type, str(found.taken_on)) == (redrawn(content, kind), kind, "2026-10-02")


async def test_a_later_photograph_takes_the_place_of_an_earlier_one_and_may_be_removed(
    http: httpx.AsyncClient, engine: AsyncEngine, keyring: Keyring, path: str
) -> None:
    await put(http, path, PNG, "image/png")
    await put(http, path, JPEG, "image/jpeg")
    child = await child_of(engine, path)
    async with engine.connect() as connection:
        found = await Reader(connection).fetch(photograph_of(keyring, child))
    assert found is not None
    assert found.media_type == "image/jpeg"
    assert (await http.delete(path)).status_code == 204
    async with engine.connect() as connection:
        assert await Reader(connection).fetch(photograph_of(keyring, child)) is None


async def test_what_a_hold_keeps_is_shown_to_nobody_and_goes_when_it_ends(
    http: httpx.AsyncClient, engine: AsyncEngine, keyring: Keyring, path: str, database: Database
) -> None:
    await put(http, path, PNG, "image/png")
    child = await child_of(engine, path)
    asked = {"id": str(uuid4()), "child": child}
    hold = "INSERT INTO disposal.holds VALUES (%(id)s::uuid, 'lapwing', %(child)s, NULL, 'w', 'account-1', now(), NULL, NULL)"
    kinds = "SELECT media_type, removed_at IS NULL FROM register.photographs WHERE child = %(child)s ORDER BY stored_at"
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        admin.execute(hold, asked)
        await put(http, path, JPEG, "image/jpeg")
        assert admin.execute(kinds, asked).fetchall() == [("image/png", False), ("image/jpeg", True)]
        shown = "UPDATE register.photographs SET stored_at = stored_at WHERE child = %(child)s AND removed_at IS NULL"
        with admin.transaction():  # two come while somebody has the row that both replace
            admin.execute(shown, asked)
            both = [asyncio.create_task(put(http, path, JPEG, "image/jpeg")) for _ in range(2)]
            await eventually(lambda: admin.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount >= 2)
        await asyncio.gather(*both)
        kept = [("image/png", False), *[("image/jpeg", False)] * 2]
        assert sorted(admin.execute(kinds, asked).fetchall()) == sorted([*kept, ("image/jpeg", True)])
        assert (await http.delete(path)).status_code == 204
        assert admin.execute(kinds, asked).fetchall() == [*kept, ("image/jpeg", False)]
        async with engine.connect() as connection:
            assert await Reader(connection).fetch(photograph_of(keyring, child)) is None
        sweep = Disposal(Store(engine, origin=Origin("casework", Clocks())), Later(2), "casework").turn
        await sweep()
        assert len(admin.execute(kinds, asked).fetchall()) == 4
        admin.execute("UPDATE disposal.holds SET ended_at = now() WHERE id = %(id)s::uuid", asked)
        await sweep()
        assert admin.execute(kinds, asked).fetchall() == []
        await put(http, path, PNG, "image/png")
        await http.delete(path)
        assert admin.execute(kinds, asked).fetchall() == [], "without a hold nothing is kept"


@pytest.mark.parametrize(
    ("content", "kind", "params", "status"),
    [
        (b"<svg onload='alert(1)'/>", "image/svg+xml", {}, 415),
        (b"<html>", "image/png", {}, 422),
        (PNG, "image/jpeg", {}, 422),
        (PNG[:-100], "image/png", {}, 422),
        (b"", "image/png", {}, 422),
        (PNG, "image/png", {"taken_on": "last summer"}, 422),
        (PNG, "image/png", {"taken_on": "0001-01-01"}, 422),
        (PNG + b"x" * 5_000_000, "image/png", {}, 413),
    ],
)
async def test_what_is_no_photograph_is_refused(
    http: httpx.AsyncClient, path: str, content: bytes, kind: str, params: dict[str, str], status: int
) -> None:
    answer = await put(http, path, content, kind, params=params)
    assert answer.status_code == status
    assert answer.json()["detail"]


async def test_a_photograph_is_of_today_at_the_latest(http: httpx.AsyncClient, path: str) -> None:
    today = Clocks(AHEAD).story().astimezone(ENGLAND).date()
    assert (await put(http, path, PNG, "image/png", params={"taken_on": f"{today}"})).status_code == 204
    # Two days on: this test may run over a midnight.
    answer = await put(http, path, PNG, "image/png", params={"taken_on": f"{today + timedelta(days=2)}"})
    assert (answer.status_code, answer.json()["field"]) == (422, "taken_on")
    assert "neither in the future" in answer.json()["detail"]


async def test_without_the_token_or_the_child_nothing_is_taken(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.put(path, content=PNG, headers={"authorization": ""})).status_code == 401
    assert (await put(http, path.replace("/C1/", "/C99/"), PNG, "image/png")).status_code == 404


async def test_the_photograph_of_an_erased_child_is_a_gap(
    http: httpx.AsyncClient, engine: AsyncEngine, keyring: Keyring, path: str, database: Database
) -> None:
    await put(http, path, PNG, "image/png")
    child = await child_of(engine, path)
    await erase(database, keyring, child)
    async with engine.connect() as connection:
        assert await Reader(connection).fetch(photograph_of(keyring, child)) is None


async def test_a_child_of_no_possible_reference_is_none(http: httpx.AsyncClient, path: str) -> None:
    nobody = path.replace("/C1/", "/%00/")
    assert (await put(http, nobody, PNG, "image/png")).status_code == 404
    assert (await http.delete(nobody)).status_code == 404


async def test_no_more_than_two_of_an_authority_are_read_at_once(http: httpx.AsyncClient, path: str) -> None:
    """Each is held in memory whole. Whoever waits is not read yet."""
    read, go = list[int](), asyncio.Event()

    async def body(number: int) -> AsyncIterator[bytes]:
        read.append(number)
        await go.wait()
        yield PNG

    headers = {"content-type": "image/png"}
    sent = [asyncio.create_task(http.put(path, content=body(each), headers=headers)) for each in range(4)]
    await eventually(lambda: len(read) == 2)
    await asyncio.sleep(0.5)
    assert len(read) == 2
    go.set()
    assert [each.status_code for each in await asyncio.gather(*sent)] == [204] * 4
