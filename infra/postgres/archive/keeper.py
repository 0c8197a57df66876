"""Receives the WAL as it is written and puts it elsewhere, with a base backup from time to time. A process of its own.

It logs in as `backups`, which may replicate and end a segment, and reads only the list of what was erased. A
replication slot makes the database keep what has not been received yet.
"""

import contextlib
import select
import subprocess
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast

import psycopg
import pyrage
from pydantic import BaseModel, ValidationError

from infra.postgres.archive.contents import (
    WAL,
    Contents,
    base_name,
    destroyed_name,
    place_before,
    place_of,
    read_contents,
    read_forks,
    segment_at,
    wal_name,
)
from infra.postgres.archive.metrics import Gauges
from infra.postgres.archive.plan import ArchivePlan
from infra.postgres.archive.timelines import HISTORY_SUFFIX, identify, keep_history
from infra.postgres.archive.vault import Writer
from infra.postgres.backup import DESTROYED, CannotBackUp, Tools
from services.platform.runtime.logs import logger
from services.platform.runtime.places import PlaceAway
from services.platform.store.engine import NOTICES_LOSS

SLOT = "backups"
TURN_SECONDS = 1.0
LOOKS_SECONDS = 60.0
ASKS_EVERY = timedelta(hours=1)
DRILLS = "drills"
WAL_POSITION = "SELECT pg_current_wal_insert_lsn()::text, timeline_id FROM pg_control_checkpoint()"
"""A backup begins with a checkpoint, so it needs no WAL from before this, nor what comes after this once it is done."""
GONE = (
    "has already been removed",
    "can no longer access replication slot",
    "is ahead of the WAL flush position",
    # A database that was made from another has no history of the timelines before, and nor have we any more.
    '.history": No such file or directory',
)
PARTED = "is not in this server's history"
"""More was received than the standby had that is the primary now. It has the slot too, no further than itself."""
STAYS = (".partial", ".tmp", HISTORY_SUFFIX)
NEVER = datetime.fromtimestamp(0, UTC)
AGAIN = timedelta(minutes=1)
"""After a base backup that failed."""
SLOT_SECONDS = 60.0
STILL_SECONDS = 600.0
"""For so long a tool may bring nothing, as during the checkpoint with which a base backup begins. In all, a large
database may take hours.
"""
NOTICED = "--dbname=connect_timeout=5 " + " ".join(f"{name}={value}" for name, value in NOTICES_LOSS.items())
"""To the tools, which know it by no setting of the environment."""
TROUBLE = (CannotBackUp, PlaceAway, psycopg.Error, OSError, subprocess.TimeoutExpired, pyrage.EncryptError)
"""EncryptError: also of a disk that is full."""


class DrillRecord(BaseModel):
    """What a drill leaves in the place, so that whoever watches the database knows of it."""

    at: datetime
    base: datetime
    seconds: float
    bytes: int
    entries: int


