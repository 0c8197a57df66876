"""Several queries in one round trip, each with the function that makes its answer."""

from typing import Any

import pytest
from psycopg.errors import UndefinedTable

from services.platform.runtime.clocks import Clocks
from services.platform.store.query import Query, driver_of, sent_together
from services.platform.store.unit_of_work import Local, Origin, Store
from tests.support.engines.database import Database
from tests.support.engines.round_trips import round_trips

ONE = Query("SELECT 1 AS number", {}, lambda rows: int(rows[0].number))
NAMES = Query(
    "SELECT name FROM unnest(%(names)s::text[]) AS name", {"names": ["a", "b"]}, lambda rows: [r.name for r in rows]
)
NOTHING = Query("SELECT 1 AS number WHERE false", {}, lambda rows: rows[0].number if rows else None)


async def test_each_query_is_answered_by_its_own_rows_in_one_round_trip(database: Database) -> None:
    store = Store(database.engine("carers"), origin=Origin("carers", Clocks()))
    async with store.transaction() as uow:
        await uow.fetch(ONE, NAMES, NOTHING)
    asking_and_the_end = 2
    with round_trips(store.engine) as trips:
        async with store.transaction() as uow:
            number, names, nothing = await uow.fetch(ONE, NAMES, NOTHING)
        assert trips.count == asking_and_the_end, trips.statements
    assert (number, names, nothing) == (1, ["a", "b"], None)
    await store.close()


async def test_the_statements_of_a_pipeline_wait_for_its_end(database: Database) -> None:
    """Psycopg has no public way: if its own changes, this tells."""
    store = Store(database.engine("carers"), origin=Origin("carers", Clocks()))
    async with store.engine.connect() as connection:
        driver = await driver_of(connection)
        async with sent_together(driver):
            cursors = [await driver.execute(f"SELECT {number}", prepare=False) for number in (1, 2, 3)]
            assert driver._pipeline is not None
            assert len(driver._pipeline.command_queue) == len(cursors)
        assert [await each.fetchone() for each in cursors] == [(1,), (2,), (3,)]
    await store.close()


async def test_one_query_alone_gives_its_answer_and_not_a_tuple_of_it(database: Database) -> None:
    store = Store(database.engine("carers"), origin=Origin("carers", Clocks()))
    async with store.read() as reader:
        assert await reader.fetch(ONE) == 1
    await store.close()


async def test_a_query_that_fails_raises_what_the_database_said(database: Database) -> None:
    store = Store(database.engine("carers"), origin=Origin("carers", Clocks()))
    wrong: Query[int] = Query("SELECT 1 FROM no_such_table", {}, len)
    async with store.read() as reader:
        with pytest.raises(UndefinedTable):
            await reader.fetch(wrong)
    await store.close()


async def test_an_answer_in_the_cache_is_not_asked_for_again(database: Database) -> None:
    store, cache = Store(database.engine("carers")), dict[Any, Any]()
    kept = Query("SELECT %(number)s::int AS number", {"number": 7}, lambda rows: int(rows[0].number), cache)
    async with store.read() as reader:
        assert await reader.fetch(kept) == 7
        with round_trips(store.engine) as trips:
            assert await reader.fetch(kept) == 7
        assert trips.count == 0, trips.statements
        assert await reader.fetch(kept, ONE) == (7, 1)
    await store.close()


async def test_none_is_asked_for_each_time(database: Database) -> None:
    store, cache = Store(database.engine("carers")), dict[Any, Any]()
    async with store.read() as reader:
        assert await reader.fetch(Query(NOTHING.sql, {}, NOTHING.decode, cache)) is None
    assert cache == {}
    await store.close()


async def test_only_the_store_of_a_service_publishes(database: Database) -> None:
    store = Store(database.engine("carers"))
    async with store.transaction() as uow:
        with pytest.raises(RuntimeError, match="belongs to no service"):
            uow.publish_composed("decisions", "child-1", b"{}")
    await store.close()


async def test_a_local_belongs_to_one_transaction(database: Database) -> None:
    store, seen = Store(database.engine("carers")), Local[list[int]](list)
    async with store.transaction() as uow:
        uow.local(seen).append(1)
        assert uow.local(seen) == [1]
    async with store.transaction() as uow:
        assert uow.local(seen) == []
    await store.close()
