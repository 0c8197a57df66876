"""Tells which service commits what, by PostgreSQL's own log: each transaction, named by what it changes.

The log costs processor time, so these reports are others than those whose processor time is counted.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator

import psycopg
from rich.table import Table

from infra.local.stack import Stack
from tests.bench.cost import when_quiet

IDLE_SECONDS = 20.0
LOGGED = {"log_statement": "all", "log_line_prefix": "~%a|%p~ ", "log_parameter_max_length": "0"}
LINE = re.compile(r"^~(?P<service>[a-z]+)\|(?P<pid>\d+)~ LOG:  (?:execute [^:]*|statement): (?P<sql>.*)")
CHANGED = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?P<table>[a-z_.]+)|(?P<call>(?:audit|months)\.[a-z_]+)\(")
NAMED = 6
"""Of each service, the transactions that a report makes most often."""


async def count_commits(stack: Stack, reports: int, send: Callable[[int], Awaitable[object]]) -> Table:
    """`send` sends that many reports. What an idle stack commits meanwhile is taken off."""
    log = stack.layout.log("postgres")
    async with await psycopg.AsyncConnection.connect(stack.admin_url, autocommit=True) as connection:
        for name, value in LOGGED.items():
            await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
        await connection.execute("SELECT pg_reload_conf()")
        await asyncio.sleep(1)
        start = log.stat().st_size
        await asyncio.sleep(IDLE_SECONDS)
        middle, begun = log.stat().st_size, time.monotonic()
        await send(reports)
        await when_quiet(connection)
        stretch = (time.monotonic() - begun) / IDLE_SECONDS
        await connection.execute("ALTER SYSTEM RESET ALL")
        await connection.execute("SELECT pg_reload_conf()")
    written = log.read_bytes()
    idle, busy = (Counter(transactions(_lines(each))) for each in (written[start:middle], written[middle:]))
    return _table({what: (busy[what] - idle[what] * stretch) / reports for what in busy | idle})


def transactions(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The service, and what it changed, of each that was committed. A statement outside one is one."""
    opened: dict[str, list[str]] = {}
    for service, pid, sql in _statements(lines):
        if sql.startswith("BEGIN"):
            opened[pid] = []
        elif sql.startswith("COMMIT"):
            yield service, _name(opened.pop(pid, []))
        elif sql.startswith("ROLLBACK"):
            opened.pop(pid, None)
        elif pid in opened:
            opened[pid].append(sql)
        else:
            yield service, _name([sql])


def _lines(written: bytes) -> list[str]:
    return written.decode(errors="replace").splitlines()


def _statements(lines: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    service, pid, sql = "", "", ""
    for line in lines:
        found = LINE.match(line)
        if found is None and not line.startswith("~"):
            sql += f" {line}"
            continue
        if service:
            yield service, pid, sql.strip()
        service, pid, sql = found.groups() if found is not None else ("", "", "")
    if service:
        yield service, pid, sql.strip()


def _name(statements: Iterable[str]) -> str:
    changed = (found["table"] or found["call"] for sql in statements for found in CHANGED.finditer(sql))
    return " ".join(dict.fromkeys(changed)) or "only reads"


def _table(each: dict[tuple[str, str], float]) -> Table:
    table = Table("service", "commits a report", "of which", title="Commits: one report, all duties")
    for service in sorted({service for service, _ in each}):
        own = sorted(((many, what) for (by, what), many in each.items() if by == service), reverse=True)
        told = "\n".join(f"{many:.1f} {what}" for many, what in own[:NAMED] if many > 0)
        table.add_row(service, f"{sum(many for many, _ in own):.1f}", told)
    table.add_row("all", f"{sum(each.values()):.1f}")
    return table
