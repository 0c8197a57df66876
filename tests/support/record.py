"""A record of any length, written by the database itself: whole chains, rightly hashed, and anchored as they grow."""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass

import psycopg

from infra.local.layout import ROOT
from tests.support.database import Database

CHAINS_AT_ONCE = 50
FILL = """
    DO $$
    DECLARE
        child text;
        began timestamptz;
        at timestamptz;
        before bytea;
        bytes bytea;
        kinds text[] := ARRAY['protocol.decided.v1', 'delivery.attempted.v1', 'duty.changed.v1'];
        kind text;
    BEGIN
        FOR one IN 1..{chains} LOOP
            child := 'child-' || gen_random_uuid();
            before := decode(repeat('00', 32), 'hex');
            began := clock_timestamp() - interval '1 second' * {length};
            FOR place IN 1..{length} LOOP
                at := began + place * interval '1 second';
                kind := kinds[1 + place % 3];
                bytes := convert_to(
                    '{{"specversion": "1.0", "id": "' || gen_random_uuid() || '", "source": "urn:safe-return:protocol", "type": "'
                    || kind || '", "subject": "' || child || '", "time": "' || audit.moment(at)
                    || '", "datacontenttype": "application/json", "data": {{"authority": "kestrel", "rule": "tell-police-missing", '
                    || '"protocol": "missing-from-care 2026.1", "about": "' || repeat('x', {padding}) || '"}}}}', 'UTF8');
                INSERT INTO audit.entries
                SELECT child, place, at, kind, at, NULL, NULL, NULL, bytes, before,
                    sha256(convert_to('safe-return audit entry 1' || chr(10) || child || chr(10) || place || chr(10)
                        || audit.moment(at) || chr(10) || encode(before, 'hex') || chr(10) || encode(sha256(bytes), 'hex')
                        || chr(10), 'UTF8'))
                RETURNING hash INTO before;
            END LOOP;
            INSERT INTO audit.tips VALUES (child, {length}, before);
        END LOOP;
        PERFORM audit.anchor(clock_timestamp());
    END $$
"""
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
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        while made < entries:
            chains = max(1, min(CHAINS_AT_ONCE, (entries - made) // length))
            connection.execute(FILL.format(chains=chains, length=length, padding=padding).encode())
            made += chains * length
        connection.execute("ANALYZE audit.entries, audit.heads, audit.tips")
    return made


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
