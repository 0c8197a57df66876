"""Tables that only grow, kept by month: made ahead, caught outside, dropped when their time is over, and never by a service's role."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from services.platform.store.query import AT_LOGIN
from tests.support.engines.database import Database

PARTS = """
    SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass
    AND inhrelid::regclass::text NOT LIKE '%%_outside' ORDER BY 1
"""
HEARD = "INSERT INTO console.entries VALUES ('s', %s, 'child-1', 'k', %s, %s, false, '{}')"
KEPT_BY_MONTH = ("audit.entries", "console.entries")


@contextmanager
def logged_in(database: Database, role: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    """As that service, or as the administrator."""
    url = database.admin_url
    if role is None:
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection
        return
    settings = database.settings(role)
    password = settings.database_password.get_secret_value()
    login = {"user": role, "password": password, "options": AT_LOGIN}
    with psycopg.connect(settings.database, autocommit=True, **login) as connection:  # type: ignore[arg-type]
        yield connection


def month(away: int) -> datetime:
    """The first moment of a month, so many from this one."""
    now = datetime.now(UTC)
    months = now.year * 12 + now.month - 1 + away
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def keep_up(database: Database, table: str) -> tuple[int, int]:
    """As the clock does: the months ahead, and the rows outside."""
    with logged_in(database, "clock") as clock:
        row = clock.execute("SELECT ahead, outside FROM months.keep_up(%s)", (table,)).fetchone()
    assert row is not None
    return row[0], row[1]


def parts(database: Database, table: str) -> list[str]:
    with logged_in(database) as admin:
        return [name for (name,) in admin.execute(PARTS, (table,))]


def heard(database: Database, name: str, at: datetime) -> None:
    with logged_in(database, "console") as console:
        console.execute(HEARD, (name, at, at))


def partition_of(database: Database, name: str) -> str | None:
    with logged_in(database) as admin:
        row = admin.execute(
            "SELECT tableoid::regclass::text FROM console.entries WHERE message_id = %s", (name,)
        ).fetchone()
    return None if row is None else row[0]


@pytest.mark.parametrize("table", KEPT_BY_MONTH)
def test_a_new_database_has_this_month_and_three_more(database: Database, table: str) -> None:
    assert parts(database, table) == [f"{table}_{month(away):%Y_%m}" for away in range(4)]
    assert keep_up(database, table) == (3, 0)


def test_a_month_that_was_not_made_in_time_takes_its_rows_from_outside(database: Database) -> None:
    late = f"console.entries_{month(2):%Y_%m}"
    with logged_in(database) as admin:
        admin.execute(f"DROP TABLE {late}")
    heard(database, "late", month(2) + timedelta(days=3))
    assert partition_of(database, "late") == "console.entries_outside"
    assert keep_up(database, "console.entries") == (3, 0)
    assert partition_of(database, "late") == late


def test_what_no_month_holds_is_counted(database: Database) -> None:
    heard(database, "outside", month(-3))
    assert keep_up(database, "console.entries")[1] == 1
    with logged_in(database) as admin:
        admin.execute("DELETE FROM console.entries WHERE message_id = 'outside'")


def test_a_month_goes_as_a_whole_once_its_time_is_over(database: Database) -> None:
    with logged_in(database) as admin:
        for away in (-14, -15):
            admin.execute(
                f"CREATE TABLE console.entries_{month(away):%Y_%m} PARTITION OF console.entries "
                f"FOR VALUES FROM ('{month(away)}') TO ('{month(away + 1)}')"
            )
    heard(database, "kept", month(-14))
    heard(database, "gone", month(-14) - timedelta(seconds=1))
    keep_up(database, "console.entries")
    assert partition_of(database, "kept") == f"console.entries_{month(-14):%Y_%m}"
    assert partition_of(database, "gone") is None
    assert f"console.entries_{month(-15):%Y_%m}" not in parts(database, "console.entries")


def test_the_record_loses_no_month(database: Database) -> None:
    old = f"audit.entries_{month(-60):%Y_%m}"
    with logged_in(database) as admin:
        admin.execute(
            f"CREATE TABLE {old} PARTITION OF audit.entries FOR VALUES FROM ('{month(-60)}') TO ('{month(-59)}')"
        )
        keep_up(database, "audit.entries")
        assert old in parts(database, "audit.entries")
        admin.execute(f"DROP TABLE {old}")


def test_whoever_reads_is_let_be_and_the_next_call_makes_up_for_it(database: Database) -> None:
    missing = f"console.entries_{month(3):%Y_%m}"
    with logged_in(database) as admin:
        admin.execute(f"DROP TABLE {missing}")
        with admin.transaction():
            admin.execute("SELECT count(*) FROM console.entries")
            assert keep_up(database, "console.entries") == (2, 0)
        assert keep_up(database, "console.entries") == (3, 0)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("clock", "CREATE TABLE console.mine (x int)"),
        ("clock", "SELECT months.make('console.entries', 'console.entries_outside', 'console.x', now())"),
        ("clock", "INSERT INTO months.tables VALUES ('audit.entries', 1) ON CONFLICT (name) DO UPDATE SET kept = 1"),
        ("clock", "DROP TABLE console.entries_outside"),
        ("console", "SELECT months.keep_up('console.entries')"),
        ("console", "SELECT * FROM console.entries_outside"),
    ],
)
def test_no_services_role_makes_or_drops_a_month_itself(database: Database, role: str, statement: str) -> None:
    with logged_in(database, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_only_a_table_that_is_named_is_kept_up(database: Database) -> None:
    with logged_in(database, "clock") as clock, pytest.raises(psycopg.errors.NoDataFound):
        clock.execute("SELECT months.keep_up('register.children')")
