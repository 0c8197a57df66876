"""The database kept elsewhere while it runs, and restored to a moment: what comes back, and what is refused."""

import asyncio
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from prometheus_client import CollectorRegistry
from pydantic import TypeAdapter
from pyrage import x25519
from typer.testing import CliRunner

from infra.postgres import __main__ as orders
from infra.postgres import place
from infra.postgres.archive import keeper as keeping
from infra.postgres.archive.contents import read_contents, segment_at
from infra.postgres.archive.drill import drill
from infra.postgres.archive.keeper import Keeper
from infra.postgres.archive.metrics import Gauges
from infra.postgres.archive.plan import ArchivePlan, read_plan
from infra.postgres.archive.restoration import restore
from infra.postgres.archive.vault import CannotRestore, Reader, Writer
from infra.postgres.backup import CannotBackUp, Tools
from infra.postgres.logins import open_backups
from services.audit import store as kept
from services.platform.runtime.places import OpenPlace, Place, PlaceAway, open_place, public_key, signer
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.identifiers import new_id
from tests.support.engines.database import Database, MortalDatabase, mortal_database
from tests.support.in_process.audit import heard, opened, record, tamper

KEY = signer("c2FmZSByZXR1cm4gc2lnbnMgd2hhdCBpdCB3cml0ZXM=")
OTHER = signer("YW5vdGhlciBpbnN0YWxsYXRpb24gc2lnbmVkIHRoaXM=")
IDENTITY = x25519.Identity.generate()
WITHIN_SECONDS = 180
ERASED = "SELECT count(*) FROM disposal.destroyed WHERE owner = 'child-erased'"
ENTRIES: LiteralString = "SELECT count(*) FROM audit.entries"


class Kept:
    """A database with a keeper beside it, which can be stopped and started."""

    def __init__(self, server: MortalDatabase, folder: Path) -> None:
        self.server, self.database = server, server.database
        self.folder, self.work = folder / "elsewhere", folder / "work"
        self.work.mkdir()
        self.gauges = Gauges(CollectorRegistry())

    @contextmanager
    def keeping(self) -> Iterator[Keeper]:
        said = {"recipients": [str(IDENTITY.to_public())], "place": self.folder.as_uri(), "segment_ends_seconds": 0.1}
        plan = ArchivePlan.model_validate(said)
        tools = Tools(folder=f"{place.binaries()}/")
        writer = Writer(open_place(plan.place), plan.recipients, KEY, self.work)
        keeper, told = Keeper(plan, writer, tools, self.gauges), threading.Event()
        thread = threading.Thread(target=keeper.run, args=[told])
        thread.start()
        try:
            yield keeper
        finally:
            told.set()
            thread.join()

    def safe(self) -> datetime:
        """Waits until all that is committed now lies elsewhere. Returns a moment from before anything later."""
        now: datetime = self.ask("SELECT clock_timestamp()")
        eventually(lambda: self.gauges.safe_at._value.get() > now.timestamp())
        return now

    def ask(self, question: str) -> Any:
        with psycopg.connect(self.database.admin_url, autocommit=True) as connection:
            return connection.execute(question.encode()).fetchall()[0][0]

    def write(self, *, entries: int) -> None:
        asyncio.run(written(self.database, entries))


async def written(database: Database, entries: int) -> None:
    async with opened(database) as store:
        child = new_id("child")
        await record(store, *(heard(ChildReportedMissing(authority="kestrel"), child) for _ in range(entries)))
        async with store.transaction() as uow:
            await kept.anchor(uow, datetime.now(UTC))


def eventually(done: Callable[[], Any]) -> None:
    until = time.monotonic() + WITHIN_SECONDS
    while not done():
        assert time.monotonic() < until, "not in time"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("archive")
    with mortal_database(folder / "server", durable=False) as server, pytest.MonkeyPatch.context() as patch:
        open_backups(server.database.admin_url, "kept")
        said = {"HOST": "127.0.0.1", "PORT": str(server.database.port), "USER": "backups", "PASSWORD": "kept"}
        for name, value in (said | {"DATABASE": "safe_return"}).items():
            patch.setenv(f"PG{name}", value)
        patch.setattr(keeping, "TURN_SECONDS", 0.05)
        patch.setattr(keeping, "LOOKS_SECONDS", 0.1)
        yield Kept(server, folder)


@dataclass(frozen=True)
class Archive:
    """What a running database has left: three entries by `first`; a restart of the keeper, five more and an erasure by `second`."""

    folder: Path
    tampered: Path
    first: datetime
    second: datetime

    def copy(self, to: Path) -> Path:
        return shutil.copytree(self.folder, to / "copy")


