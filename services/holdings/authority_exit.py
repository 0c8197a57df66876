"""Exports everything of one authority, sealed to its own age key, and deletes its rows once it has them.

Works on the database as its administrator, since no service may read or delete all of it.
"""

import base64
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pyrage
from psycopg.rows import tuple_row
from pyrage import x25519
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from services.audit.verification.run import Verified, one_moment, verify_anchors, verify_chain
from services.holdings.pack import open_row
from services.platform.register.keys import Decryptor
from services.platform.runtime.commands import refuse
from services.platform.store.disposal.holdings import Holding, holdings
from services.platform.store.encryption import Keyring
from services.platform.store.query import AT_LOGIN

FORM = "safe-return authority exit 1"
MANIFEST, CERTIFICATE, KEY = "manifest.json", "certificate.json", "key.age"
AT_ONCE = 500
NOT_IN_IT = (
    "topics of Kafka, for 30 days",
    "copies of the database, until they are deleted",
    "what waits to be published, for 3 days",
)
ROWS = """
    SELECT to_jsonb(t), k.owner, k.wrapped FROM (SELECT * FROM {table} WHERE ({authority}) = %(whose)s) AS t
    LEFT JOIN register.data_keys k ON k.owner = ({key})
"""
STATE = """
    SELECT count(*), coalesce(sum(hashtextextended(to_jsonb(t)::text, 0)::numeric), 0)::text
    FROM (SELECT * FROM {table} WHERE ({authority}) = %(whose)s) AS t
"""
"""How many, and a number that changes with any of them, in whatever order."""
PLACES = "SELECT ctid FROM {table} WHERE ({authority}) = %(whose)s"
DELETE = "DELETE FROM {table} WHERE ctid = ANY(%(places)s::tid[]) AND ({authority}) = %(whose)s"
CHAINS = "SELECT chain FROM audit.tips WHERE holdings.authority_of(chain) = %(whose)s ORDER BY chain"
REMOVED = """
    INSERT INTO audit.removed (chain, position, hash, removed_at, authority)
    SELECT chain, position, hash, now(), %(whose)s FROM audit.tips WHERE holdings.authority_of(chain) = %(whose)s
    ON CONFLICT DO NOTHING
"""
HINDRANCES = "SELECT concat_ws(' ', what, named) FROM disposal.hindrances('authority-' || %(whose)s)"
HAS_BEGUN = """
    SELECT EXISTS (SELECT FROM disposal.destroyed WHERE owner = 'authority-' || %(whose)s AND at > %(exported_at)s::timestamptz)
"""
DESTROYED = "INSERT INTO disposal.destroyed SELECT 'authority-' || %(whose)s, now()"
"""So that a copy from before, where it is restored, loses the key again."""
OWN_KEY = "SELECT wrapped FROM register.authority_keys WHERE authority = %(whose)s"


class _Lines(io.RawIOBase):
    """Lines as a file that is read once. `digest` is of what was read."""

    def __init__(self, each: Iterator[bytes]) -> None:
        self._each, self._rest, self.digest = each, b"", hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        self._rest = self._rest or next(self._each, b"")
        given, self._rest = self._rest[: len(into)], self._rest[len(into) :]
        into[: len(given)] = given
        self.digest.update(given)
        return len(given)


def theirs() -> dict[str, Holding]:
    """Tables with rows that go with an authority, in the order in which they go."""
    return {table: each for table, each in holdings().items() if each.authority is not None}


def connect_as_admin(database: str) -> "psycopg.Connection[tuple[Any, ...]]":
    return psycopg.connect(database, autocommit=True, options=AT_LOGIN, row_factory=tuple_row)


async def verify_record(database: str, authority: str) -> dict[str, Any]:
    """What holds of the authority's chains and all anchors, as they stand. Raises Exit."""
    into = Verified()
    engine = create_async_engine(
        make_url(database).set(drivername="postgresql+psycopg"), connect_args={"options": AT_LOGIN}
    )
    try:
        async with one_moment(engine) as connection:
            chains = await connection.exec_driver_sql(CHAINS, {"whose": authority})
            for (chain,) in chains.all():
                await verify_chain(connection, chain, into)
            await verify_anchors(connection, into)
    finally:
        await engine.dispose()
    if into.faults or into.newest is None:
        raise refuse(f"nothing was done: the record does not hold: {[*into.faults, 'it has no anchor yet'][0]}")
    anchor = {"number": into.newest.number, "hash": into.newest.hash.hex()}
    return {"chains": into.chains, "entries": into.entries, "anchor": anchor}