class Keeper:
    """`tools` and psycopg both find the database by libpq's own settings (PGHOST, PGUSER, ...)."""

    def __init__(self, plan: ArchivePlan, writer: Writer, tools: Tools, gauges: Gauges) -> None:
        self._plan, self._writer, self._tools, self._gauges = plan, writer, tools, gauges
        self._wal = writer.work / "wal"
        self._wal.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._system = ""
        self._shipped = -1
        self._base_at = NEVER
        self._gaps = 0
        self._ended: deque[tuple[datetime, int]] = deque()
        self._next_end = self._next_look = self._next_ask = self._next_base = self._moved = NEVER
        self._destroyed: str | None = None
        self._receiver: subprocess.Popen[bytes] | None = None
        self._making: Future[None] | None = None

    def run(self, stopping: threading.Event) -> None:
        """Runs until told to stop. Whatever fails is tried again; meanwhile the metrics age."""
        with ThreadPoolExecutor(1) as beside, contextlib.closing(self):
            while not stopping.wait(TURN_SECONDS):
                try:
                    self.turn(datetime.now(UTC), beside)
                except TROUBLE as trouble:
                    logger().warning("the archive waits", reason=_said(trouble), exc_info=trouble)
                    stopping.wait(TURN_SECONDS)

    def close(self) -> None:
        if self._receiver is not None:
            self._receiver.terminate()
            self._receiver.wait()

    def turn(self, now: datetime, beside: ThreadPoolExecutor) -> None:
        if not self._system:
            self._learn_what_is_there()
        self._receive(now)
        self._end_segment(now)
        self._ship()
        if self._making is not None and self._making.done():
            made, self._making = self._making, None
            made.result()
        due = max(self._base_at + timedelta(hours=self._plan.base_every_hours), self._next_base)
        if self._making is None and now >= due:
            self._next_base = now + AGAIN
            self._making = beside.submit(self.make_base)
        if now >= self._next_look:
            self._list_destroyed()
            self._look_for_drills()
            self._next_look = now + timedelta(seconds=LOOKS_SECONDS)

    def make_base(self) -> None:
        """Streams a base backup: none of it lies here in the clear, and memory does not grow with the database."""
        gaps = self._gaps
        with _connect() as connection:
            lsn, timeline = connection.execute(WAL_POSITION).fetchall()[0]
        command = self._tools.command("pg_basebackup", "--pgdata=-", "--format=tar", "--compress=client-gzip:1")
        command += ["--manifest-checksums=SHA256", "--wal-method=none", "--checkpoint=fast", "--no-password", NOTICED]
        log = self._writer.work / "base.log"
        with (
            log.open("wb") as said,
            self._start(command, stdout=subprocess.PIPE, stderr=said, bufsize=0) as process,
            self._writer.sealed(cast("IO[bytes]", _Flow(process))) as sealed,
        ):
            if process.wait() != 0:
                raise CannotBackUp(f"pg_basebackup failed: {log} says why")
            at = datetime.now(UTC)
            with _connect() as connection:
                [(end, _)] = connection.execute(WAL_POSITION).fetchall()
            needs = (segment_at(lsn, timeline), segment_at(end, timeline))
            self._writer.put(base_name(self._system, at, *needs), sealed)
        if gaps == self._gaps:  # else it lacks WAL that it needs, and another is due
            self._base_at = at
            self._gauges.base_at.set(at.timestamp())
        logger().info("a base backup lies elsewhere", at=f"{at:%Y-%m-%d %H:%M:%S}")
        contents = read_contents(self._writer.place.names(self._system), self._system)
        for name in self._outdated(contents, at):
            self._writer.place.remove(name)
            self._writer.place.remove(f"{name}.sig")
        self._gauges.outdated.set(0)

    def _outdated(self, contents: Contents, at: datetime) -> list[str]:
        """The files that should be gone since the base of that moment."""
        found = [*contents.outdated(at, timedelta(days=self._plan.keep_days))]
        self._gauges.outdated.set(len(found))
        return found

    def _learn_what_is_there(self) -> None:
        """Learns what the place already has of this database."""
        system, timeline, history = identify()
        contents = read_contents(self._writer.place.names(system), system)
        for file in self._wal.glob(f"*{HISTORY_SUFFIX}"):
            if wal_name(system, f"{file.name}.gz") not in contents.histories:  # another database's
                file.unlink()
        for base in contents.bases[-1:]:
            self._outdated(contents, base.at)
        contents = contents.along(timeline, read_forks(history))
        self._shipped = contents.newest_segment
        for base in contents.bases[-1:]:
            gap = contents.wal_after(base)[1]
            if gap is None or gap > self._shipped:  # else we were stopped before a new base closed it
                self._base_at = base.at
            self._gauges.base_at.set(base.at.timestamp())
        self._system = system

    def _receive(self, now: datetime) -> None:
        if self._receiver is not None and self._receiver.poll() is None:
            if not self._stands_still(now):
                return
            self._receiver.kill()
            self._receiver.wait()
            logger().warning("the receiver of WAL stood still and was ended")
        self._moved = now
        log = self._writer.work / "receiver.log"
        told = log.read_text() if log.exists() else ""
        command = self._tools.command(
            "pg_receivewal", f"--directory={self._wal}", f"--slot={SLOT}", "--no-password", NOTICED
        )
        parted = PARTED in told
        if parted:  # while the log still says so: if this fails, it is done again
            self._leave_timeline()
        with log.open("wb") as said:
            if not parted and any(each in told for each in GONE):
                self._begin_again()
                self._shipped = -1
                self._ended.clear()
                self._forget_partial()
                # Asking for that segment has moved the slot back to it: a new slot begins with what is still there.
                self._run([*command, "--drop-slot"], said)
            self._run([*command, "--create-slot", "--if-not-exists"], said)
            self._receiver = self._start([*command, "--compress=gzip:1", "--no-loop"], stdout=said, stderr=said)

    def _leave_timeline(self) -> None:
        """Has the receiver begin where the slot is. A gap, or no base that is surely older, makes one due."""
        self._ship()
        self._begin_again()
        self._learn_what_is_there()
        self._ended.clear()
        self._forget_partial()

    def _forget_partial(self) -> None:
        for each in self._wal.glob("*.partial"):
            each.unlink()

    def _stands_still(self, now: datetime) -> bool:
        """Whether a segment that was ended long ago has not been received, or nothing since."""
        since = max(self._ended[0][0], self._moved) if self._ended else now
        return now - since > timedelta(seconds=STILL_SECONDS) and not self._received()

    def _end_segment(self, now: datetime) -> None:
        """A segment is sent when it is full or ended. Nothing happens in the database when nothing was written."""
        if now < self._next_end:
            return
        with _connect() as connection:
            [(lsn,)] = connection.execute("SELECT pg_switch_wal()::text").fetchall()
        self._ended.append((now, place_before(lsn)))
        self._next_end = now + timedelta(seconds=self._plan.segment_ends_seconds)

    def _ship(self) -> None:
        for file in self._received():
            name = wal_name(self._system, file.name)
            with file.open("rb") as source, self._writer.sealed(source) as sealed:
                self._writer.put(name, sealed)
            if WAL.fullmatch(name):
                here = place_of(file.name)
                if -1 < self._shipped < here - 1:
                    self._begin_again()
                self._shipped = max(self._shipped, here)
            else:
                keep_history(file)
            file.unlink()
            self._moved = datetime.now(UTC)
        while self._ended and self._shipped >= self._ended[0][1]:
            ended, _ = self._ended.popleft()
            if self._base_at > NEVER:  # WAL alone restores nothing
                self._gauges.safe_at.set(ended.timestamp())

    def _received(self) -> list[Path]:
        return sorted(file for file in self._wal.iterdir() if file.suffix not in STAYS)

    def _begin_again(self) -> None:
        """Notes a gap in the WAL, which only a new base closes, and not one that is being made."""
        self._gaps += 1
        self._base_at = self._next_base = NEVER

    def _list_destroyed(self) -> None:
        now, name = datetime.now(UTC), destroyed_name(self._system)
        if now >= self._next_ask:  # a rule of the place may have removed it
            if not self._writer.has(name):
                self._destroyed = None
            self._next_ask = now + ASKS_EVERY
        with _connect() as connection:
            listed = "".join(f"{line}\n" for (line,) in connection.execute(DESTROYED).fetchall())
        if listed != self._destroyed:
            with self._writer.sealed(BytesIO(listed.encode())) as sealed:
                self._writer.put(name, sealed)
            self._destroyed = listed
        self._gauges.listed_at.set(now.timestamp())

    def _look_for_drills(self) -> None:
        newest = BytesIO()
        for name in self._writer.place.names(DRILLS)[-1:]:
            self._writer.place.fetch(name, newest)
            with contextlib.suppress(ValidationError):
                record = DrillRecord.model_validate_json(newest.getvalue())
                self._gauges.drill_at.set(record.at.timestamp())
                self._gauges.drill_seconds.set(record.seconds)

    def _start(self, command: list[str], **ends: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, env=self._tools.whole_environment(), **ends)

    def _run(self, command: list[str], said: IO[bytes]) -> None:
        """What should end at once. Raises TimeoutExpired."""
        environment = self._tools.whole_environment()
        subprocess.run(command, env=environment, stdout=said, stderr=said, timeout=SLOT_SECONDS, check=False)


class _Flow:
    """What a tool writes, to be read. A tool that writes nothing for too long is ended."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def read(self, size: int) -> bytes:
        pipe = cast("IO[bytes]", self._process.stdout)
        if not select.select([pipe], [], [], STILL_SECONDS)[0]:
            self._process.kill()
            logger().warning("a base backup stood still and was ended")
        return pipe.read(size)


def _connect() -> psycopg.Connection[Any]:
    return psycopg.connect("", connect_timeout=5, **NOTICES_LOSS)


def _said(trouble: Exception) -> str | None:
    """Our own texts name no address and nobody; PostgreSQL's might."""
    return str(trouble) if isinstance(trouble, (CannotBackUp, PlaceAway)) else None
