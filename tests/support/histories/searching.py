"""Finds words wherever the database could still tell them: in the clear, and under every key that is left."""

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

import psycopg
from cryptography.exceptions import InvalidTag
from psycopg.rows import dict_row

from services.platform.store.encryption import DataKey, Keyring
from services.platform.store.query import AT_LOGIN
from tests.support.engines.database import Database

TABLES = """
    SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""
SEALED_IN_JSON = re.compile(r"\\\\x([0-9a-f]{56,})")


def found_in(database: Database, keyring: Keyring, words: Collection[str]) -> set[tuple[str, str]]:
    """Each of the words with the table in which it can be read."""
    with psycopg.connect(database.admin_url, options=AT_LOGIN, row_factory=dict_row) as connection:
        wrapped = connection.execute("SELECT owner, wrapped FROM register.data_keys").fetchall()
        keys = [keyring.unwrap(each["owner"], each["wrapped"]) for each in wrapped]
        names = [each["name"] for each in connection.execute(TABLES).fetchall()]
        rows = {name: connection.execute(f"SELECT * FROM {name}".encode()).fetchall() for name in names}
    return {
        (word, table)
        for table, content in rows.items()
        for row in content
        for told in _readings(table, row, keys)
        for word in words
        if word in told
    }


def _readings(table: str, row: dict[str, Any], keys: list[DataKey]) -> Iterator[str]:
    yield json.dumps(row, default=str, ensure_ascii=False)
    for column, value in row.items():
        if isinstance(value, bytes):
            yield from (value.decode(errors="replace"), value.hex())
            yield from _opened(f"{table.partition('.')[2]}.{column}", value, keys)
    for former in SEALED_IN_JSON.finditer(json.dumps(row.get("before"))):
        for column in row["before"]:
            yield from _opened(f"{row['table_name']}.{column}", bytes.fromhex(former[1]), keys)


def _opened(place: str, sealed: bytes, keys: list[DataKey]) -> Iterator[str]:
    for key in keys:
        try:
            told = key.open_bytes(sealed, place)
        except InvalidTag:
            continue
        yield told.decode(errors="replace")
        return
