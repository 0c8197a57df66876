"""What every process asks every few seconds goes by an index, however much lies in the tables.

PostgreSQL is told to read no table from end to end if it can help it: where it still does, there is no index for the question.
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from unittest.mock import patch
from uuid import uuid4

import psycopg
import pytest
from psycopg import AsyncCursor
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.audit.policy.consequences import Gap
from services.audit.reconciler import Found, find_gaps
from services.carers.store import child_status, conversations, enrolments, texts
from services.console.metrics import MEASURES
from services.console.read_model import projections
from services.console.read_model import repository as read_model
from services.options.polled_forces.polled import CONFIRM
from services.platform.delivery.channels import email
from services.platform.delivery.queue import leases, slo
from services.platform.delivery.queue.repository import Lease
from services.platform.register.conversation import children_by_code
from services.platform.register.police_notice import facts_for_notice
from services.platform.runtime.clocks import Clocks
from services.platform.store import deadlines
from services.platform.store.query import Query, all_rows
from services.platform.store.unit_of_work import Origin, Store, UnitOfWork
from services.police import store as police
from services.professionals.digests import UNSENT
from services.strategy.discussions import service as discussions
from services.strategy.discussions.service import PLANNED_ALREADY
from tests.support.engines.database import Database
from tests.support.in_process.register import KEYRING

NOW = datetime.now(UTC)
LEASE = Lease("police-0", NOW + timedelta(seconds=10))
Question: TypeAlias = Callable[[UnitOfWork], Awaitable[Any]]
OF_DELIVERIES: dict[str, Question] = {
    "due": lambda it: leases.due(it.connection, LEASE, now=NOW, passed_over=["force-a"], most=32),
    "one of a failing lane": lambda it: leases.one_of_lane(it.connection, LEASE, "force-a", now=NOW, untried=True),
    "a lane that answers again": lambda it: leases.bring_forward(it.connection, "force-a", NOW),
    "what waits": lambda it: it.fetch(leases.backlog()),
    "what is due next": lambda it: it.fetch(leases.next_at(NOW)),
}
OTHERS: dict[str, tuple[str, Question]] = {
    "the promise": ("police", lambda it: slo.measure(it.connection, "police", NOW)),
    "the promise, lately": ("police", lambda it: slo.measure_recent(it.connection, "police", NOW)),
    "a force's list": ("police", lambda it: it.fetch(police.told_episodes("force-a"))),
    "deadlines": ("clock", lambda it: deadlines.claim(it, ahead=timedelta(), most=500)),
    "the next deadline": ("clock", lambda it: it.fetch(deadlines.next_due(timedelta()))),
    "texts": ("carers", lambda it: it.fetch(texts.next_unread(NOW))),
    "unread texts": ("carers", lambda it: it.fetch(texts.backlog())),
    "how children stand": ("carers", lambda it: it.fetch(child_status.status_of_children([b"h"], ["1"], since=NOW))),
    "the oldest practice": ("carers", lambda it: it.fetch(enrolments.oldest_practice())),
    "the next of discussions": ("strategy", lambda it: it.fetch(discussions.NEXT)),
    "answers that are missing": ("audit", lambda it: _gaps(it.connection)),
    "discussions to begin": ("strategy", lambda it: it.fetch(discussions.TO_WARN.due(NOW))),
    "discussions to record": ("strategy", lambda it: it.fetch(discussions.OVER.due(NOW))),
    "a timeline": ("console", lambda it: it.fetch(read_model.entries_of_child("child-1"))),
    "what waits for a child": ("console", lambda it: it.fetch(read_model.waiting("child-1", uuid4(), NOW, bool))),
}


async def _gaps(connection: AsyncConnection) -> None:
    """Fresh ones, and one that an earlier look found."""
    known = Found(Gap.DUTY_NEVER_TOLD, "child-x", NOW, "-", position=1)
    await find_gaps(connection, wall=NOW, story=NOW, since=NOW - timedelta(minutes=1), known=frozenset({known}))


async def plans_of(database: Database, role: str, ask: Question) -> str:
    """How PostgreSQL would answer, for every statement that the question asks; nothing is changed."""
    store, asked = Store(database.engine(role), origin=Origin(role, Clocks())), list[tuple[str, Any]]()
    send = AsyncCursor.execute

    async def note(cursor: AsyncCursor[Any], statement: Any, values: Any = None, **how: Any) -> Any:
        asked.append((statement, values))
        return await send(cursor, statement, values, **how)

    try:
        async with store.engine.connect() as connection:
            await connection.execute(text("SET enable_seqscan = off"))
            with patch.object(AsyncCursor, "execute", note):
                await ask(UnitOfWork(connection))
            plans = [await connection.exec_driver_sql(f"EXPLAIN {statement}", values) for statement, values in asked]
            lines = [row[0] for plan in plans for row in plan]
            await connection.rollback()
    finally:
        await store.close()
    assert asked
    return "\n".join(lines)


@pytest.mark.parametrize("name", OF_DELIVERIES)
async def test_a_services_own_deliveries_are_found_without_reading_past_those_of_others(
    database: Database, name: str
) -> None:
    plans = await plans_of(database, "police", OF_DELIVERIES[name])
    assert "Seq Scan" not in plans
    assert re.search(r"Index Cond: .*service = ", plans)


@pytest.mark.parametrize("name", OTHERS)
async def test_no_table_is_read_from_end_to_end(database: Database, name: str) -> None:
    assert "Seq Scan" not in await plans_of(database, *OTHERS[name])


READER = {
    "delivery": uuid4(),
    "lane": email.LANE,
    "practice": False,
    "reader": "person-1",
    "authority": "kestrel",
    "most": 19,
}
MEASURED = {"now": NOW, "over": ["closed"]}
INVITED = {"duty": uuid4(), "just_now": None, "episode": uuid4(), "form": "urgent"}
COME_FOR = {"now": NOW, "lane": "force-a", "force": "force-a", "after": 7}
BY: dict[str, tuple[str, str, Question]] = {
    "the promise": ("deliveries_urgent", *OTHERS["the promise"]),
    "the promise, lately": ("deliveries_urgent", *OTHERS["the promise, lately"]),
    "a reader's mails": ("deliveries_of_lane", "professionals", lambda it: it.fetch(Query(UNSENT, READER, all_rows))),
    "a reader's shifts": ("rota_changes_of_person", "professionals", lambda it: it.fetch(Query(UNSENT, READER, all_rows))),
    "what is owed": ("duties_beside", "console", lambda it: it.fetch(projections.duties_beside(None, housekeeping=False))),
    "a month": ("duties_changed", "console", lambda it: it.fetch_each([Query(sql, MEASURED, all_rows) for sql, _ in MEASURES["month"]])),
    "a child by code": ("children_of_code", "console", lambda it: it.fetch(projections.children_named("C17"))),
    "the searches of a day": ("episodes_by_day", "console", lambda it: it.fetch(projections.find_cases(["kestrel"], "C17", day=NOW))),
    "what a force came for": ("offered_unconfirmed", "police", lambda it: it.fetch(Query(CONFIRM, COME_FOR, all_rows))),
}  # fmt: skip


A_DELIVERY = """
    INSERT INTO delivery.deliveries (id, service, lane, state, child, urgent, exercise, code, attempts, created_at,
        next_attempt_at, key_owner, changed_at)
    VALUES (%(id)s, 'professionals', 'texts', 'delivered', 'child-1', false, false, 'A1', 1, now(), now(), 'child-1', now())
