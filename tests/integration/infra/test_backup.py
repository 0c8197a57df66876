"""The database copied by PostgreSQL's own tools and restored into an empty one, which the audit's chain then vouches for."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from unittest.mock import Mock

import httpx
import psycopg
import pytest
from pydantic import SecretStr
from pyrage import x25519

from infra.docker import backup as docker_backup
from infra.postgres import backup, erased, place
from infra.postgres.backup import CannotBackUp, Tools, beside, dump, list_destroyed, restore
from infra.postgres.logins import open_backups, open_logins
from infra.postgres.server import Server
from services.audit import store as kept
from services.audit.verification import one_moment, verify_all
from services.casework.store import correct_birth_date
from services.options.register_upkeep.photographs import child_by_reference
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.settings import Settings
from services.platform.store.engine import connect
from services.platform.store.migrations.access import SERVICES
from services.platform.store.migrations.apply import apply
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.identifiers import new_id
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.in_process.audit import entries_of, heard, opened, record
from tests.support.in_process.casework import ImportAuth, casework
from tests.support.in_process.register import KEYRING, authority, enter, parts
from tests.support.signatures import SIGNERS

COUNT = (
    "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
)


@pytest.fixture
def tools(database: Database) -> Tools:
    """Of the database that the other tests use."""
    password = psycopg.conninfo.conninfo_to_dict(database.admin_url)["password"]
    connection = ("--host=127.0.0.1", f"--port={database.port}", "--username=postgres")
    return Tools((), f"{place.binaries()}/", connection, {"PGPASSWORD": str(password)})


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The secrets by which the database's personal columns are closed."""
    return keys_in(tmp_path / "made", "a master key", "a phone key")


