"""What is held of people is said of every table and column, and the database has the same."""

import psycopg
import pytest
from pydantic import ValidationError

from services.platform.store.disposal import Holding, holdings, read_holdings, schedule
from services.platform.store.query import AT_LOGIN
from tests.support.engines.database import Database

COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, NULL) = 'bytea' FROM pg_attribute a
    WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
"""
NAMED = {table: each for table, each in holdings().items() if each.about is not None}


def test_every_table_of_the_schedule_is_named_and_no_other() -> None:
    assert set(holdings()) == {table for each in schedule().records.values() for table in each.tables}


@pytest.mark.parametrize("table", NAMED)
def test_every_column_is_given_or_left_out(database: Database, table: str) -> None:
    holding = NAMED[table]
    with psycopg.connect(database.admin_url, options=AT_LOGIN) as admin:
        columns: dict[str, bool] = dict(admin.execute(COLUMNS, [table]).fetchall())
    assert sorted([*holding.fields, *holding.left_out]) == sorted(columns)
    in_bytes = {name for name, is_bytes in columns.items() if is_bytes} - {*holding.left_out}
    assert in_bytes == {*holding.sealed, *holding.messages} - {"state"}, (
        "bytes are sealed, or an envelope, or nobody can read them"
    )


def test_the_database_has_the_same_conditions(database: Database) -> None:
    with psycopg.connect(database.admin_url, options=AT_LOGIN) as admin:
        kept = admin.execute("SELECT name, about, authority, key FROM holdings.tables ORDER BY number").fetchall()
    assert kept == [(name, each.about, each.authority, each.key) for name, each in holdings().items()]


WHOLE = {"title": "x", "from": "x", "about": "true", "authority": "x", "fields": {"a": "A"}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"nothing": "x"},
        {"about": None},
        {"title": ""},
        {"from": ""},
        {"authority": None},
        {"sealed": ["a"]},
        {"messages": ["b"]},
        {"x": 1},
    ],
    ids=str,
)
def test_a_table_that_is_not_whole_is_refused(wrong: dict[str, object]) -> None:
    Holding.model_validate(WHOLE)
    with pytest.raises(ValidationError):
        Holding.model_validate(WHOLE | wrong)
    assert read_holdings("a.b: { nothing: keys }")["a.b"].nothing == "keys"