@pytest.fixture(scope="module")
def archive(running: Kept, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    with running.keeping():
        running.safe()
        running.write(entries=3)
        first = running.safe()
    running.write(entries=5)
    running.ask("SELECT disposal.erase('child-erased', now()) IS NULL")
    with running.keeping():
        second = running.safe()
        whole, tampered = (tmp_path_factory.mktemp(each) / "copy" for each in ("whole", "tampered"))
        shutil.copytree(running.folder, whole)
        asyncio.run(tamper(running.database, "DELETE FROM audit.entries WHERE position = 2"))
        running.safe()
        shutil.copytree(running.folder, tampered)
    return Archive(whole, tampered, first, second)


def reader(folder: Path, identity: str = str(IDENTITY), by: str = public_key(KEY)) -> Reader:
    return Reader(open_place(TypeAdapter(Place).validate_python(folder.as_uri())), identity, by)


@pytest.fixture(scope="module")
def binaries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[place.Place]:
    found = place.find(tmp_path_factory.mktemp("restored"))
    yield found
    shutil.rmtree(found.reachable, ignore_errors=True)


@pytest.fixture
def where(binaries: place.Place) -> Iterator[place.Place]:
    yield binaries
    shutil.rmtree(binaries.files, ignore_errors=True)


@pytest.mark.parametrize(("moment", "entries"), [("first", 3), (None, 8)])
def test_what_was_committed_by_then_comes_back_and_nothing_later(
    archive: Archive, where: place.Place, moment: str | None, entries: int
) -> None:
    found: list[tuple[object, object]] = []
    at = None if moment is None else getattr(archive, moment)
    restored = restore(reader(archive.folder), where, at, lambda url: found.append((_count(url), _count(url, ERASED))))
    assert found == [(entries, 1)], "what was erased after the moment is erased again"
    assert restored.last
    assert (where.files / "PG_VERSION").exists()
    assert not (where.files / "recovery.signal").exists(), "it starts as any other from now on"
    with pytest.raises(CannotRestore, match="is there already"):
        restore(reader(archive.folder), where)


def _count(url: str, question: LiteralString = ENTRIES) -> int:
    with psycopg.connect(url) as connection:
        return int(connection.execute(question).fetchall()[0][0])


def damage(folder: Path, which: str, how: str) -> None:
    contents = read_contents(each.relative_to(folder).as_posix() for each in folder.rglob("*.*"))
    base = contents.base_for(None)
    *_, before, last = contents.wal_after(base)[0]
    file = folder / {"base": base.name, "wal": before, "destroyed": f"{base.system}/destroyed.age"}[which]
    match how:
        case "gone":
            file.unlink()
        case "changed":
            content = bytearray(file.read_bytes())
            content[-100] ^= 1
            file.write_bytes(content)
        case "passed off":
            for ending in ("", ".sig"):
                shutil.copy(f"{folder / last}{ending}", f"{file}{ending}")


REFUSED = {
    "another identity": (
        None,
        {"identity": str(x25519.Identity.generate())},
        "does not open .*base.*sealed to another",
    ),
    "another signer": (None, {"by": public_key(OTHER)}, "base.* was not signed by this installation"),
    "a segment is gone": (("wal", "gone"), {}, "WAL is missing: 0000000"),
    "a segment was changed": (("wal", "changed"), {}, "wal/.* was changed since"),
    "a segment passed off as another": (("wal", "passed off"), {}, "was not signed .* under this name"),
    "a base was changed": (("base", "changed"), {}, "base/.* was changed since"),
    "the base is gone": (("base", "gone"), {}, "there is no base backup"),
    "the list of what was erased is gone": (("destroyed", "gone"), {}, "destroyed.age is not there"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_ours_and_whole_is_refused_and_nothing_is_left(
    archive: Archive, where: place.Place, tmp_path: Path, case: str
) -> None:
    hurt, given, says = REFUSED[case]
    folder = archive.copy(tmp_path)
    if hurt is not None:
        damage(folder, *hurt)
    with pytest.raises(CannotRestore, match=says):
        restore(reader(folder, **given), where)
    assert not where.files.exists()
    assert not where.files.with_name("restoring").exists()


@pytest.mark.parametrize(
    ("later", "says"),
    [
        (timedelta(days=-1), "no base backup from before that moment"),
        (timedelta(days=1), "does not reach .* last commit is of"),
    ],
)
def test_a_moment_that_is_not_there_is_refused(
    archive: Archive, where: place.Place, later: timedelta, says: str
) -> None:
    with pytest.raises(CannotRestore, match=says):
        restore(reader(archive.folder), where, archive.second + later)
    assert not where.files.exists()


def test_a_drill_checks_all_of_it_and_is_known_where_the_database_runs(
    archive: Archive, running: Kept, tmp_path: Path
) -> None:
    key = tmp_path / "identity"
    key.write_text(f"{IDENTITY}\n")
    asked = ["--identity", str(key), "--signer", public_key(KEY), "--aside", str(tmp_path / "aside")]
    said = CliRunner().invoke(orders.app, ["drill", "--from", running.folder.as_uri(), *asked])
    assert (said.exit_code, "the restored record does not hold" in said.output) == (1, True), said.output
    assert not (running.folder / "drills").exists()
    restored, found = drill(reader(archive.folder), tmp_path / "aside")
    assert (found.entries, found.base) == (8, restored.base.at)
    assert list((tmp_path / "aside").rglob("*")) == []
    shutil.copytree(archive.folder / "drills", running.folder / "drills")
    with running.keeping():
        eventually(lambda: running.gauges.drill_at._value.get() == found.at.timestamp())


def come_too_late(running: Kept) -> None:
    eventually(lambda: not running.ask("SELECT active FROM pg_replication_slots"))
    running.ask("SELECT pg_drop_replication_slot('backups') IS NULL")
    for _ in range(3):
        running.write(entries=1)
        running.ask("SELECT pg_switch_wal()")
    with psycopg.connect(running.database.admin_url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def fail_over(running: Kept) -> None:
    """From now on it writes another timeline."""
    running.server.end(signal.SIGINT)
    (running.server.where.files / "standby.signal").touch()
    running.server.start()
    running.ask("SELECT pg_promote()")
    running.write(entries=1)


def fail_over_twice(running: Kept) -> None:
    """The present database was made anew from the one before, and never had what that one wrote of its timeline."""
    fail_over(running)
    with running.keeping():
        running.safe()
    left = str(running.ask("SELECT pg_walfile_name(pg_current_wal_lsn())"))[:8]
    fail_over(running)
    (running.server.where.files / "pg_wal" / f"{left}.history").unlink()


def write_segments(running: Kept) -> None:
    """So that the last base needs none of the newest."""
    with running.keeping():
        for _ in range(3):
            running.write(entries=1)
            running.safe()


def fail_over_to_one_that_had_less(running: Kept) -> None:
    """Of what the one before wrote last, the copy elsewhere has segments that the present database never had."""
    files = running.server.where.files
    behind = files.with_name("behind")
    write_segments(running)
    running.server.end(signal.SIGINT)
    subprocess.run(["cp", "-a", files, behind], check=True)
    running.server.start()
    write_segments(running)
    running.server.end(signal.SIGINT)
    shutil.rmtree(files)
    behind.rename(files)
    running.server.start()
    fail_over(running)


def lose_the_histories_too(running: Kept) -> None:
    fail_over_twice(running)
    for each in (running.work / "wal").glob("*.history"):
        each.unlink()


@pytest.mark.parametrize("part_ways", [come_too_late, lose_the_histories_too])
def test_a_receiver_that_parted_from_the_database_begins_again_with_a_new_base(
    running: Kept, where: place.Place, part_ways: Callable[[Kept], None]
) -> None:
    with running.keeping():
        running.safe()
    before = running.gauges.base_at._value.get()
    part_ways(running)
    with running.keeping():
        eventually(lambda: running.ask("SELECT count(*) FROM pg_replication_slots WHERE active"))
        running.write(entries=1)
        eventually(lambda: running.gauges.base_at._value.get() > before)
        running.safe()
    entries = running.ask(ENTRIES)
    found: list[object] = []
    restore(reader(running.folder), where, check=lambda url: found.append(_count(url)))
    assert found == [entries]


def test_a_gap_is_closed_by_a_new_base_also_where_the_keeper_was_killed_in_between(running: Kept) -> None:
    with running.keeping():
        for _ in range(2):
            running.write(entries=1)
            running.safe()
    before = running.gauges.base_at._value.get()
    damage(running.folder, "wal", "gone")
    with running.keeping():
        eventually(lambda: running.gauges.base_at._value.get() > before)
        running.safe()


def test_a_base_that_was_being_made_as_wal_was_lost_is_made_again(
    running: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def lose(lsn: str, timeline: int) -> str:
        begun.append(lsn)
        if len(begun) == 1:
            keeper._begin_again()
        return segment_at(lsn, timeline)

    monkeypatch.setattr(keeping, "segment_at", lose)
    with running.keeping() as keeper:
        eventually(lambda: keeper._system)
        keeper._begin_again()
        eventually(lambda: len(begun) == 2)
        running.safe()


def test_wal_is_not_called_safe_while_no_base_backup_goes_before_it(
    running: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running.keeping() as keeper:
        running.safe()
        monkeypatch.setattr(keeper, "make_base", lambda: None)
        keeper._begin_again()
        eventually(lambda: not keeper._ended)
        said, shipped = running.gauges.safe_at._value.get(), keeper._shipped
        running.write(entries=1)
        eventually(lambda: keeper._shipped > shipped)
        eventually(lambda: not keeper._ended)
        assert running.gauges.safe_at._value.get() == said
        monkeypatch.undo()
        keeper._begin_again()
        running.safe()


@pytest.mark.parametrize("part_ways", [fail_over, fail_over_twice, fail_over_to_one_that_had_less])
def test_the_copy_goes_on_over_a_failover_without_a_gap(
    running: Kept, where: place.Place, part_ways: Callable[[Kept], None]
) -> None:
    with running.keeping():
        running.safe()
    before = running.gauges.base_at._value.get()
    part_ways(running)
    with running.keeping():
        running.safe()
    assert running.gauges.base_at._value.get() == before
    found: list[object] = []
    restore(reader(running.folder), where, check=lambda url: found.append(_count(url)))
    assert found == [running.ask(ENTRIES)]


def test_the_history_of_another_databases_timeline_is_not_kept(running: Kept) -> None:
    strange = running.work / "wal" / "0000FFFF.history"
    strange.write_text("1\t0/3000000\tno recovery target specified\n")
    with running.keeping():
        running.safe()
    assert not strange.exists()


def test_after_a_restoration_to_a_moment_what_lies_there_of_the_timeline_before_is_no_copy_of_what_is_committed_now(
    running: Kept,
) -> None:
    write_segments(running)
    with running.keeping() as keeper:
        running.safe()
        wal = running.folder / keeper._system / "wal"
    newest = max(wal.glob("*.gz.age"))
    fail_over(running)
    beyond = [wal / f"{newest.name[:8]}00000000000000F0.gz.age{ending}" for ending in ("", ".sig")]
    for each in beyond:
        shutil.copy(newest, each)
    before = running.gauges.base_at._value.get()
    with running.keeping() as keeper:
        running.safe()
        assert 0 < keeper._shipped < 0xF0
    assert running.gauges.base_at._value.get() == before, "it was finished before the two parted"
    for each in beyond:
        each.unlink()


def test_a_place_that_takes_wal_and_neither_removes_nor_overwrites_is_shown(
    running: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running.keeping() as keeper:
        running.safe()
        newest = max((running.folder / keeper._system / "base").glob("*.age"))
    old = [newest.with_name(f"{year}{newest.name[4:]}") for year in (2024, 2025)]
    for each in old:
        for ending in ("", ".sig"):
            shutil.copy(f"{newest}{ending}", f"{each}{ending}")
    listed, outdated = running.gauges.listed_at._value.get, running.gauges.outdated._value.get
    put, before = type(keeper._writer.place).put, running.gauges.base_at._value.get()

    def refuse(place: OpenPlace, name: str, source: Any = None) -> None:
        if source is None or "destroyed" in name:
            raise PlaceAway("it refuses")
        put(place, name, source)

    with monkeypatch.context() as patch, running.keeping() as keeper:
        for act in ("put", "remove"):
            patch.setattr(type(keeper._writer.place), act, refuse)
        running.ask("SELECT disposal.erase('child-erased-later', now()) IS NULL")
        erased_at = running.ask("SELECT clock_timestamp()").timestamp()
        eventually(lambda: keeper._system)
        keeper._begin_again()
        eventually(lambda: running.gauges.base_at._value.get() > before)
        running.safe()
        assert (outdated() > 0, listed() < erased_at) == (True, True)
    running.gauges.outdated.set(0)
    with running.keeping() as keeper:
        eventually(lambda: listed() > erased_at)
        assert outdated() > 0
        keeper._begin_again()
        eventually(lambda: outdated() == 0)
    assert [each.exists() for each in old] == [False, True], (
        "the newest from before the period is needed for its first days"
    )
    old[1].unlink()


@pytest.mark.parametrize("ending", ["", ".sig"])
def test_the_list_of_what_was_erased_is_put_again_where_the_place_lost_it(
    running: Kept, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(keeping, "ASKS_EVERY", timedelta())
    with running.keeping() as keeper:
        eventually(lambda: keeper._destroyed is not None)
        listed = running.folder / keeper._system / f"destroyed.age{ending}"
        listed.unlink()
        eventually(listed.exists)


def test_the_login_that_copies_the_database_reads_no_table_but_what_was_erased(running: Kept) -> None:
    with psycopg.connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(ENTRIES)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("recipients: [age1]\nplace: file:///a", "recipients.0: Value error, an age key begins with age1"),
        ("recipients: []\nplace: file:///a", "recipients: Tuple should have at least 1 item"),
        (f"recipients: [{IDENTITY.to_public()}]\nplace: https://a.example/", "place"),
        ("- no plan", "valid dictionary"),
    ],
)
def test_what_is_wrong_in_a_plan_is_named(tmp_path: Path, written: str, says: str) -> None:
    (tmp_path / "plan.yaml").write_text(written)
    with pytest.raises(CannotBackUp, match=says):
        read_plan(tmp_path / "plan.yaml")
