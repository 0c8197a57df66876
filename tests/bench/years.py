"""How large each table is after ten years of England, with and without retention: `python -m tests.bench.years`.

Fills a database of its own with a thousandth of the rows that ten years of reports leave, at the numbers of docs/capacity.md, and
multiplies what it finds. Then it deletes what `retention.yaml` ends. The rows are made up by SQL and are as long as real ones; the
sweeps themselves are tested in tests/integration/store/test_disposal.py.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql

from services.platform.store.disposal import Record, schedule
from tests.support.engines.database import mortal_database

REPORTS_A_DAY = 230
YEARS = 10
READERS = ("carers", "protocol", "professionals", "strategy", "police", "console", "casework")
SPEAKERS = ("carers", "protocol", "professionals", "strategy", "police")
KEY, BYTES, JSON = (
    "md5({i}::text)",
    "decode(repeat(md5({i}::text), {n} / 16), 'hex')",
    "jsonb_build_object('said', repeat(md5({i}::text), {n} / 32))",
)


@dataclass(frozen=True)
class Table:
    """`a_report`: how many rows a report leaves. `since`: the column by which their age is counted. `long`: the bytes of the
    columns that are long. `said`: columns that a check of the database restricts, in SQL.
    """

    a_report: float
    since: str | None
    long: Mapping[str, int] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)


TABLES = {
    "audit.entries": Table(48, "recorded_at", {"envelope": 900}),
    "audit.duties": Table(13, "next_step_at"),
    "audit.heads": Table(4, None),
    "console.entries": Table(47, "heard_at", {"content": 400}),
    "console.duties": Table(13, "changed_at", {"content": 900}),
    "console.episodes": Table(1, "changed_at", {"content": 900}),
    "console.acts": Table(3, "at"),
    **{f"{service}.inbox": Table(132 / len(READERS), "done_at") for service in READERS},
    **{f"{service}.published": Table(49 / len(SPEAKERS), "published_at", {"envelope": 900}) for service in SPEAKERS},
    "deadlines.due": Table(35, "due_at", {"envelope": 450}, {"fired_at": "{at}"}),
    "delivery.deliveries": Table(
        14, "changed_at", {"telling": 500, "body": 600}, {"state": "'accepted'", "created_at": "{at}"}
    ),
    "delivery.attempts": Table(15, "started_at", {}, {"delivery": "md5({i}::text)::uuid"}),
    "carers.texts_in": Table(3, "received_at", {"body": 100}, {"worked_at": "{at}", "flaw": "NULL"}),
    "carers.claims": Table(1, "expires_at", {}, {"kind": "'return'"}),
    "register.words": Table(5, "at", {"words": 200}),
    "register.sealed_keys": Table(1, None),
    "strategy.discussions": Table(1, "starts_at", {}, {"state": "'held'", "form": "'urgent'"}),
    "strategy.attendees": Table(4, "replied_at", {}, {"reply": "'accepted'"}),
    "strategy.records": Table(0.5, "at", {"content": 1500}),
    "police.episodes": Table(1, "told_at", {}, {"state": "'returned'"}),
    "protocol.cases": Table(0.5, None, {"state": 4000}),
    "professionals.grouped": Table(4, "at"),
    "professionals.deeds": Table(3, "at"),
}
COLUMNS = """
    SELECT column_name, udt_name FROM information_schema.columns
    WHERE table_schema || '.' || table_name = %s AND is_identity = 'NO' AND is_generated = 'NEVER' ORDER BY ordinal_position
"""
OF_TYPE = {
    "text": KEY, "uuid": f"{KEY}::uuid", "bytea": BYTES, "jsonb": JSON, "timestamptz": "{at}", "bool": "false",
    "int4": "{i}", "int8": "{i}", "_text": "ARRAY[md5({i}::text)]", "interval": "interval '1 hour'", "date": "{at}::date",
}  # fmt: skip
SIZE = """
    SELECT pg_total_relation_size(%(name)s::regclass) + coalesce(sum(pg_total_relation_size(relid)), 0)
    FROM pg_partition_tree(%(name)s::regclass) WHERE isleaf AND relid <> %(name)s::regclass
"""


def fill(connection: psycopg.Connection, name: str, table: Table, rows: int) -> None:
    """Spread evenly over the years until now."""
    at = f"(now() - interval '{YEARS} years' * (1 - i / {rows}::float8))"
    values = {}
    for column, kind in connection.execute(COLUMNS, (name,)).fetchall():
        written = table.said.get(column) or (
            f"repeat({KEY}, {{n}} / 32)" if kind == "text" and column in table.long else OF_TYPE[kind]
        )
        values[column] = written.format(i="i", at=at, n=table.long.get(column, 32))
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM generate_series(1, {}) AS i").format(
            sql.Identifier(*name.split(".")),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(map(sql.SQL, values.values())),
            rows,
        )
    )


def dispose(connection: psycopg.Connection, name: str, table: Table, record: Record) -> None:
    """What the schedule ends; that a search may still be open is nothing that these rows know of."""
    kept = record.kept or (timedelta(days=30.44 * record.months) if record.months else None)
    if kept is not None and table.since is not None:
        which = sql.Identifier(*name.split(".")), sql.Identifier(table.since)
        connection.execute(sql.SQL("DELETE FROM {} WHERE {} < now() - %s").format(*which), (kept,))


def records() -> Iterator[tuple[str, Record]]:
    for record in schedule().records.values():
        for name in record.tables:
            yield name, record


class Size(NamedTuple):
    """Of England."""

    name: str
    rows: int
    without: int
    having: int


def measure(share: int) -> list[Size]:
    """Bytes without and with retention."""
    of = dict(records())
    found = []
    with (
        tempfile.TemporaryDirectory() as folder,
        mortal_database(Path(folder), durable=False) as server,
        psycopg.connect(server.database.admin_url, autocommit=True) as connection,
    ):
        connection.execute("SET session_replication_role = replica")  # each table by itself: no references, no triggers
        for name, table in TABLES.items():
            rows = round(table.a_report * REPORTS_A_DAY * 365.25 * YEARS / share)
            fill(connection, name, table, rows)
            without = size(connection, name)
            dispose(connection, name, table, of.get(name) or of[f"each.{name.partition('.')[2]}"])
            found.append(Size(name, rows * share, without * share, size(connection, name) * share))
    return found


def size(connection: psycopg.Connection, name: str) -> int:
    """With its indexes and months, and nothing empty between."""
    connection.execute(sql.SQL("VACUUM (FULL) {}").format(sql.Identifier(*name.split("."))))
    [found] = connection.execute(SIZE, {"name": name}).fetchone() or (0,)
    return int(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=int, default=1000, help="makes one row of so many")
    found = measure(parser.parse_args().share)
    print("| table | rows, million | GB without retention | GB with it |\n| --- | --- | --- | --- |")
    for line in ("inbox", "published"):
        several = [each for each in found if each.name.endswith(f".{line}")]
        found = [each for each in found if each not in several] + [_together(f"each.{line}", several)]
    for each in [*sorted(found, key=lambda each: -each.without), _together("all", found)]:
        print(f"| `{each.name}` | {each.rows / 1e6:,.1f} | {each.without / 1e9:,.1f} | {each.having / 1e9:,.1f} |")


def _together(name: str, sizes: list[Size]) -> Size:
    return Size(name, sum(e.rows for e in sizes), sum(e.without for e in sizes), sum(e.having for e in sizes))


if __name__ == "__main__":
    main()