def export(
    database: str, keyring: Keyring, authority: str, recipient: str, folder: Path, about: Mapping[str, Any]
) -> dict[str, Any]:
    """Writes a sealed file a table, the authority's key, and the manifest, which is returned. `about` goes into it."""
    try:
        to = x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError:
        raise refuse("an age key begins with age1 (`services fallback new-key` makes one)") from None
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    tables, whose = dict[str, Any](), {"whose": authority}
    with connect_as_admin(database) as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for table, holding in theirs().items():
            source = _Lines(_lines(connection, keyring, authority, table, holding))
            with (folder / f"{table}.jsonl.age").open("wb") as file:
                pyrage.encrypt_io(io.BufferedReader(source), file, [to])
            [(rows, state)] = connection.execute(_sql(STATE, table, holding), whose).fetchall()
            tables[table] = {"rows": rows, "sha256": source.digest.hexdigest(), "state": state}
        wrapped = connection.execute(OWN_KEY, whose).fetchone()
    if not tables["register.authorities"]["rows"]:
        raise refuse(f"nothing was done: the register holds no authority {authority}")
    key = b"" if wrapped is None else base64.b64encode(keyring.open_authority_key(bytes(wrapped[0])))
    (folder / KEY).write_bytes(pyrage.encrypt(key, [to]))
    made = {"form": FORM, "authority": authority, "recipient": recipient, "not_in_it": NOT_IN_IT}
    manifest = made | {**about, "tables": tables}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1))
    return manifest


def _lines(
    connection: "psycopg.Connection[tuple[Any, ...]]", keyring: Keyring, authority: str, table: str, holding: Holding
) -> Iterator[bytes]:
    with connection.cursor(name="export") as cursor:
        cursor.execute(_sql(ROWS, table, holding), {"whose": authority})
        for content, owner, wrapped in cursor:
            opened = open_row(content, Decryptor(keyring, owner or "", wrapped), holding, table)
            yield json.dumps(opened, ensure_ascii=False).encode() + b"\n"


def _sql(statement: str, table: str, holding: Holding) -> bytes:
    """Of our own words, from `holdings.yaml`."""
    return statement.format(table=table, authority=holding.authority, key=holding.key or "NULL").encode()


def require_same(database: str, manifest: Mapping[str, Any]) -> None:
    """Nothing may be deleted that is held, or was not exported, while anything is open. Where deleting was stopped,
    fewer rows are right. Raises Exit.
    """
    whose = {"whose": manifest["authority"], "exported_at": manifest["exported_at"]}
    with connect_as_admin(database) as connection:
        if hindered := [each for (each,) in connection.execute(HINDRANCES, whose)]:
            raise refuse(f"nothing was done: still open or held: {', '.join(hindered)}")
        [(was_begun,)] = connection.execute(HAS_BEGUN, whose).fetchall()
        for table, holding in theirs().items():
            [(rows, state)] = connection.execute(_sql(STATE, table, holding), whose).fetchall()
            exported = manifest["tables"][table]
            if rows > exported["rows"] or (state != exported["state"] and not was_begun):
                raise refuse(f"nothing was done: {table} has changed since the export: export again")


def dispose(database: str, authority: str) -> None:
    """Deletes its rows, `AT_ONCE` a transaction. Stopped, it goes on when it is called again."""
    whose = {"whose": authority}
    with connect_as_admin(database) as connection:
        connection.execute("SELECT audit.anchor(now())")
        connection.execute(REMOVED, whose)
        connection.execute(DESTROYED, whose)
        for table, holding in theirs().items():
            with connection.cursor(name="rows", withhold=True) as places:
                places.execute(_sql(PLACES, table, holding), whose)
                while some := places.fetchmany(AT_ONCE):
                    batch = whose | {"places": [place for (place,) in some]}
                    connection.execute(_sql(DELETE, table, holding), batch)


def certify(folder: Path, manifest: Mapping[str, Any], by: Sequence[str], at: datetime) -> Path:
    """What was deleted, by whom and when. Its place on the record: the chain of the authority."""
    disposed = {table: each["rows"] for table, each in manifest["tables"].items() if each["rows"]}
    done = {"disposed": disposed, "disposed_at": at.isoformat(), "disposed_by": list(by)}
    file = folder / CERTIFICATE
    file.write_text(json.dumps(dict(manifest) | done | {"on_record": f"authority-{manifest['authority']}"}, indent=1))
    return file
