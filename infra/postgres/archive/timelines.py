"""Asks the database for its timeline, and keeps the histories of timelines where the receiver looks for them."""

import gzip
from pathlib import Path

import psycopg

from services.platform.store.engine import NOTICES_LOSS

HISTORY_SUFFIX = ".history"


def identify() -> tuple[str, int, str]:
    """The database's system, its timeline, and PostgreSQL's history of that: empty for the first."""
    with psycopg.connect(
        "replication=true client_encoding=sql_ascii", connect_timeout=5, autocommit=True, **NOTICES_LOSS
    ) as connection:
        [(system, timeline, *_)] = connection.execute("IDENTIFY_SYSTEM").fetchall()
        asked = f"TIMELINE_HISTORY {timeline}"
        history = connection.execute(asked).fetchall()[0][1] if timeline > 1 else b""
    return system.decode(), timeline, history.decode()


def keep_history(file: Path) -> None:
    """The receiver looks for it under its own name, and otherwise asks the database, which may have been made anew."""
    unfinished = file.with_suffix(".tmp")
    unfinished.write_bytes(gzip.decompress(file.read_bytes()))
    unfinished.rename(file.with_suffix(""))
