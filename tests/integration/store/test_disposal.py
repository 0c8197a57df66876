"""What the schedule says of the database is so: every table is in it, and rows whose time is over go, and no others."""

import json
from asyncio import timeout
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text

from services.platform.bus import service_host
from services.platform.bus.service_host import ServiceHost
from services.platform.messages.envelope import read
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.process import Repeating
from services.platform.store.disposal import AT_ONCE, OWN_PERIODS, Disposal, delete_old_rows, schedule
from services.platform.store.migrations.access import SERVICES
from services.platform.store.query import AT_LOGIN
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.duty.decisions import RecordDisposed
from tests.support.engines.database import Database
from tests.support.in_process.disposal import sweep as sweep_all

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
TABLES = """
    SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""
SWEEPS = [(name, sweep) for name, record in schedule().records.items() for sweep in record.sweeps]


class Rows(NamedTuple):
    """Rows of a table by their key, all of one age: those that go once they are old, and those that stay all the same."""

    insert: str
    key: str
    go: tuple[str, ...]
    stay: tuple[str, ...]


ROWS = {
    "carers.texts_in": Rows(
        """INSERT INTO carers.texts_in (message_sid, number_hash, sender, body, received_at, story_at, next_try_at, worked_at)
           VALUES (%(key)s, '', '', '', %(at)s, %(at)s, %(at)s, CASE WHEN left(%(key)s, 4) = 'read' THEN %(at)s::timestamptz END)""",
        "message_sid",
        ("read",),
        ("unread",),
    ),
    "carers.questions": Rows(
        "INSERT INTO carers.questions VALUES (convert_to(%(key)s, 'UTF8'), 'report', 'provisional-1', %(at)s)",
        "convert_from(number_hash, 'UTF8')",
        ("asked",),
        (),
    ),
    "carers.claims": Rows(
        """INSERT INTO carers.claims (number_hash, code, subject, kind, authority, claimed_at, expires_at)
           VALUES ('', %(key)s, 'child-1', 'return', 'kestrel', %(at)s, %(at)s)""",
        "code",
        ("claim",),
        (),
    ),
    "casework.accepted": Rows(
        "INSERT INTO casework.accepted VALUES ('/agency', %(key)s, '', split_part(%(key)s, ' ', 1), 'agency', %(at)s)",
        "message_id",
        ("child-1",),
        ("provisional-1",),
    ),
    "console.dead_letters": Rows(
        "INSERT INTO console.dead_letters VALUES (%(key)s, 'carers', 'duties/1/2', 'reason', NULL, %(at)s)",
        "letter",
        ("letter",),
        (),
    ),
    "deadlines.due": Rows(
        """INSERT INTO deadlines.due VALUES (gen_random_uuid(), 1, %(key)s, %(at)s, '',
               CASE WHEN starts_with(%(key)s, 'fired') THEN %(at)s::timestamptz END,
               CASE WHEN starts_with(%(key)s, 'cancelled') THEN %(at)s::timestamptz END)""",
        "child",
        ("fired", "cancelled"),
        ("open",),
    ),
}
ROWS["delivery.deliveries"] = Rows(
    """INSERT INTO delivery.deliveries (id, service, lane, state, child, urgent, exercise, code, attempts, created_at,
           next_attempt_at, key_owner, changed_at)
       VALUES (gen_random_uuid(), 'carers', 'texts', split_part(%(key)s, ' ', 1), 'x', false, false, %(key)s, 1, %(at)s, %(at)s,
           'x', %(at)s)""",
    "code",
    ("delivered",),
    ("waiting",),
)
ROWS["register.photographs"] = Rows(
    """WITH theirs AS (INSERT INTO register.authorities (id, name) VALUES ('kestrel', 'K') ON CONFLICT DO NOTHING),
           child AS (INSERT INTO register.children (id, authority, reference, code)
                     VALUES (%(key)s, 'kestrel', %(key)s, %(key)s))
       INSERT INTO register.photographs VALUES (%(key)s, '', 'image/png', NULL, %(at)s,
           CASE WHEN starts_with(%(key)s, 'removed') THEN %(at)s::timestamptz END)""",
    "child",
    ("removed",),
    ("shown",),
)
ROWS["delivery.withdrawals"] = Rows(
    """INSERT INTO delivery.withdrawals VALUES ('carers', md5(%(key)s)::uuid, length(%(key)s), 1, %(at)s)""",
    "duty",
    ("withdrawn",),
    (),
)
KEPT = {sweep.table: (name, record.kept) for name, record in schedule().records.items() for sweep in record.sweeps}


@asynccontextmanager
async def opened(database: Database, service: str) -> AsyncIterator[Store]:
    store = Store(database.engine(service), origin=Origin(service, Clocks()))
    try:
        yield store
    finally:
        await store.close()


def administered(database: Database, sql: str, *several: dict[str, Any]) -> list[Any]:
    with psycopg.connect(database.admin_url, autocommit=True, options=AT_LOGIN) as admin, admin.cursor() as cursor:
        if several:
            cursor.executemany(sql, several)
            return []
        return [row[0] for row in cursor.execute(sql).fetchall()]


def test_every_table_of_the_database_is_in_one_record(database: Database) -> None:
    named = [table for each in schedule().records.values() for table in each.tables]
    said = [
        place
        for table in named
        for place in ([table.replace("each.", f"{service}.") for service in SERVICES] if "each." in table else [table])
    ]
    assert sorted(said) == sorted(administered(database, TABLES))


def test_a_month_is_dropped_when_the_schedule_says(database: Database) -> None:
    kept = administered(database, "SELECT jsonb_object_agg(name, kept) FROM months.tables WHERE kept IS NOT NULL")
    by_month = {table: each.months for each in schedule().records.values() if each.months for table in each.tables}
    assert kept == [by_month]


@pytest.mark.parametrize("table", ROWS)
async def test_rows_go_when_their_time_is_over_and_how_many_is_said(database: Database, table: str) -> None:
    rows, (name, kept), now = ROWS[table], KEPT[table], datetime.now(UTC)
    assert kept is not None
    ages = {"old": now - kept - timedelta(hours=1), "fresh": now - kept + timedelta(hours=1)}
    going = [f"{key} {number} old" for key in rows.go for number in range(AT_ONCE // len(rows.go) + 1)]
    staying = [f"{key} old" for key in rows.stay] + [f"{key} fresh" for key in (*rows.go, *rows.stay)]
    administered(
        database, rows.insert, *({"key": key, "at": ages[key.rpartition(" ")[2]]} for key in [*going, *staying])
    )
    service = next(sweep.services[0] for _, sweep in SWEEPS if sweep.table == table)
    async with opened(database, service) as store:
        disposal = Disposal(store, Clocks(), service)
        assert await disposal.turn() is True
        assert await disposal.turn() is False
        assert await disposal.turn() is False
        async with store.engine.connect() as connection:
            sent = (await connection.execute(text("SELECT envelope FROM outbox ORDER BY position"))).scalars().all()
    if rows.key == "duty":
        staying = [str(UUID(md5(each.encode(), usedforsecurity=False).hexdigest())) for each in staying]
    assert sorted(map(str, administered(database, f"SELECT {rows.key} FROM {table}"))) == sorted(staying)
    received = [each for each in map(read, sent) if getattr(each.content, "table", None) == table]
    assert [(type(each.content), each.subject) for each in received] == [(RecordDisposed, f"record-{name}")] * 2
    assert [each.content.rows for each in received] == [AT_ONCE, len(going) - AT_ONCE]  # type: ignore[attr-defined]
    assert {each.content.record for each in received} == {name}  # type: ignore[attr-defined]


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_that_has_something_to_sweep_sweeps(
    database: Database, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = list[object]()

    async def note(parts: list[object]) -> None:
        ran.extend(parts)

    monkeypatch.setenv("SAFE_RETURN_SIGNING_KEY", KEY)
    monkeypatch.setenv("SAFE_RETURN_BUS_KEYS", f"casework {KEY}")
    monkeypatch.setattr("services.platform.runtime.logs.configure", lambda *_: None)
    monkeypatch.setattr(service_host, "run_until_told", note)
    await ServiceHost(service, database.settings(service)).run()
    names = [each.name for each in ran if isinstance(each, Repeating)]
    assert names.count("disposal") == (service in {each for _, sweep in SWEEPS for each in sweep.services})
    assert "forgetting" in names


def test_every_sweep_is_tried_here() -> None:
    assert set(ROWS) == {sweep.table for _, sweep in SWEEPS}


@pytest.mark.parametrize("table", ROWS)
async def test_no_table_is_read_from_end_to_end_for_old_rows(database: Database, table: str) -> None:
    name, sweep = next((name, each) for name, each in SWEEPS if each.table == table)
    record = schedule().records[name]
    query = delete_old_rows(name, record, sweep, datetime.now(UTC), {"a": record.least} if record.least else {})
    async with opened(database, sweep.services[0]) as store, store.engine.connect() as connection:
        await connection.execute(text("SET enable_seqscan = off"))
        rows = await connection.exec_driver_sql(f"EXPLAIN ANALYZE {query.sql}", dict(query.parameters))
        plan = rows.scalars().all()
        await connection.rollback()
    # A wall that asks another table is passed by who sees all.
    assert [line for line in plan if "Seq Scan" in line and "never executed" not in line] == []


CLAIM = """
    INSERT INTO carers.claims (number_hash, code, subject, kind, authority, claimed_at, expires_at)
    VALUES ('', %(code)s, %(subject)s, 'return', %(authority)s, %(at)s, %(at)s)
