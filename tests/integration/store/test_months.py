"""Tables that only grow, kept by month: made ahead, caught outside, dropped when their time is over, and never by a service's role."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from services.platform.store.query import AT_LOGIN
from tests.support.engines.database import Database

PARTS = """
    SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass
    AND inhrelid::regclass::text NOT LIKE '%%_outside' ORDER BY 1
"""
HEARD = "INSERT INTO console.entries VALUES ('s', %s, %s, 'k', %s, %s, false, '{}', %s)"
EPISODE = """
    INSERT INTO console.episodes (episode, child, revision, opened_at, state, changed_at, exercise, content, reference)
    VALUES (gen_random_uuid(), 'child-9', 1, %s, %s, %s, false, '{}', 'SR-1')
"""
EPISODE_OF = """
    INSERT INTO console.episodes (episode, child, revision, opened_at, state, changed_at, exercise, content, reference)
    VALUES (%s, 'child-7', 1, %s, %s, %s, false, %s, 'SR-2')
"""
KEPT, DAY = 18, timedelta(days=1)
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


def left_over(database: Database, table: str = "console.entries") -> int:
    """As the clock counts them: the months that should be gone."""
    with logged_in(database, "clock") as clock:
        row = clock.execute("SELECT months.left_over(%s)", (table,)).fetchone()
    assert row is not None
    return int(row[0])


def parts(database: Database, table: str) -> list[str]:
    with logged_in(database) as admin:
        return [name for (name,) in admin.execute(PARTS, (table,))]


def too_old(database: Database) -> list[str]:
    """The months of the timeline whose time is over."""
    return [each for each in parts(database, "console.entries") if each < f"console.entries_{month(-KEPT):%Y_%m}"]


def heard(
    database: Database, name: str, at: datetime, child: str = "child-1", *, identifies: str | None = None
) -> None:
    with logged_in(database, "console") as console:
        console.execute(HEARD, (name, child, at, at, identifies))


def make(admin: psycopg.Connection[Any], away: int) -> None:
    """The partition of that month."""
    admin.execute(
        f"CREATE TABLE console.entries_{month(away):%Y_%m} PARTITION OF console.entries "
        f"FOR VALUES FROM ('{month(away)}') TO ('{month(away + 1)}')"
    )


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
        for away in (-KEPT, -KEPT - 1):
            make(admin, away)
    heard(database, "kept", month(-KEPT))
    heard(database, "gone", month(-KEPT) - timedelta(seconds=1))
    keep_up(database, "console.entries")
    assert partition_of(database, "kept") == f"console.entries_{month(-KEPT):%Y_%m}"
    assert partition_of(database, "gone") is None
    assert f"console.entries_{month(-KEPT - 1):%Y_%m}" not in parts(database, "console.entries")


@pytest.mark.parametrize(("state", "ended"), [("missing", month(-KEPT - 1)), ("closed", month(-KEPT))])
def test_the_timeline_of_an_absence_stays_until_as_long_after_its_end(
    database: Database, state: str, ended: datetime
) -> None:
    begun = month(-KEPT - 3) + timedelta(days=2)
    rows = {
        "first": ("provisional-1", begun),
        "later": ("child-9", month(-KEPT - 1)),
        "before": ("child-9", begun - DAY),
    }
    with logged_in(database) as admin:
        for away in range(-KEPT - 3, -KEPT):
            make(admin, away)
        admin.execute(EPISODE, (begun, state, ended))
    heard(database, "who it is", begun + DAY, "provisional-1", identifies="child-9")
    for name, (child, at) in rows.items():
        heard(database, name, at, child)
        heard(database, f"{name} of another", at, "child-8")
    assert left_over(database) == 3
    for _month in range(3):
        keep_up(database, "console.entries")
    assert left_over(database) == 0, "what is left of them is needed"
    kept = {name for name in (*rows, *(f"{each} of another" for each in rows)) if partition_of(database, name)}
    assert kept == {"first", "later"}
    with logged_in(database) as admin:
        admin.execute("UPDATE console.episodes SET state = 'closed', changed_at = %s", (month(-KEPT) - DAY,))
    for left in (1, 0):
        keep_up(database, "console.entries")
        assert len(too_old(database)) == left_over(database) == left, "one at a call"
    with logged_in(database) as admin:
        admin.execute("DELETE FROM console.episodes")


def test_the_report_of_an_unknown_child_stays_as_long_as_the_later_absence_into_which_it_was_merged(
    database: Database,
) -> None:
    reported, absent = month(-KEPT - 2) + DAY, uuid4()
    merged, identified = {"merged_into": str(absent)}, reported + 3 * DAY
    with logged_in(database) as admin:
        for away in (-KEPT - 2, -KEPT - 1):
            make(admin, away)
        for name, begun, state, content in (
            (absent, reported + 2 * DAY, "missing", {}),
            (uuid4(), reported, "merged", merged),
        ):
            row = (name, begun, state, identified, json.dumps(content))
            admin.execute(EPISODE_OF.encode(), row)
    heard(database, "unknown", reported, "provisional-2")
    heard(database, "who it is", identified, "provisional-2", identifies="child-7")
    for _month in range(2):
        keep_up(database, "console.entries")
    assert partition_of(database, "unknown") is not None
    with logged_in(database) as admin:
        admin.execute("UPDATE console.episodes SET state = 'closed', changed_at = %s", (month(-KEPT) - DAY,))
    for _month in range(2):
        keep_up(database, "console.entries")
    assert partition_of(database, "unknown") is None
    with logged_in(database) as admin:
        admin.execute("DELETE FROM console.episodes")


def test_no_month_is_looked_through_in_a_call_that_has_locked_the_table(database: Database) -> None:
    with logged_in(database) as admin:
        admin.execute(f"DROP TABLE console.entries_{month(3):%Y_%m}")
        make(admin, -KEPT - 1)
    heard(database, "old", month(-KEPT - 1))
    assert keep_up(database, "console.entries") == (3, 0)
    assert partition_of(database, "old") is not None
    keep_up(database, "console.entries")
    assert too_old(database) == []


def test_the_record_loses_no_month(database: Database) -> None:
    old = f"audit.entries_{month(-60):%Y_%m}"
    with logged_in(database) as admin:
        admin.execute(
            f"CREATE TABLE {old} PARTITION OF audit.entries FOR VALUES FROM ('{month(-60)}') TO ('{month(-59)}')"
        )
        keep_up(database, "audit.entries")
        assert old in parts(database, "audit.entries")
        assert left_over(database, "audit.entries") == 0
        admin.execute(f"DROP TABLE {old}")


def test_whoever_reads_is_let_be_and_the_next_call_makes_up_for_it(database: Database) -> None:
    missing = f"console.entries_{month(3):%Y_%m}"
    with logged_in(database) as admin:
        admin.execute(f"DROP TABLE {missing}")
        with admin.transaction():
            admin.execute("SELECT count(*) FROM console.entries")
            assert keep_up(database, "console.entries") == (2, 0)
        assert keep_up(database, "console.entries") == (3, 0)


def test_a_month_that_a_reader_keeps_from_being_dropped_is_counted(database: Database) -> None:
    with logged_in(database) as admin:
        make(admin, -KEPT - 1)
        with admin.transaction():
            admin.execute("SELECT count(*) FROM console.entries")
            keep_up(database, "console.entries")
            assert left_over(database) == 1
    keep_up(database, "console.entries")
    assert left_over(database) == 0


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("clock", "CREATE TABLE console.mine (x int)"),
        ("clock", "SELECT months.make('console.entries', 'console.entries_outside', 'console.x', now())"),
        ("clock", "INSERT INTO months.tables VALUES ('audit.entries', 1) ON CONFLICT (name) DO UPDATE SET kept = 1"),
        ("clock", "DROP TABLE console.entries_outside"),
        ("console", "SELECT months.keep_up('console.entries')"),
        ("console", "SELECT months.left_over('console.entries')"),
        ("console", "SELECT * FROM console.entries_outside"),
    ],
)
def test_no_services_role_makes_or_drops_a_month_itself(database: Database, role: str, statement: str) -> None:
    with logged_in(database, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_only_a_table_that_is_named_is_kept_up(database: Database) -> None:
    with logged_in(database, "clock") as clock, pytest.raises(psycopg.errors.NoDataFound):
        clock.execute("SELECT months.keep_up('register.children')")