"""
A_TEXT = """
    INSERT INTO carers.texts_in (message_sid, number_hash, sender, body, received_at, story_at, tries, next_try_at)
    VALUES (%(id)s, '', '', '', now(), now(), 0, now())
"""
MANY = "SELECT pg_restore_relation_stats('schemaname', %s::text, 'relname', %s::text, 'relpages', 1, 'reltuples', 1e5::real)"


@pytest.fixture
def many_deliveries(database: Database) -> Iterator[None]:
    with _one_taken_for_many(database, "delivery.deliveries", A_DELIVERY, "id"):
        yield


@pytest.fixture
def many_texts(database: Database) -> Iterator[None]:
    with _one_taken_for_many(database, "carers.texts_in", A_TEXT, "message_sid"):
        yield


@contextmanager
def _one_taken_for_many(database: Database, table: str, insert: str, key: str) -> Iterator[None]:
    """PostgreSQL counts pages, and is told how many rows lie on each. Of few rows, any index will do."""
    one = {"id": str(uuid4())}
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute(insert, one)
        connection.execute(MANY, table.split("."))
        yield
        connection.execute(f"DELETE FROM {table} WHERE {key} = %(id)s", one)
        connection.execute(f"ANALYZE {table}")


@pytest.mark.usefixtures("many_deliveries")
@pytest.mark.parametrize("name", BY)
async def test_what_is_asked_often_has_an_index_of_its_own(database: Database, name: str) -> None:
    index, role, ask = BY[name]
    plans = await plans_of(database, role, ask)
    assert index in plans, plans
    assert "deliveries_newest" not in plans, "it holds everybody's"


async def test_a_child_whom_staff_name_is_found_without_reading_its_authoritys_others(database: Database) -> None:
    plans = await plans_of(database, "carers", lambda it: it.fetch(children_by_code([b"h"], ["17"])))
    assert re.search(r"Index Cond: .*code = ANY", plans)


async def test_an_answer_is_found_by_itself_however_long_the_chain_is(database: Database) -> None:
    plans = await plans_of(database, "audit", lambda it: _gaps(it.connection))
    asked = re.findall(r"Bitmap Index Scan on entries_\w+_answers_idx", plans)
    assert len(asked) == 2 * len(set(asked)), "two questions, in each month and outside"
    assert len(set(asked)) >= 5
    assert "Anti Join" in plans, "questions that have their answer close by are not asked for one by one"
    assert "Seq Scan" not in plans


async def test_what_is_due_is_claimed_in_its_order_however_much_waits(database: Database) -> None:
    plans = await plans_of(database, "police", OF_DELIVERIES["due"])
    assert ("deliveries_in_order" in plans, "Sort" in plans) == (True, False), plans


LOOKED_UP: dict[str, tuple[str, str, Question]] = {
    "whether a number has an older text": (
        r"texts_in_by_reading.*\n +Index Cond: \(\(number_hash = .* AND \(worked_at IS NULL\)",
        *OTHERS["texts"],
    ),
    "how many texts came of a number": (
        r"Index Only Scan using texts_in_by_reading.*\n +Index Cond: \(\(number_hash = .* AND \(worked_at > ",
        "carers",
        lambda it: it.fetch(texts.texts_of_number(b"h", NOW)),
    ),
    "whether a number was answered": (
        r"Index Only Scan using texts_in_by_reading.*\n +Index Cond: \(\(number_hash = .* AND \(worked_at > ",
        "carers",
        lambda it: it.fetch(texts.is_answered_since(b"h", NOW)),
    ),
    "how children stand": (
        r"standings_pkey.*\n +Index Cond: \(child = ANY",
        *OTHERS["how children stand"],
    ),
    "what was said of a child": (
        r"words_about.*\n +Index Cond: \(about = ",
        "police",
        lambda it: it.fetch(facts_for_notice(KEYRING, "child-1")),
    ),
    "a discussion": (
        r"discussions_pkey.*\n +Index Cond: \(discussion = \(InitPlan",
        "strategy",
        lambda it: it.fetch(Query(PLANNED_ALREADY, INVITED, all_rows)),
    ),
}


@pytest.mark.usefixtures("many_texts")
@pytest.mark.parametrize("name", LOOKED_UP)
async def test_what_concerns_one_child_is_looked_up_and_not_sought_among_what_concerns_all(
    database: Database, name: str
) -> None:
    found, role, ask = LOOKED_UP[name]
    plans = await plans_of(database, role, ask)
    assert re.search(found, plans), plans


async def test_what_a_person_has_not_answered_cannot_be_sought_among_all_that_was_sent_in_a_day(
    database: Database,
) -> None:
    """Of many deliveries PostgreSQL would read those of the day as well, and then compare."""
    plans = await plans_of(
        database, "carers", lambda it: it.fetch(conversations.unanswered_by(["person-1"], [b"n"], NOW))
    )
    assert "deliveries_of_person" in plans
    assert not re.search(r"\(created_at [<>]", plans), "the index of the times could be asked"


OPEN = """
    INSERT INTO delivery.deliveries
        (id, service, lane, state, child, urgent, exercise, code, attempts, created_at, next_attempt_at, key_owner, changed_at)
    SELECT gen_random_uuid(), 'police', 'force-a', 'waiting', 'child', n % 2 = 0, false, '', 1, now(), now() + n * interval '1 s',
        'child', now()
    FROM generate_series(1, 10000) AS n
"""


async def test_what_is_due_next_is_found_without_reading_ten_thousand_open_deliveries(database: Database) -> None:
    with psycopg.connect(database.admin_url) as owner:
        owner.execute(OPEN)
    engine = database.engine("police")
    try:
        async with engine.connect() as connection:
            asked = leases.next_at(NOW)
            plan = await connection.exec_driver_sql(
                f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {asked.sql}", dict(asked.parameters)
            )
            [[[top]]] = plan
            assert top["Plan"]["Shared Hit Blocks"] + top["Plan"]["Shared Read Blocks"] < 50
    finally:
        await engine.dispose()
        with psycopg.connect(database.admin_url) as owner:
            owner.execute("DELETE FROM delivery.deliveries WHERE child = 'child'")
