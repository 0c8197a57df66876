"""An authority that leaves takes all of its own with it, and no other's rows change by a byte."""

import asyncio
import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pyrage
import pytest
from fastapi import FastAPI
from pyrage import x25519
from typer.testing import CliRunner, Result

from services.audit.store import DIGEST
from services.audit.verification import one_moment, verify_all
from services.holdings import authority_exit
from services.holdings.authority_exit import CERTIFICATE, KEY, MANIFEST, theirs
from services.holdings.commands import exits
from services.options.register_upkeep.commands import register
from services.platform.register import words
from services.platform.register.keys import data_keys
from services.platform.runtime.clocks import Clocks
from services.platform.store.disposal import MAY_SWEEP
from services.platform.store.encryption import Keyring
from services.platform.store.query import AT_LOGIN
from services.platform.store.unit_of_work import Store
from services.safeguarding.operators import OperatorRole
from tests.support.engines.database import Database
from tests.support.histories.holdings import envelope
from tests.support.in_process.casework import ImportAuth, casework
from tests.support.in_process.console import account, browser_at, csrf_in, sign_in, somewhere
from tests.support.in_process.operators import CodedOperators, set_service
from tests.support.in_process.register import authority, load, own_part
from tests.support.signatures import SIGNERS, signer_of, unsigned

CLOCKS = Clocks()
IDENTITY = x25519.Identity.generate()
SAID = "She is talking about leaving"


def rows_of(database: Database, whose: str) -> dict[str, list[str]]:
    """As they lie in the database, by table."""
    with psycopg.connect(database.admin_url, options=AT_LOGIN) as admin:
        return {
            table: sorted(
                row for (row,) in admin.execute(
                    f"SELECT to_jsonb(t)::text FROM (SELECT * FROM {table} WHERE ({each.authority}) = %s) AS t".encode(), [whose]
                )
            )
            for table, each in theirs().items()
        }  # fmt: skip


async def lives(database: Database, opened: Store, keyring: Keyring) -> tuple[str, str]:
    """An authority with a register, an absence that is over, words, a delivery and a chain; and a child of it."""
    document, engine = authority(), database.engine("casework")
    ids = await load(engine, keyring, document, CLOCKS.wall())
    name, child, episode = str(document["authority"]["id"]), ids["C1"], uuid4()
    async with Store(engine).transaction() as uow:
        await words.keep(uow, keyring, about=child, words=SAID, said_by=ids["ash"], at=CLOCKS.wall())
        stranger = uuid4().bytes * 2
        owner, unnamed = f"number-{stranger.hex()}", f"provisional-{uuid4()}"
        await data_keys(uow.connection, keyring, [owner, unnamed])
        await words.keep(uow, keyring, about=unnamed, words=SAID, said_by=owner, at=CLOCKS.wall())
    await engine.dispose()
    await account(opened, authority=name)
    row: dict[str, Any] = {
        "child": child,
        "name": name,
        "episode": episode,
        "stranger": stranger,
        "unnamed": unnamed,
        "at": CLOCKS.wall(),
        "content": json.dumps({"authority": name}),
    }
    with psycopg.connect(database.admin_url, autocommit=True, options=AT_LOGIN) as admin:
        admin.execute(
            "INSERT INTO console.episodes VALUES (%(episode)s, %(child)s, 1, 'closed', %(at)s, %(at)s, false, %(content)s, 'ABCDE')",
            row,
        )
        admin.execute(
            "INSERT INTO carers.provisionals VALUES (%(unnamed)s, %(stranger)s, NULL, %(at)s, %(at)s, %(name)s, NULL)",
            row,
        )
        admin.execute(
            """INSERT INTO carers.texts_in (message_sid, number_hash, sender, body, received_at, story_at, next_try_at)
               VALUES (%(unnamed)s, %(stranger)s, %(stranger)s, %(stranger)s, %(at)s, %(at)s, %(at)s)""",
            row,
        )
        admin.execute("INSERT INTO protocol.cases VALUES (%(child)s, 1, '{}')", row)
        for number in range(3):
            message = envelope("child.returned.v1", {"authority": name, "number": number}, row["at"], subject=child)
            admin.execute(
                "SELECT audit.append(%(child)s, now(), 'child.returned.v1', %(at)s, NULL, NULL, NULL, %(bytes)s, NULL)",
                row | {"bytes": message},
            )
        admin.execute("SELECT audit.anchor(now())")
    return name, child


