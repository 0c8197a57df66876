"""A record of any length: whole chains, rightly hashed, and anchored as they grow."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from infra.local.settings.layout import ROOT
from services.audit.policy.chain import NOTHING_BEFORE, Head, anchor_hash, entry_hash, moment
from services.safeguarding.identifiers import new_id
from tests.support.engines.database import Database

CHAINS_AN_ANCHOR = 50
KINDS = ("protocol.decided.v1", "delivery.attempted.v1", "duty.changed.v1")
COPY = "COPY audit.entries (chain, position, recorded_at, kind, happened_at, envelope, previous, hash) FROM STDIN"
WRITTEN_AT_ONCE = 1000
ENVELOPE = (
    '{"specversion": "1.0", "id": "%s", "source": "/safe-return/protocol", "type": "%s", "subject": "%s", "time": "%s", '
    '"datacontenttype": "application/json", "data": {"authority": "kestrel", "rule": "tell-police-missing", '
    '"protocol": "missing-from-care 2026.1", "about": "%s"}}'
)
WATCHED = """
import atexit, re, runpy, sys
atexit.register(lambda: print("peak", re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1], file=sys.stderr))
sys.argv = ["services", *sys.argv[1:]]
runpy.run_module("services", run_name="__main__")
"""


@dataclass(frozen=True)
class Run:
    """One run of `audit verify`. `peak_mb`: the most memory that it held at once."""

    code: int
    said: str
    peak_mb: float
    seconds: float


def fill(database: Database, entries: int, *, length: int = 100, padding: int = 400) -> int:
    """Adds at least so many entries in chains of `length`, with an anchor for every fifty chains. Returns how many it added."""
    made = 0
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("SET synchronous_commit = off")
        while made < entries:
            chains = max(1, min(CHAINS_AN_ANCHOR, (entries - made) // length))
            _anchor(connection, [_add_chain(connection, length, "x" * padding) for _ in range(chains)])
            connection.commit()
            made += chains * length
        connection.execute("ANALYZE audit.entries, audit.heads, audit.tips")
    return made


def _add_chain(connection: psycopg.Connection, length: int, padding: str) -> Head:
    child, before, began = new_id("child"), NOTHING_BEFORE, datetime.now(UTC) - timedelta(seconds=length)
    rows: list[str] = []
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for place in range(1, length + 1):
            at, kind = began + timedelta(seconds=place), KINDS[place % len(KINDS)]
            envelope = (ENVELOPE % (f"{child}-{place}", kind, child, moment(at), padding)).encode()
            hashed = entry_hash(child, place, at, before, envelope)
            bytes_ = "\t\\\\x".join(each.hex() for each in (envelope, before, hashed))
            rows.append(f"{child}\t{place}\t{at}\t{kind}\t{at}\t\\\\x{bytes_}\n")
            before = hashed
            if len(rows) == WRITTEN_AT_ONCE or place == length:
                copy.write("".join(rows))
                rows.clear()
    connection.execute("INSERT INTO audit.tips VALUES (%s, %s, %s)", (child, length, before))
    return Head(child, length, before)


def _anchor(connection: psycopg.Connection, heads: Sequence[Head]) -> None:
    """As `audit.anchor` does, which would read again all that was added in the last ten minutes."""
    last = connection.execute("SELECT number, hash FROM audit.anchors ORDER BY number DESC LIMIT 1").fetchone()
    (number, previous), at = last or (0, NOTHING_BEFORE), datetime.now(UTC)
    connection.cursor().executemany(
        "INSERT INTO audit.heads VALUES (%s, %s, %s, %s)",
        [(head.chain, head.position, head.hash, number + 1) for head in heads],
    )
    hashed = anchor_hash(number + 1, at, previous, heads)
    connection.execute("INSERT INTO audit.anchors VALUES (%s, %s, %s, %s)", (number + 1, at, previous, hashed))


def verify(database: Database, *options: str) -> Run:
    """As an auditor would at the command line."""
    settings = database.settings("audit")
    environment = os.environ | {
        "SAFE_RETURN_DATABASE": settings.database,
        "SAFE_RETURN_DATABASE_PASSWORD": settings.database_password.get_secret_value(),
        "SAFE_RETURN_HTTP_PORT": "1",
    }
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, "audit", "verify", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    peak = re.search(r"^peak (\d+)$", done.stderr, re.MULTILINE)
    assert peak is not None, done.stderr
    return Run(done.returncode, done.stdout + done.stderr, int(peak[1]) / 1024, seconds)
