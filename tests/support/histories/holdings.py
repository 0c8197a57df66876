"""A person's year in the database: a row in each table that holds something of people, with a value in each column."""

import json
import re
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from services.platform.store.disposal import Holding, holdings
from services.platform.store.encryption import DataKey, Keyring
from services.platform.store.query import AT_LOGIN
from tests.support.engines.database import Database

COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a
    WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = '' ORDER BY a.attnum
"""
KEY = "SELECT owner, wrapped FROM register.data_keys WHERE owner = %s"
MASKED = re.compile(r"\[[a-z][a-z.-]* \d+\]")
AT = datetime(2025, 12, 1, 9, tzinfo=UTC)


@dataclass
class Year:
    """`told` is what somebody wrote, with the names and numbers of others in it; `masked` the same as it may be given."""

    database: Database
    keyring: Keyring
    subject: str
    linked: dict[str, Any]
    told: str
    masked: str
    put: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By table, the columns of each row as they should be shown."""
    days: int = 0

    def add(self, table: str, *, owner: str = "", **given: Any) -> None:
        """What is not `given` is made up, another value in each column. `owner`: of the key, if not the person."""
        holding = holdings()[table]
        with psycopg.connect(self.database.admin_url, autocommit=True, options=AT_LOGIN) as admin:
            columns = admin.execute(COLUMNS, [table]).fetchall()
            row = {
                name: given[name] if name in given else self._value(table, name, kind, holding)
                for name, kind in columns
            }
            stored = row | self._sealed(admin, table, row, owner or self.subject)
            names, marks = ", ".join(stored), ", ".join(f"%({name})s" for name in stored)
            admin.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})".encode(), stored)
        shown = {name: self._shown(row[name], name, holding) for name in holding.fields if row[name] is not None}
        self.put.setdefault(table, []).append(shown)

    def _value(self, table: str, name: str, kind: str, holding: Holding) -> Any:
        if f"{table}.{name}" in self.linked or name in self.linked:
            return self.linked.get(f"{table}.{name}", self.linked.get(name))
        if name in holding.sealed:
            return f"{name}: {self.told}"
        self.days += 1
        made: dict[str, Any] = {
            "text": f"{name} of {table} {uuid4()}", "uuid": uuid4(), "boolean": True, "integer": self.days, "bigint": self.days, "smallint": 1,
            "timestamp with time zone": AT + timedelta(days=self.days % 364), "date": (AT + timedelta(days=self.days)).date(),
            "jsonb": Jsonb({"of": table, "day": self.days}), "text[]": [name], "bytea": uuid4().bytes * 2,
            "interval": timedelta(days=1), "time without time zone": "09:00:00",
        }  # fmt: skip
        return made[kind]

    def _sealed(self, admin: Any, table: str, row: dict[str, Any], owner: str) -> dict[str, bytes]:
        """The columns as they lie there."""
        sealed, room = holdings()[table].sealed, table.partition(".")[2]
        if not sealed:
            return {}
        key: DataKey = self.keyring.unwrap(*admin.execute(KEY, [owner]).fetchone())
        plain = {name: row[name] if isinstance(row[name], bytes) else row[name].encode() for name in sealed}
        return {name: key.close_bytes(each, f"{room}.{name}") for name, each in plain.items()}

    def _shown(self, value: Any, name: str, holding: Holding) -> Any:
        if isinstance(value, Jsonb):
            return value.obj
        if isinstance(value, bytes) and name in holding.sealed:
            return b64encode(value).decode()
        if name in holding.messages:
            return json.loads(value)
        if isinstance(value, datetime):
            return value.isoformat()
        return value if isinstance(value, bool | int | list) else str(value).replace(self.told, self.masked)


def without_labels(given: Any) -> str:
    """As text, with one mark for everybody but the person who asked."""
    return MASKED.sub("[someone]", json.dumps(given, sort_keys=True))


def masked_as(expected: Any, *others: str) -> str:
    said = json.dumps(expected, sort_keys=True)
    for each in others:
        said = said.replace(each, "[someone]")
    return said


def envelope(kind: str, data: dict[str, Any], at: datetime, *, subject: str = "", id_: UUID | None = None) -> bytes:
    said = {"id": str(id_ or uuid4()), "subject": subject, "type": kind, "time": at.isoformat(), "data": data}
    return json.dumps(said).encode()