def keys_in(folder: Path, master: str, phone: str) -> Path:
    folder.mkdir()
    for name, words in (("master_key", master), ("phone_key", phone)):
        (folder / name).write_text(b64encode(words.encode()).decode() + "\n")
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Server]:
    """Another PostgreSQL, with nothing in it."""
    where = place.find(tmp_path / "empty")
    server = Server(where, free_port(), os.urandom(8).hex())
    server.make_cluster()
    running = subprocess.Popen(
        server.command, user=where.login, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 90
    while not server.answers():
        assert time.monotonic() < until, "PostgreSQL did not come up"
        time.sleep(0.05)
    yield server
    running.send_signal(signal.SIGINT)  # "fast": does not wait for whoever is connected
    running.wait(90)
    shutil.rmtree(where.reachable, ignore_errors=True)


async def written_about(database: Database) -> str:
    child = new_id("child")
    async with opened(database) as store:
        await record(store, *(heard(ChildReportedMissing(authority="kestrel"), child) for _ in range(5)))
        async with store.transaction() as uow:
            await kept.anchor(uow, datetime.now(UTC))
    return child


def rows(admin_url: str) -> dict[str, int]:
    with psycopg.connect(admin_url) as connection:
        tables = [name for (name,) in connection.execute(COUNT).fetchall()]
        return {name: connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchall()[0][0] for name in tables}


def test_a_restored_copy_holds_every_row_and_the_record_vouches_for_it(
    database: Database, tools: Tools, empty: Server, made: Path, tmp_path: Path
) -> None:
    child = asyncio.run(written_about(database))
    open_backups(database.admin_url, "of the login that keeps the archive")
    file = tmp_path / "copy.dump"
    about = dump(tools, file, made)
    before = rows(database.admin_url)
    assert file.stat().st_mode & 0o077 == 0

    restore(empty.tools(), file, SERVICES, made)
    assert rows(empty.admin_url) == before
    apply(empty.admin_url)
    with psycopg.connect(empty.admin_url) as connection:  # or its views would show every authority's rows
        owners = "SELECT DISTINCT viewowner FROM pg_views WHERE schemaname = 'register'"
        assert connection.execute(owners).fetchall() == [("walls",)]
    open_logins(empty.admin_url, dict.fromkeys(SERVICES, "anew"))
    verified, length = asyncio.run(_verified(empty.port, child, about["anchor_hash"]))
    assert length == 5
    assert [fault for fault in verified if fault.startswith((child, "anchor", "no anchor"))] == []
    for role, statement in (("audit", "DELETE FROM audit.entries"), ("clock", "SELECT * FROM register.children")):
        with (
            psycopg.connect(f"postgresql://{role}:anew@127.0.0.1:{empty.port}/safe_return") as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement.encode())


async def registered(database: Database, born: Sequence[str]) -> None:
    """Two imports and an assessment say it anew: the row as it is, and the row as an import found it."""
    engine = database.engine("casework")
    entered, document = parts(authority())
    await enter(engine, KEYRING, entered)
    name = document["authority"]["id"]
    transport = httpx.ASGITransport(casework(database, engine))
    async with httpx.AsyncClient(transport=transport, base_url="http://casework", auth=ImportAuth(engine)) as http:
        for day in born[:2]:
            document["children"][0] |= {"date_of_birth": day, "claimed_date_of_birth": day}
            assert (await http.put(f"/register/{name}", json=document)).status_code == 200
    async with Store(engine, origin=Origin("casework", Clocks(), SIGNERS["casework"])).transaction() as uow:
        child = await uow.fetch(child_by_reference(name, document["children"][0]["reference"]))
        assert child is not None
        await correct_birth_date(uow, KEYRING, child, name, date.fromisoformat(born[2]))
    await engine.dispose()


def test_a_restored_copy_holds_nobodys_birth_date(
    database: Database, tools: Tools, empty: Server, made: Path, tmp_path: Path
) -> None:
    """The 18th birthday is there, by which rules go."""
    born = ("2011-05-17", "2011-07-09", "2012-01-27")
    asyncio.run(registered(database, born))
    dump(tools, tmp_path / "copy.dump", made)
    restore(empty.tools(), tmp_path / "copy.dump", SERVICES, made)
    with psycopg.connect(empty.admin_url) as connection:
        found = [
            connection.execute(f"SELECT t::text FROM {name} t".encode()).fetchall() for name in rows(empty.admin_url)
        ]
    text = str(found)
    assert "2030-01-27" in text
    assert "2029-05-17" in text, "what an import changed"
    for day in born:
        year, month, of_month = day.split("-")
        for written in (day, f"{of_month}/{month}/{year}", f"{year}{month}{of_month}"):
            assert written not in text
            assert written.encode().hex() not in text


def test_who_was_erased_after_the_copy_is_erased_in_what_is_restored(
    database: Database, tools: Tools, empty: Server, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No service is let in before, also where the restoration is stopped in between."""
    gone, stays = new_id("person"), new_id("person")
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute("INSERT INTO register.authorities (id, name) VALUES ('kestrel', 'K') ON CONFLICT DO NOTHING")
        for each in (gone, stays):
            row = "INSERT INTO register.people (id, authority, reference, name, language) VALUES (%s, 'kestrel', %s, '', 'en')"
            connection.execute(row, (each, each))
        dump(tools, tmp_path / "copy.dump", made)
        connection.execute("SELECT disposal.erase(%s, now())", (gone,))
    list_destroyed(tools, tmp_path)
    with monkeypatch.context() as stopped:
        stopped.setattr(backup, "erase_again", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            restore(empty.tools(), tmp_path / "copy.dump", SERVICES, made)
    open_logins(empty.admin_url, dict.fromkeys(SERVICES, "anew"))
    as_a_service = f"postgresql://casework:anew@127.0.0.1:{empty.port}/safe_return"
    with pytest.raises(psycopg.OperationalError, match="too many connections"):
        psycopg.connect(as_a_service)
    with psycopg.connect(empty.admin_url.replace("/safe_return", "/postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE safe_return")
        connection.execute("CREATE DATABASE safe_return")
    restore(empty.tools(), tmp_path / "copy.dump", SERVICES, made)
    psycopg.connect(as_a_service).close()
    with psycopg.connect(empty.admin_url) as connection:
        found = connection.execute("SELECT id FROM register.people WHERE id IN (%s, %s)", (gone, stays)).fetchall()
        assert found == [(stays,)]
    list_destroyed(empty.tools(), tmp_path)
    assert [each.split()[0] for each in (tmp_path / "destroyed").read_text().splitlines()] == [gone], (
        "once, and it stays"
    )


def test_in_kubernetes_who_comes_back_with_an_older_copy_is_erased_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SAFE_RETURN_ADMIN_DATABASE", database.admin_url)
    monkeypatch.setenv("SAFE_RETURN_ERASED_DIR", str(tmp_path))
    erased.main()
    earlier, people = (tmp_path / "destroyed").read_text(), [new_id("person") for _ in range(3)]
    row = "INSERT INTO register.people (id, authority, reference, name, language) VALUES (%s, 'kestrel', %s, '', 'en')"
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute("INSERT INTO register.authorities (id, name) VALUES ('kestrel', 'K') ON CONFLICT DO NOTHING")
        for each in people:
            connection.execute(row, (each, each))
        for each in people[:2]:
            connection.execute("SELECT disposal.erase(%s, now())", (each,))
        erased.main()
        listed = (tmp_path / "destroyed").read_text()
        assert [each.split()[0] for each in listed.removeprefix(earlier).splitlines()] == people[:2]
        connection.execute("DELETE FROM disposal.destroyed WHERE owner = ANY (%s)", (people,))
        for each in people[:2]:
            connection.execute(row, (each, each))
        erased.main()
        found = connection.execute("SELECT id FROM register.people WHERE id = ANY (%s)", (people,)).fetchall()
    assert found == [(people[2],)]
    assert (tmp_path / "destroyed").read_text() == listed
    assert capsys.readouterr().out.splitlines() == [f"erased again: {number}" for number in (0, 0, 2)]


@pytest.mark.parametrize(
    ("listed", "why"),
    [
        (None, "is not there"),
        ("child-1 2026-11-27T10:00:00Z\nchild-2'); DROP TABLE register.people; --", "line 2 names nothing"),
    ],
)
def test_a_copy_is_not_restored_without_the_list_of_what_was_erased(
    database: Database, tools: Tools, made: Path, tmp_path: Path, listed: str | None, why: str
) -> None:
    dump(tools, tmp_path / "copy.dump", made)
    (tmp_path / "destroyed").unlink() if listed is None else (tmp_path / "destroyed").write_text(listed)
    with pytest.raises(CannotBackUp, match=why):
        restore(tools, tmp_path / "copy.dump", SERVICES, made)


def test_nothing_is_restored_over_what_is_there(database: Database, tools: Tools, made: Path, tmp_path: Path) -> None:
    dump(tools, tmp_path / "copy.dump", made)
    with pytest.raises(CannotBackUp, match="is not empty"):
        restore(tools, tmp_path / "copy.dump", SERVICES, made)


def test_a_copy_whose_keys_are_not_here_is_refused_and_nothing_is_restored(
    tools: Tools, empty: Server, made: Path, tmp_path: Path
) -> None:
    file = tmp_path / "copy.dump"
    dump(tools, file, made)
    for secret in made.iterdir():
        assert secret.read_text().strip() not in beside(file).read_text()
    others = keys_in(tmp_path / "others", "a master key", "another phone key")
    with pytest.raises(CannotBackUp, match=f"belongs to other secrets: the phone_key in {others} is another"):
        restore(empty.tools(), file, SERVICES, others)
    with pytest.raises(CannotBackUp, match=f"there is no master_key in {tmp_path}/none"):
        restore(empty.tools(), file, SERVICES, tmp_path / "none")
    assert rows(empty.admin_url) == {}
    both = f"{(others / 'phone_key').read_text()}{(made / 'phone_key').read_text()}"
    (others / "phone_key").write_text(both)
    restore(empty.tools(), file, SERVICES, others)


def test_a_copy_that_was_cut_short_is_refused_before_anything_is_touched(
    tools: Tools, made: Path, tmp_path: Path
) -> None:
    file = tmp_path / "copy.dump"
    dump(tools, file, made)
    with file.open("r+b") as copy:
        copy.truncate(file.stat().st_size - 100)
    with pytest.raises(CannotBackUp, match="cut short or changed"):
        restore(tools, file, SERVICES, made)
    beside(file).unlink()
    with pytest.raises(CannotBackUp, match=r"copy.dump.json is not beside it"):
        restore(tools, file, SERVICES, made)


def test_a_copy_that_failed_leaves_no_file(tools: Tools, tmp_path: Path) -> None:
    nobody = Tools(tools.before, tools.folder, tools.connection, {"PGPASSWORD": "wrong"})
    with pytest.raises(CannotBackUp, match="password authentication failed"):
        dump(nobody, tmp_path / "copy.dump", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("age") is None, reason="age is not installed here")
def test_an_encrypted_copy_is_restored_with_its_key_alone(
    tools: Tools, empty: Server, made: Path, tmp_path: Path
) -> None:
    file, key, other = (tmp_path / each for each in ("copy.dump", "key", "other"))
    identity = x25519.Identity.generate()
    key.write_text(f"{identity}\n")
    other.write_text(f"{x25519.Identity.generate()}\n")
    dump(tools, file, made, str(identity.to_public()))
    assert file.read_bytes().startswith(b"age-encryption.org/v1\n")
    for wrong, why in ((None, "pg_restore failed"), (other, "age failed"), (tmp_path / "none", "age failed")):
        with pytest.raises(CannotBackUp, match=f"nothing was restored: {why}"):
            restore(empty.tools(), file, SERVICES, made, wrong)
        assert rows(empty.admin_url) == {}
    restore(empty.tools(), file, SERVICES, made, key)
    assert rows(empty.admin_url)["audit.entries"] > 0
    with pytest.raises(CannotBackUp, match=r"age failed: .*nobody"):
        dump(tools, tmp_path / "none.dump", made, "nobody")
    assert not list(tmp_path.glob("*none.dump*"))


def test_the_containers_script_calls_the_same_tools_inside_the_container(
    tools: Tools, empty: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`docker compose exec --no-TTY postgres TOOL ...`, played by a script that runs the tool here."""
    _play_docker(tmp_path, monkeypatch, tools)
    file = tmp_path / "copy.dump"
    assert docker_backup.main(["dump", str(file)]) == 0
    assert json.loads(beside(file).read_text())["sha256"]
    _play_docker(tmp_path, monkeypatch, empty.tools())
    assert docker_backup.main(["restore", str(file)]) == 0
    assert rows(empty.admin_url)["audit.entries"] > 0
    assert docker_backup.main(["restore", str(file)]) == 1
    assert "is not empty" in capsys.readouterr().err


def _play_docker(folder: Path, monkeypatch: pytest.MonkeyPatch, tools: Tools) -> None:
    docker = folder / "bin" / "docker"
    docker.parent.mkdir(exist_ok=True)
    docker.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        "assert sys.argv[1:5] == ['compose', 'exec', '--no-TTY', 'postgres']\n"
        f"tool, rest, environment = sys.argv[5], sys.argv[6:], {dict(tools.environment)!r}\n"
        f"os.execve({tools.folder!r} + tool, [tool, *{list(tools.connection)!r}, *rest], os.environ | environment)\n"
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}:{os.environ['PATH']}")


async def _verified(port: int, child: str, witness: str) -> tuple[list[str], int]:
    settings = Settings(
        database=f"postgresql://127.0.0.1:{port}/safe_return", database_password=SecretStr("anew"), http_port=1
    )
    store = Store(connect(settings, "audit"), origin=Origin("audit", Clocks()))
    async with one_moment(store.engine) as connection:
        verified = await verify_all(connection, witnesses={witness: "no anchor is the witness"})
        entries = await entries_of(connection, child)
    await store.close()
    return verified.faults, len(entries)
