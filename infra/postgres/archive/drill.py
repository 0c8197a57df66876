"""Restores the newest copy aside, checks all of it, and leaves in the place how long that took."""

import asyncio
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.ext.asyncio import create_async_engine

from infra.postgres import place
from infra.postgres.archive.keeper import DRILLS, DrillRecord
from infra.postgres.archive.restoration import Restored, restore
from infra.postgres.archive.vault import CannotRestore, Reader
from services.audit.verification import Verified, one_moment, verify_all

TABLES = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"


def drill(reader: Reader, aside: Path) -> tuple[Restored, DrillRecord]:
    """In a folder that is removed afterwards. Raises CannotRestore, PlaceAway; then nothing is recorded."""
    entries = 0

    def check(url: str) -> None:
        nonlocal entries
        _read_every_row(url)
        verified = asyncio.run(_verify(url))
        if verified.faults:
            raise CannotRestore(f"the restored record does not hold: {verified.faults[0]}")
        entries = verified.entries

    begun = datetime.now(UTC)
    try:
        restored = restore(reader, place.find(aside), check=check)
    finally:
        place.remove(aside)
    record = DrillRecord(
        at=begun, base=restored.base.at, seconds=restored.seconds, bytes=restored.bytes, entries=entries
    )
    reader.place.put(f"{DRILLS}/{begun:%Y%m%dT%H%M%SZ}.json", BytesIO(record.model_dump_json().encode()))
    return restored, record


def _read_every_row(url: str) -> None:
    """PostgreSQL compares each page with its checksum as it reads it."""
    with psycopg.connect(url) as connection:
        for schema, table in connection.execute(TABLES).fetchall():
            connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table)))


async def _verify(url: str) -> Verified:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        async with one_moment(engine) as connection:
            return await verify_all(connection)
    finally:
        await engine.dispose()