class Leaving:
    """The two commands, by people who see every authority: 0 and 1; 2 sees one alone."""

    def __init__(self, operators: CodedOperators, authority: str, folder: Path) -> None:
        self._operators, self._authority, self.folder = operators, authority, folder

    def export(self, by: int = 0) -> Result:
        to = ["--recipient", str(IDENTITY.to_public()), "--folder", str(self.folder)]
        return self._run("export", *to, "--code", self._operators.names[by])

    def dispose(self, by: int = 0, second: int = 1) -> Result:
        names = self._operators.names
        return self._run("dispose", "--folder", str(self.folder), "--code", names[by], "--second-code", names[second])

    def _run(self, command: str, *arguments: str) -> Result:
        return CliRunner().invoke(exits, [command, self._authority, *arguments])

    def opened(self, name: str) -> list[dict[str, Any]]:
        plain = pyrage.decrypt((self.folder / f"{name}.jsonl.age").read_bytes(), [IDENTITY])
        return [json.loads(line) for line in plain.decode().splitlines()]


@pytest.fixture
def operators(database: Database, monkeypatch: pytest.MonkeyPatch) -> CodedOperators:
    set_service("casework", database, monkeypatch)
    monkeypatch.setenv("SAFE_RETURN_ADMIN_DATABASE", database.admin_url)
    return CodedOperators(database)


def said(database: Database, authority: str) -> list[bytes]:
    """What the command published."""
    sql = "SELECT envelope FROM casework.outbox WHERE key = %s ORDER BY position"
    with psycopg.connect(database.admin_url, options=AT_LOGIN) as admin:
        return [bytes(each) for (each,) in admin.execute(sql, [f"authority-{authority}"])]


async def record(database: Database, authority: str, signed: Callable[[bytes], bytes] = lambda said: said) -> None:
    """As the audit does with what the command published, or with what somebody made of it."""
    with psycopg.connect(database.admin_url, autocommit=True, options=AT_LOGIN) as admin:
        key = f"authority-{authority}"
        for each in said(database, authority):
            sql = "SELECT audit.append(%s, now(), 'organisation.changed.v1', %s, NULL, NULL, NULL, %s, NULL)"
            admin.execute(sql, [key, json.loads(each)["time"], signed(each)])
        admin.execute("SELECT audit.anchor(now())")


async def faults(database: Database) -> list[str]:
    engine = database.engine("audit")
    async with one_moment(engine) as connection:
        found = await verify_all(connection)
    await engine.dispose()
    return found.faults