"""
HOLD = "INSERT INTO disposal.holds VALUES (gen_random_uuid(), %(authority)s, %(child)s, NULL, 'words-1', 'account-1', now())"
AUTHORITY = "INSERT INTO register.authorities (id, name, retention) VALUES (%(id)s, 'X', %(retention)s::jsonb)"


@pytest.mark.parametrize(
    ("own", "days", "left"),
    [
        ({}, 399, True),
        ({}, 401, False),
        ({"claims": 30}, 31, False),
        ({"claims": 800}, 401, True),
        ({"claims": 800}, 801, False),
    ],
    ids=str,
)
async def test_an_authority_keeps_for_as_long_as_it_says(
    database: Database,
    own: dict[str, int],
    days: int,
    left: bool,
) -> None:
    code, authority = f"c{own}{days}", f"a{uuid4().hex[:12]}"
    administered(database, AUTHORITY, {"id": authority, "retention": json.dumps(own)})
    row = {"code": code, "subject": "child-1", "authority": authority, "at": datetime.now(UTC) - timedelta(days=days)}
    administered(database, CLAIM, row)
    async with opened(database, "carers") as store:
        await sweep_all(store, "carers")
    assert (code in administered(database, "SELECT code FROM carers.claims")) is left


async def test_what_was_sent_and_is_locked_by_another_waits_for_the_next_sweep(database: Database) -> None:
    """Two who wait for each other's rows would end in a deadlock: handlers lock in another order than a sweep."""
    table = "delivery.deliveries"
    rows, (_, kept) = ROWS[table], KEPT[table]
    assert kept is not None
    keys, at = [f"{rows.go[0]} locked {each}" for each in "ab"], datetime.now(UTC) - kept - timedelta(hours=1)
    administered(database, rows.insert, *({"key": key, "at": at} for key in keys))
    left = f"SELECT {rows.key} FROM {table} WHERE {rows.key} = ANY(%s)"
    service = next(sweep.services[0] for _, sweep in SWEEPS if sweep.table == table)
    async with opened(database, service) as store:
        with psycopg.connect(database.admin_url) as other:
            other.execute(f"SELECT FROM {table} WHERE {rows.key} = %s FOR UPDATE", keys[:1])
            async with timeout(5):
                await sweep_all(store, service)
            assert other.execute(left, [keys]).fetchall() == [(keys[0],)]
        await sweep_all(store, service)
    with psycopg.connect(database.admin_url) as other:
        assert other.execute(left, [keys]).fetchall() == []


