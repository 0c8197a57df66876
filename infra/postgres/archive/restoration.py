"""Restores the database to a moment, into a folder of its own. Nothing starts before all of it is known to be ours."""

import gzip
import hashlib
import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO, cast

import psycopg

from infra.postgres.archive.contents import (
    Base,
    Contents,
    NothingToRestore,
    destroyed_name,
    read_contents,
    read_forks,
    segment_of,
    timeline_of,
)
from infra.postgres.archive.vault import CannotRestore, Reader
from infra.postgres.backup import DATABASE, CannotBackUp, Tools, erase_again, read_destroyed
from infra.postgres.place import Place
from infra.postgres.server import ADMIN, SETTINGS, plain_environment
from services.platform.runtime.places import PlaceAway

AT_ONCE = 8
PORT = "5432"  # of a socket alone
RESTORED_WITHIN_SECONDS = 3600
LAST_COMMIT = re.compile(r"last completed transaction was at log time ([0-9-]+ [0-9:.]+)")
MISSED = "recovery ended before configured recovery target was reached"


@dataclass(frozen=True)
class Restored:
    """`last`: when the newest commit in it was made, as PostgreSQL's log says; empty if the WAL held none."""

    base: Base
    segments: int
    bytes: int
    seconds: float
    last: str


def restore(
    reader: Reader,
    where: Place,
    at: datetime | None = None,
    check: Callable[[str], None] = lambda _: None,
) -> Restored:
    """As of the moment `at`, or as new as there is. `check` gets the database's URL while only a socket in a private
    folder reaches it. Afterwards it lies at `where.files`, stopped, in the shape and with the passwords that it had.

    Raises CannotRestore, and then nothing lies there.
    """
    begun = time.monotonic()
    if where.files.exists():
        raise CannotRestore(f"{where.files} is there already: a copy is restored where nothing is yet")
    draft = where.files.with_name("restoring")
    shutil.rmtree(draft, ignore_errors=True)
    files, wal, socket = draft / "files", draft / "wal", draft / "socket"
    try:
        for each in (files, wal, socket):
            each.mkdir(parents=True, mode=0o700)
        contents = read_contents(reader.place.names())
        base = (contents if at else _find_newest_line(reader, contents)).base_for(at)
        _unpack(reader, base, files)
        segments = _fetch_wal(reader, contents, base, wal, at)
        last = _replay(where, draft, at, _read_list(reader, base), check)
        files.rename(where.files)
    except (CannotBackUp, NothingToRestore, PlaceAway, OSError) as error:
        raise CannotRestore(str(error)) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    size = sum(each.stat().st_size for each in where.files.rglob("*") if each.is_file())
    return Restored(base, segments, size, time.monotonic() - begun, last)


def _find_newest_line(reader: Reader, contents: Contents) -> Contents:
    """Leaves out what a primary made that was cut off and went on beside the one that had taken over."""
    if not contents.histories:
        return contents
    name, history = contents.histories[-1], BytesIO()
    reader.open(name, history)
    line = contents.along(timeline_of(name), read_forks(gzip.decompress(history.getvalue()).decode()))
    return line if line.bases else contents


def _unpack(reader: Reader, base: Base, files: Path) -> None:
    """Streams the base. PostgreSQL's manifest then says whether each file is whole."""
    tar = subprocess.Popen(["tar", "--extract", "--gzip", f"--directory={files}"], stdin=subprocess.PIPE)
    with tar:
        reader.open(base.name, cast("IO[bytes]", tar.stdin))
    if tar.returncode != 0:
        raise CannotRestore(f"{base.name} cannot be unpacked")
    for said in json.loads((files / "backup_manifest").read_bytes())["Files"]:
        with (files / said["Path"]).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != said["Checksum"]:
                raise CannotRestore(f"{base.name} is not whole: {said['Path']} is not as the database had it")
    (files / "recovery.signal").touch(mode=0o600)


def _fetch_wal(reader: Reader, contents: Contents, base: Base, wal: Path, at: datetime | None) -> int:
    """Leaves it compressed, as it lies elsewhere: a quiet minute's segment is nearly empty."""
    names, gap = contents.wal_after(base)
    if gap is not None and (at is None or not names):
        raise CannotRestore(
            f"WAL is missing: {segment_of(gap)} of what followed the base backup of {base.at:%Y-%m-%d %H:%M:%S} UTC."
            " Restore to a moment before it, or from a newer base backup"
        )

    def fetch(name: str) -> None:
        with (wal / Path(name).name.removesuffix(".age")).open("wb") as file:
            reader.open(name, file)

    with ThreadPoolExecutor(AT_ONCE) as several:
        list(several.map(fetch, names))
    return len(names)


def _read_list(reader: Reader, base: Base) -> list[str]:
    name, listed = destroyed_name(base.system), BytesIO()
    reader.open(name, listed)
    return read_destroyed(listed.getvalue().decode(), name)


def _replay(
    where: Place, draft: Path, at: datetime | None, destroyed: Sequence[str], check: Callable[[str], None]
) -> str:
    """What was erased after the moment is erased again before anybody sees it."""
    for path in (draft, *draft.rglob("*")):
        where.own(path)
    with _running(where, draft, at) as url:
        connection = (f"--host={draft / 'socket'}", f"--port={PORT}", f"--username={ADMIN}")
        erase_again(Tools(folder=f"{where.binaries}/", connection=connection), destroyed)
        check(url)
    found = LAST_COMMIT.findall((draft / "log").read_text(errors="replace"))
    return found[-1] if found else ""


@contextmanager
def _running(where: Place, draft: Path, at: datetime | None) -> Iterator[str]:
    """PostgreSQL, once it has replayed all and takes writes."""
    wal, socket, log = draft / "wal", draft / "socket", draft / "log"
    (draft / "hba").write_text("local all all trust\n")  # the folder is its own alone
    where.own(draft / "hba")
    settings = SETTINGS | {
        "listen_addresses": "",
        "unix_socket_directories": str(socket),
        "hba_file": str(draft / "hba"),
        "hot_standby": "off",  # nobody is let in before all is replayed
        "restore_command": f"if test -f {wal}/%f; then cp {wal}/%f %p; else gzip -dc {wal}/%f.gz > %p; fi",
        "recovery_target_action": "promote",
    }
    if at is not None:
        settings |= {"recovery_target_time": f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f+00}"}
    command = [str(where.binaries / "postgres"), "-D", str(draft / "files"), "-p", PORT]
    command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with log.open("wb") as said:
        server = subprocess.Popen(
            command,
            user=where.login,
            cwd="/",
            env=plain_environment(),
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    url = f"postgresql://{ADMIN}@/{DATABASE}?host={socket}&port={PORT}"
    try:
        until = time.monotonic() + RESTORED_WITHIN_SECONDS
        while not _answers(url):
            if server.poll() is not None or time.monotonic() > until:
                raise CannotRestore(_why(log.read_text(errors="replace"), at))
            time.sleep(0.05)
        yield url
    finally:
        server.send_signal(signal.SIGINT)  # "fast"
        server.wait()


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _why(log: str, at: datetime | None) -> str:
    if MISSED in log:
        last = LAST_COMMIT.findall(log)
        newest = f"its last commit is of {last[-1]} UTC" if last else "it holds no commit"
        return f"the WAL there does not reach {at}: {newest}. Name an earlier moment, or none to restore all there is"
    return "PostgreSQL did not come up from it:\n" + "\n".join(log.splitlines()[-8:])
