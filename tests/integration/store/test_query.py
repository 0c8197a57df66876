"""Several queries in one round trip, each with the function that makes its answer."""

import pytest
from psycopg.errors import UndefinedTable

from services.platform.store.query import Query
from services.platform.store.unit_of_work import Store
from tests.support.database import Database
from tests.support.round_trips import round_trips

ONE = Query("SELECT 1 AS number", {}, lambda rows: int(rows[0].number))
NAMES = Query(
    "SELECT name FROM unnest(%(names)s::text[]) AS name", {"names": ["a", "b"]}, lambda rows: [r.name for r in rows]
)
NOTHING = Query("SELECT 1 AS number WHERE false", {}, lambda rows: rows[0].number if rows else None)


async def test_each_query_is_answered_by_its_own_rows_in_one_round_trip(database: Database) -> None:
    store = Store(database.engine("carers"))
    async with store.transaction() as transaction:
        await transaction.fetch(ONE, NAMES, NOTHING)
    asking_and_the_end = 2
    with round_trips(store.engine) as trips:
        async with store.transaction() as transaction:
            number, names, nothing = await transaction.fetch(ONE, NAMES, NOTHING)
        assert trips.count == asking_and_the_end, trips.statements
    assert (number, names, nothing) == (1, ["a", "b"], None)
    await store.close()


async def test_one_query_alone_gives_its_answer_and_not_a_tuple_of_it(database: Database) -> None:
    store = Store(database.engine("carers"))
    async with store.read() as reader:
        assert await reader.fetch(ONE) == 1
    await store.close()


async def test_a_query_that_fails_raises_what_the_database_said(database: Database) -> None:
    store = Store(database.engine("carers"))
    wrong: Query[int] = Query("SELECT 1 FROM no_such_table", {}, len)
    async with store.read() as reader:
        with pytest.raises(UndefinedTable):
            await reader.fetch(wrong)
    await store.close()