async def test_a_sweep_that_fails_holds_up_no_other(database: Database) -> None:
    old = datetime.now(UTC) - timedelta(days=500)
    administered(database, CLAIM, {"code": "c-old", "subject": "child-1", "authority": "kestrel", "at": old})
    async with opened(database, "carers") as store:
        disposal = Disposal(store, Clocks(), "carers")
        name, record, sweep = disposal.sweeps[0]
        disposal.sweeps.insert(0, (name, record, sweep.model_copy(update={"table": "carers.nowhere"})))
        with pytest.raises(psycopg.errors.UndefinedTable):
            await disposal.turn()
    assert "c-old" not in administered(database, "SELECT code FROM carers.claims")


@pytest.mark.parametrize(
    ("held", "subject", "left"),
    [
        ("child-held", "child-held", True),
        ("child-held", "provisional-held", True),
        ("child-held", "child-other", False),
        (None, "child-other", True),
    ],
)
async def test_what_is_held_stays_until_the_hold_is_ended(
    database: Database,
    held: str | None,
    subject: str,
    left: bool,
) -> None:
    """`held` None: everything of the authority."""
    authority = f"a{uuid4().hex[:12]}"
    row = {"code": authority, "subject": subject, "authority": authority, "at": datetime.now(UTC) - timedelta(days=401)}
    administered(database, CLAIM, row)
    administered(database, HOLD, {"authority": authority, "child": held})
    provisional = (
        "INSERT INTO carers.provisionals VALUES ('provisional-held', '', 'child-held', now()) ON CONFLICT DO NOTHING"
    )
    administered(database, provisional, {})
    async with opened(database, "carers") as store:
        await sweep_all(store, "carers")
        assert (authority in administered(database, "SELECT code FROM carers.claims")) is left
        administered(database, "UPDATE disposal.holds SET ended_at = now()", {})
        await sweep_all(store, "carers")
    assert authority not in administered(database, "SELECT code FROM carers.claims")