async def test_all_of_its_own_goes_with_a_certificate_and_nobody_elses(
    database: Database,
    opened: Store,
    keyring: Keyring,
    operators: CodedOperators,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (ours, child), (theirs_, their_child) = [await lives(database, opened, keyring) for _ in range(2)]
    before, leaving = rows_of(database, theirs_), Leaving(operators, ours, tmp_path)
    held = {table: len(rows) for table, rows in rows_of(database, ours).items()}
    assert {name for name, rows in held.items() if rows} >= {
        *("audit.entries", "protocol.cases", "register.children", "register.words", "register.sealed_keys"),
        *("register.people", "register.authorities", "console.accounts", "register.placements"),
    }
    done = await asyncio.to_thread(leaving.export)
    assert done.exit_code == 0, done.output
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    assert {table: each["rows"] for table, each in manifest["tables"].items()} == held
    assert [each["name"] for each in leaving.opened("register.children") if each["id"] == child] == ["Amara C1 Diallo"]
    assert [each["words"] for each in leaving.opened("register.words")] == [SAID, SAID]
    assert [
        each["envelope"]["data"]["number"] for each in leaving.opened("audit.entries") if each["chain"] == child
    ] == [0, 1, 2]
    plain = pyrage.decrypt((tmp_path / "register.words.jsonl.age").read_bytes(), [IDENTITY])
    assert hashlib.sha256(plain).hexdigest() == manifest["tables"]["register.words"]["sha256"]
    assert len(b64decode(pyrage.decrypt((tmp_path / KEY).read_bytes(), [IDENTITY]))) == 32

    with monkeypatch.context() as keyless:
        keyless.delenv("SAFE_RETURN_SIGNING_KEY")
        assert (await asyncio.to_thread(leaving.dispose)).exit_code == 1, "nobody could record that it left"
    with monkeypatch.context() as stopped:
        stopped.setattr(
            authority_exit,
            "DELETE",
            f"{authority_exit.DELETE} AND (tableoid <> 'register.people'::regclass OR 1 / 0 = 1)",
        )
        assert (await asyncio.to_thread(leaving.dispose)).exit_code == 1
    assert {table: len(rows) for table, rows in rows_of(database, ours).items()} == held, "all goes or nothing"
    for _ in ("stopped before its certificate", "again"):
        done = await asyncio.to_thread(leaving.dispose)
        assert done.exit_code == 0, done.output
    certificate = json.loads((tmp_path / CERTIFICATE).read_text())
    assert certificate["disposed"] == {table: rows for table, rows in held.items() if rows}
    assert certificate["record"]["anchor"] == manifest["record"]["anchor"]
    assert len(set(certificate["disposed_by"])) == 2
    assert set(certificate["not_in_it"]) > {
        "topic child-events of Kafka, for 30 days",
        "topic dead-letters of Kafka, for 365 days",
    }
    assert {table: rows for table, rows in rows_of(database, ours).items() if rows} == {}
    assert rows_of(database, theirs_) == before
    with psycopg.connect(database.admin_url, options=AT_LOGIN) as admin:
        numbers = "SELECT count(*) FROM register.sealed_keys WHERE authority = '*' AND (starts_with(owner, 'number-') OR starts_with(owner, 'prov'))"
        left = [
            admin.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
            for table in ("carers.texts_in", "register.words")
        ]
        destroyed = admin.execute("SELECT owner FROM disposal.destroyed").fetchall()
        assert destroyed == [(f"authority-{ours}",)], "a backup from before loses its key again"
        assert [*left, admin.execute(numbers.encode()).fetchone()] == [(1,), (2,), (2,)], "a stranger's go too"
    assert await faults(database), "chains are gone, and nothing on the record says that the authority left"
    anothers = signer_of("casework", b64encode(b"a" * 32).decode())
    signed_by_others = [
        unsigned,
        *(lambda said, by=by: by.sign(unsigned(said)) for by in (anothers, SIGNERS["police"])),
    ]
    for each in signed_by_others:
        await record(database, ours, each)
        assert await faults(database), "no service that may say so has said that the authority left"
    await record(database, ours)
    assert await faults(database) == []
    with psycopg.connect(database.admin_url, autocommit=True, options=AT_LOGIN) as admin:
        admin.execute("DELETE FROM audit.entries WHERE chain = %s", [their_child])
        for heads in (
            "min(heads) FROM audit.removed WHERE authority = %(ours)s",
            f"{DIGEST} FROM audit.tips WHERE chain = %(chain)s",
        ):
            forged = "INSERT INTO audit.removed SELECT chain, position, hash, now(), %(ours)s"
            forged = f"{forged}, (SELECT {heads}) FROM audit.tips WHERE chain = %(chain)s"
            admin.execute(forged.encode(), {"ours": ours, "chain": their_child})
            gone = f"{their_child}: the whole chain was removed; it had 3 entries when it was last anchored"
            assert gone in await faults(database), "what did not go with the authority is put down to it"
            admin.execute("DELETE FROM audit.removed WHERE chain = %s", [their_child])


@pytest.mark.parametrize("hangs_on_another", [True, False])
async def test_what_comes_after_the_last_look_is_not_deleted(
    database: Database,
    opened: Store,
    keyring: Keyring,
    operators: CodedOperators,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    hangs_on_another: bool,
) -> None:
    """Where it would go with the row on which it hangs, nothing goes."""
    name, child = await lives(database, opened, keyring)
    leaving, look = Leaving(operators, name, tmp_path), authority_exit._require_same
    assert (await asyncio.to_thread(leaving.export)).exit_code == 0
    before = rows_of(database, name)
    came = "INSERT INTO protocol.cases VALUES (%s, 1, '{}')", [f"register-{name}"]
    if hangs_on_another:
        came = "INSERT INTO register.photographs VALUES (%s, '', 'image/png', NULL, now())", [child]

    looks = []

    def look_and_see_another(*about: Any) -> None:
        look(*about)
        looks.append(about)
        if len(looks) > 1:
            with psycopg.connect(database.admin_url, autocommit=True, options=AT_LOGIN) as admin:
                admin.execute(*came)
                assert admin.execute(MAY_SWEEP.sql).fetchone() == (False,), "a hold waits until all is gone"

    with monkeypatch.context() as racing:
        racing.setattr(authority_exit, "_require_same", look_and_see_another)
        done = await asyncio.to_thread(leaving.dispose)
    left = {table: len(rows) for table, rows in rows_of(database, name).items() if rows}
    if hangs_on_another:
        assert (done.exit_code, "changed meanwhile" in done.output) == (2, True)
        assert said(database, name) == [], "it has not left, and the record does not say so"
        assert left == {table: len(rows) for table, rows in before.items() if rows} | {"register.photographs": 1}
    else:
        assert (done.exit_code, left) == (0, {"protocol.cases": 1})


async def test_codes_that_grow_too_old_while_it_is_deleted_were_good_when_it_began(
    database: Database,
    opened: Store,
    keyring: Keyring,
    operators: CodedOperators,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All is gone then: a refusal would say that nothing is, and leave the record without who did it."""
    name, _ = await lives(database, opened, keyring)
    leaving, delete = Leaving(operators, name, tmp_path), authority_exit._delete

    def delete_for_long(connection: Any, whose: Any) -> None:
        delete(connection, whose)
        connection.execute("UPDATE console.sessions SET begun_at = begun_at - interval '1 hour' WHERE for_command")

    assert (await asyncio.to_thread(leaving.export)).exit_code == 0
    monkeypatch.setattr(authority_exit, "_delete", delete_for_long)
    done = await asyncio.to_thread(leaving.dispose)
    assert (done.exit_code, (tmp_path / CERTIFICATE).exists()) == (0, True), done.output
    assert [json.loads(each)["data"]["step"] for each in said(database, name)] == ["proposed", "left"]


async def test_nothing_goes_that_was_not_exported_nor_by_one_person(
    database: Database, opened: Store, keyring: Keyring, operators: CodedOperators, tmp_path: Path
) -> None:
    name, child = await lives(database, opened, keyring)
    leaving = Leaving(operators, name, tmp_path)
    refused = await asyncio.to_thread(leaving.export, 2)
    assert (refused.exit_code, "of every authority" in refused.output) == (2, True)
    with psycopg.connect(database.admin_url, autocommit=True) as admin:  # its key, once: no exit has begun
        admin.execute("INSERT INTO disposal.destroyed VALUES (%s, now() - interval '1 day')", [f"authority-{name}"])
    assert (await asyncio.to_thread(leaving.export)).exit_code == 0
    before = rows_of(database, name)
    for by, second in ((0, 0), (0, 2), (2, 1)):
        refused = await asyncio.to_thread(leaving.dispose, by, second)
        assert (refused.exit_code, "authority" in refused.output or "of the same person" in refused.output) == (2, True)
    with psycopg.connect(database.admin_url, autocommit=True, options=AT_LOGIN) as admin:
        admin.execute("UPDATE console.episodes SET state = 'missing' WHERE child = %s", [child])
        refused = await asyncio.to_thread(leaving.dispose)
        assert (refused.exit_code, "still open or held: episode ABCDE" in refused.output) == (2, True)
        admin.execute("UPDATE console.episodes SET state = 'closed' WHERE child = %s", [child])
        hold = "INSERT INTO disposal.holds VALUES (%s, %s, %s, NULL, 'w', 'account-1', now(), NULL, NULL)"
        admin.execute(hold, [uuid4(), name, child])
        refused = await asyncio.to_thread(leaving.dispose)
        assert (refused.exit_code, "still open or held: hold" in refused.output) == (2, True)
        admin.execute("DELETE FROM disposal.holds WHERE authority = %s", [name])
        admin.execute("INSERT INTO casework.freshness VALUES (%s, 'new', now(), 'x', false)", [name])
        refused = await asyncio.to_thread(leaving.dispose)
        assert (refused.exit_code, "casework.freshness has changed since the export" in refused.output) == (2, True)
        admin.execute("DELETE FROM casework.freshness WHERE authority = %s AND table_name = 'new'", [name])
        admin.execute("UPDATE protocol.cases SET version = 2 WHERE child = %s", [child])
        refused = await asyncio.to_thread(leaving.dispose)
        assert (refused.exit_code, "protocol.cases has changed since the export" in refused.output) == (2, True)
        admin.execute("UPDATE protocol.cases SET version = 1 WHERE child = %s", [child])
    assert rows_of(database, name) == before
    other = await asyncio.to_thread(Leaving(operators, "lapwing", tmp_path).dispose)
    assert (other.exit_code, f"the export of {name}" in other.output) == (2, True)


async def test_a_record_that_does_not_hold_is_not_exported(
    database: Database, opened: Store, keyring: Keyring, operators: CodedOperators, tmp_path: Path
) -> None:
    name, child = await lives(database, opened, keyring)
    with psycopg.connect(database.admin_url, autocommit=True, options=AT_LOGIN) as admin:
        admin.execute("UPDATE audit.entries SET envelope = '{}' WHERE chain = %s AND position = 2", [child])
    refused = await asyncio.to_thread(Leaving(operators, name, tmp_path).export)
    assert (refused.exit_code, "the record does not hold" in refused.output) == (2, True)
    assert not (tmp_path / MANIFEST).exists()


async def test_nobody_begins_under_the_id_of_an_authority_that_left(
    database: Database, opened: Store, app: FastAPI, operators: CodedOperators
) -> None:
    engine = database.engine("casework")
    document = await own_part(engine, authority())
    name, has_left = document["authority"]["id"], "has left, and its id ends its record"
    with psycopg.connect(database.admin_url, autocommit=True, options=AT_LOGIN) as admin:
        admin.execute("INSERT INTO disposal.destroyed VALUES (%s, now())", [f"authority-{name}"])
        with pytest.raises(psycopg.errors.CheckViolation, match=f"{name} {has_left}"):
            admin.execute("INSERT INTO register.authorities (id, name) VALUES (%s, 'N')", [name])
    ordered = ["credentials", "add", name, "--tables", "all", "--code", operators.names[0]]
    refused = await asyncio.to_thread(CliRunner().invoke, register, ordered)
    assert (refused.exit_code, f"{name} {has_left}" in refused.output) == (2, True)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(casework(database, engine)), base_url="http://casework", auth=ImportAuth(engine)
    ) as desk:
        [fault] = (await desk.put(f"/register/{name}", json=document)).json()["errors"]
        assert (fault["reference"], has_left in fault["wanted"]) == (name, True)
    async with browser_at(app, somewhere()) as browser:
        await sign_in(browser, await account(opened, OperatorRole.ADMINISTRATOR))
        form = {"csrf": csrf_in(await browser.get("/authorities")), "id": name, "name": "Kestrel"}
        page = await browser.post("/authorities", data=form)
        assert (page.status_code, f"{name} {has_left}" in page.text) == (422, True)
    await engine.dispose()
    assert rows_of(database, name)["register.authorities"] == []
