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
from typing import Any, TypeAlias

import psycopg
import pyrage
from psycopg.rows import tuple_row
from pyrage import x25519
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from services.audit.store import DIGEST
from services.audit.verification import Verified, one_moment, verify_anchors, verify_chain
from services.holdings.subject_access import open_row
from services.platform.bus.administration import read_declaration
from services.platform.register.keys import Decryptor
from services.platform.runtime.commands import refuse
from services.platform.store.disposal import DELETIONS, Holding, holdings
from services.platform.store.encryption import Keyring
from services.platform.store.query import AT_LOGIN

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]
FORM = "safe-return authority exit 1"
MANIFEST, CERTIFICATE, KEY = "manifest.json", "certificate.json", "key.age"
NOT_IN_IT = ("copies of the database, until they are deleted", "what waits to be published, for 3 days")
ROWS = """
    SELECT to_jsonb(t), k.owner, k.wrapped FROM (SELECT * FROM {table} WHERE ({authority}) = %(whose)s) AS t
    LEFT JOIN register.data_keys k ON k.owner = ({key})
"""
STATE = """
    SELECT count(*), coalesce(sum(hashtextextended(to_jsonb(t)::text, 0)::numeric), 0)::text
    FROM (SELECT * FROM {table} WHERE ({authority}) = %(whose)s) AS t
"""
"""How many, and a number that changes with any of them, in whatever order."""
DELETE = "DELETE FROM {table} WHERE ({authority}) = %(whose)s"
CHAINS = "SELECT chain FROM audit.tips WHERE holdings.authority_of(chain) = %(whose)s ORDER BY chain"
HEADS = f"SELECT {DIGEST} FROM audit.tips WHERE holdings.authority_of(chain) = %(whose)s"  # noqa: S608 our own words
REMOVED = """
    INSERT INTO audit.removed (chain, position, hash, removed_at, authority, heads)
    SELECT chain, position, hash, now(), %(whose)s, %(heads)s FROM audit.tips
    WHERE holdings.authority_of(chain) = %(whose)s
"""
HINDRANCES = "SELECT concat_ws(' ', what, named) FROM disposal.hindrances('authority-' || %(whose)s)"
IS_GONE = """
    SELECT NOT EXISTS (SELECT FROM register.authorities WHERE id = %(whose)s) AND EXISTS (
        SELECT FROM disposal.destroyed WHERE owner = 'authority-' || %(whose)s AND at > %(exported_at)s::timestamptz)
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


def connect_as_admin(database: str) -> Connection:
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
        [(heads,)] = connection.execute(HEADS, whose).fetchall()
    if not tables["register.authorities"]["rows"]:
        raise refuse(f"nothing was done: the register holds no authority {authority}")
    key = b"" if wrapped is None else base64.b64encode(keyring.open_authority_key(bytes(wrapped[0])))
    (folder / KEY).write_bytes(pyrage.encrypt(key, [to]))
    topics = [f"topic {each.name} of Kafka, for {each.retention_days} days" for each in read_declaration()]
    made = {"form": FORM, "authority": authority, "recipient": recipient, "not_in_it": [*topics, *NOT_IN_IT]}
    manifest = made | {**about, "heads": heads, "tables": tables}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1))
    return manifest


def _lines(connection: Connection, keyring: Keyring, authority: str, table: str, holding: Holding) -> Iterator[bytes]:
    with connection.cursor(name="export") as cursor:
        cursor.execute(_sql(ROWS, table, holding), {"whose": authority})
        for content, owner, wrapped in cursor:
            opened = open_row(content, Decryptor(keyring, owner or "", wrapped), holding, table)
            yield json.dumps(opened, ensure_ascii=False).encode() + b"\n"


def _sql(statement: str, table: str, holding: Holding) -> bytes:
    """Of our own words, from `holdings.yaml`."""
    return statement.format(table=table, authority=holding.authority, key=holding.key or "NULL").encode()


def dispose(database: str, manifest: Mapping[str, Any], *, looking: bool = False) -> None:
    """Deletes the authority's rows, all or none, in one transaction that compares what it deletes: nothing goes that is
    held or was not exported, and nothing at all while something is open. What comes meanwhile stays. Does nothing once
    all is gone.

    `looking`: only says whether it would. Raises Exit.
    """
    whose = {"whose": manifest["authority"]} | {name: manifest[name] for name in ("exported_at", "heads")}
    with connect_as_admin(database) as connection:
        if connection.execute(IS_GONE, whose).fetchone() == (True,):
            return
        if not looking:
            connection.execute("SELECT audit.anchor(now())")
            # As `sweep.ALONE`, but before the transaction, which sees no hold that was made after its first statement.
            connection.execute(f"SELECT pg_advisory_lock({DELETIONS})")
        try:
            with connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                _require_same(connection, manifest, whose)
                if not looking:
                    _delete(connection, whose)
        except psycopg.errors.SerializationFailure:
            raise refuse("nothing was done: rows have changed meanwhile; export again") from None


def _require_same(connection: Connection, manifest: Mapping[str, Any], whose: Mapping[str, str]) -> None:
    if hindered := [each for (each,) in connection.execute(HINDRANCES, whose)]:
        raise refuse(f"nothing was done: still open or held: {', '.join(hindered)}")
    for table, holding in theirs().items():
        [found] = connection.execute(_sql(STATE, table, holding), whose).fetchall()
        if found != (manifest["tables"][table]["rows"], manifest["tables"][table]["state"]):
            raise refuse(f"nothing was done: {table} has changed since the export; export again")


def _delete(connection: Connection, whose: Mapping[str, str]) -> None:
    connection.execute(REMOVED, whose)
    connection.execute(DESTROYED, whose)
    for table, holding in theirs().items():
        connection.execute(_sql(DELETE, table, holding), whose)


def certify(folder: Path, manifest: Mapping[str, Any], by: Sequence[str], at: datetime) -> Path:
    """What was deleted, by whom and when. Its place on the record: the chain of the authority."""
    disposed = {table: each["rows"] for table, each in manifest["tables"].items() if each["rows"]}
    done = {"disposed": disposed, "disposed_at": at.isoformat(), "disposed_by": list(by)}
    file = folder / CERTIFICATE
    file.write_text(json.dumps(dict(manifest) | done | {"on_record": f"authority-{manifest['authority']}"}, indent=1))
    return file