async def test_who_deletes_a_row_leaves_its_copy_at_the_provider_to_be_deleted(database: Database) -> None:
    sids, texted = [f"{kind}{uuid4().hex}" for kind in ("SM", "MM", "RE", "CA")], uuid4().hex
    at = datetime.now(UTC) - timedelta(days=401)
    text_in = ROWS["carers.texts_in"].insert.replace(
        "CASE WHEN left(%(key)s, 4) = 'read' THEN %(at)s::timestamptz END", "%(at)s"
    )
    administered(
        database, text_in, *({"key": each, "at": at} for each in (*sids[:3], f"{sids[0]}-{uuid4().hex}", "odd"))
    )
    administered(database, ROWS["delivery.deliveries"].insert, {"key": "delivered by call", "at": at})
    taken = "UPDATE delivery.deliveries SET provider_id = %(sid)s WHERE code = 'delivered by call'"
    administered(database, taken, {"sid": f"SM{texted}"}, {"sid": sids[3]})
    async with opened(database, "carers") as store:
        await sweep_all(store, "carers")
    listed = administered(database, "SELECT sid FROM disposal.provider_copies WHERE next_try_at <= now()")
    assert {*sids, f"SM{texted}"} <= {*listed}, "also the text that was rung after that"
    assert [
        each for each in administered(database, "SELECT sid FROM disposal.provider_copies") if len(each) != 34
    ] == []


async def test_what_an_erased_person_was_sent_goes_at_the_provider_too(database: Database) -> None:
    """The row stays, with whoever else it is about."""
    person, sid, rung = f"person-{uuid4()}", f"SM{uuid4().hex}", f"CA{uuid4().hex}"
    sent = {"person": person, "sid": sid, "rung": rung, "key": f"delivered {person}", "at": datetime.now(UTC)}
    administered(database, ROWS["delivery.deliveries"].insert, sent)
    administered(
        database,
        """UPDATE delivery.deliveries SET person = %(person)s, provider_id = %(sid)s, recipient = 'r', body = 'b'
           WHERE code = %(key)s""",
        sent,
    )
    administered(database, "UPDATE delivery.deliveries SET provider_id = %(rung)s WHERE code = %(key)s", sent)
    due = "SELECT sid FROM disposal.provider_copies WHERE next_try_at <= now()"
    assert sid not in administered(database, due), "it is kept as long as its row"
    administered(database, "SELECT disposal.erase(%(person)s, now())", sent)
    assert {sid, rung} <= {*administered(database, due)}
    left = f"SELECT coalesce(recipient, body) FROM delivery.deliveries WHERE person = '{person}'"
    assert administered(database, left) == [None]


ASKS = """
    CREATE OR REPLACE FUNCTION disposal.is_over(
        of_record text, since timestamptz, at timestamptz, usual interval, subjects text[], of_authority text
    ) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'it is asked'; END $$
"""


@pytest.mark.parametrize(
    ("own", "days", "asked"),
    [
        ({}, 60, False),
        ({}, 401, True),
        ({"claims": 40}, 60, True),
        ({"claims": 800}, 500, False),
        ({"words": 40}, 60, False),
    ],
    ids=str,
)
def test_no_row_is_asked_whose_it_is_while_the_authority_that_it_names_keeps_it(
    database: Database, own: dict[str, int], days: int, asked: bool
) -> None:
    """Each costs several questions; another authority's short period must not have all of everybody's asked each hour."""
    authority, now = f"a{uuid4().hex[:12]}", datetime.now(UTC)
    record = schedule().records["claims"]
    with psycopg.connect(database.admin_url, options=AT_LOGIN) as admin:
        for each, kept in ((authority, own), (f"a{uuid4().hex[:12]}", {"claims": 30})):
            admin.execute(AUTHORITY, {"id": each, "retention": json.dumps(kept)})
        admin.execute("DELETE FROM carers.claims")
        row = {"code": "c", "subject": "child-1", "authority": authority, "at": now - timedelta(days=days)}
        admin.execute(CLAIM, row)
        admin.execute(ASKS)
        periods: dict[str, timedelta] = dict(admin.execute(OWN_PERIODS, {"name": "claims"}).fetchall())
        query = delete_old_rows("claims", record, record.sweeps[0], now, periods)
        with pytest.raises(psycopg.errors.RaiseException) if asked else nullcontext():
            admin.execute(query.sql.encode(), dict(query.parameters))
        admin.rollback()
