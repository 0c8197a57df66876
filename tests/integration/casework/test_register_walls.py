"""No import of one authority's changes, or waits for, what another has."""

import asyncio
import copy
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from services.platform.store.query import AT_LOGIN
from tests.support.engines.database import Database
from tests.support.in_process.casework import ImportAuth, casework, import_bearer
from tests.support.in_process.register import authority, own_part

AUTHORITIES = 152
BY_AUTHORITY = (
    "placements_for_police", "for_police_notice", "for_conversation", "children_by_code", "agencies_for_events",
    "for_protocol", "placements_for_protocol", "duty_lines", "rota", "carers_now", "for_contact", "bridges",
    "for_duty_desk", "reporters_for_console", "directory_for_console", "telephones_for_console", "homes_for_console",
    "sharing_for_police",
)  # fmt: skip
"""The views whose rows say whose they are: all that other services read of an authority."""


@pytest.fixture
async def admin(database: Database) -> AsyncIterator[AsyncEngine]:
    url = database.admin_url.replace("postgresql://", "postgresql+psycopg://")
    opened = create_async_engine(url, connect_args={"options": AT_LOGIN})
    yield opened
    await opened.dispose()


@pytest.fixture
async def http(database: Database, engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(casework(database, engine))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://casework", auth=ImportAuth(engine), timeout=180
    ) as client:
        yield client


async def put(http: httpx.AsyncClient, document: dict[str, Any], headers: dict[str, str] | None = None) -> int:
    return (await http.put(f"/register/{document['authority']['id']}", json=document, headers=headers)).status_code


async def test_every_authority_of_england_imports_at_once(database: Database, engine: AsyncEngine) -> None:
    """All name one force, as those of an area do. Each comes from its own address."""
    documents = [authority() for _ in range(AUTHORITIES)]
    for each in documents:
        each["forces"] = documents[0]["forces"]
        for placement in each["placements"]:
            placement["force"] = documents[0]["forces"][0]["id"]
    documents = [await own_part(engine, each) for each in documents]
    bearers = [await import_bearer(engine, each["authority"]["id"]) for each in documents]
    app = casework(database, engine)

    async def from_home(number: int) -> int:
        transport = httpx.ASGITransport(app, client=(f"10.0.0.{number}", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://casework", timeout=180) as council:
            return await put(council, documents[number], bearers[number])

    assert await asyncio.gather(*map(from_home, range(AUTHORITIES))) == [200] * AUTHORITIES


async def test_an_import_does_not_wait_for_another_authoritys(http: httpx.AsyncClient, database: Database) -> None:
    holder = database.engine("casework")
    own, other = authority(), await own_part(holder, authority())
    async with holder.begin() as connection:
        held = "SELECT pg_advisory_xact_lock(hashtextextended('register ' || :name, 0))"
        await connection.execute(text(held), {"name": own["authority"]["id"]})
        assert await asyncio.wait_for(put(http, other), 30) == 200
    await holder.dispose()


async def read_of(admin: AsyncEngine, name: str) -> dict[str, list[str]]:
    """Every byte of every view that services read."""
    async with admin.connect() as connection:
        return {
            view: list(
                await connection.scalars(
                    text(
                        f"SELECT CAST(to_jsonb(t) AS text) AS row FROM register.{view} t WHERE authority = :n ORDER BY row"
                    ),
                    {"n": name},
                )
            )
            for view in BY_AUTHORITY
        }


TABLES = st.sampled_from(["placements", "people", "carers", "children", "directory", "agencies", "sharing_agreements"])
STEPS = st.lists(
    st.tuples(TABLES, st.integers(0, 8), st.sampled_from(["drop", "twice", "as-other", "blank"])),
    min_size=1,
    max_size=6,
)


def change(own: dict[str, Any], other: dict[str, Any], step: tuple[str, int, str]) -> None:
    """One more fault or wish in A's file: a row gone, doubled, emptied, or taken from B's file as it stands."""
    table, at, how = step
    rows = own[table]
    match how:
        case "drop" if rows:
            rows.pop(at % len(rows))
        case "twice" if rows:
            rows.append(dict(rows[at % len(rows)]))
        case "as-other" if other[table]:
            rows.append(copy.deepcopy(other[table][at % len(other[table])]))
        case "blank" if rows:
            row = rows[at % len(rows)]
            for field in [
                each for each in row if each not in {"reference", "code", "kind", "force", "id", "role", "person"}
            ][:3]:
                del row[field]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, confirmed=st.booleans())
async def test_no_sequence_of_one_authoritys_imports_changes_a_byte_of_what_another_reads(
    http: httpx.AsyncClient,
    engine: AsyncEngine,
    admin: AsyncEngine,
    steps: list[tuple[str, int, str]],
    *,
    confirmed: bool,
) -> None:
    own, other = await own_part(engine, authority()), await own_part(engine, authority())
    assert [await put(http, each) for each in (own, other)] == [200, 200]
    name = other["authority"]["id"]
    before = await read_of(admin, name)
    assert all(before.values())
    for step in steps:
        change(own, other, step)
        path = f"/register/{own['authority']['id']}"
        answer = await http.put(path, json=own)
        if confirmed and answer.status_code == 409:
            sha256 = answer.json()["detail"].rpartition("=")[2].rstrip(".")
            answer = await http.put(path, json=own, params={"confirm": sha256})
        assert answer.status_code in {200, 409, 422}
        assert (await http.put(f"/register/{name}", json=own, headers=_own(own))).status_code == 403
        assert await read_of(admin, name) == before


def _own(document: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer token-of-{document['authority']['id']}"}
