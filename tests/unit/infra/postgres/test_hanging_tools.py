"""A tool of PostgreSQL's that hangs, or a disk that is full, holds up the copy elsewhere for a while and not for good."""

import errno
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pyrage import x25519
from structlog.testing import capture_logs

from infra.postgres.archive import keeper as keeping
from infra.postgres.archive import vault
from infra.postgres.archive.keeper import WAL_POSITION, Keeper
from infra.postgres.archive.metrics import Gauges
from infra.postgres.archive.plan import ArchivePlan
from infra.postgres.archive.vault import Writer
from infra.postgres.backup import DESTROYED, Tools
from services.platform.runtime.places import open_place, signer

WITHIN_SECONDS = 60
ANSWERS = {WAL_POSITION: [("0/1000028", 1)], "SELECT pg_switch_wal()::text": [("0/2000000",)], DESTROYED: []}
"""A segment was begun, and has just been ended."""
DOES = {
    "pg_basebackup": "head -c 100000 /dev/zero",
    "pg_receivewal": """
        for each; do case $each in --directory=*) wal=${each#*=};; --no-loop) receives=yes;; esac; done
        test $receives || exit 0
        head -c 100000 /dev/zero > $wal/000000010000000000000001.gz
        exec sleep 600
    """,
}


class Database:
    """Just enough of a connection."""

    def execute(self, question: str) -> Any:
        return SimpleNamespace(fetchall=lambda: ANSWERS[question])


class Kept:
    """A keeper at work, of a database that is not there. `hangs`: the tool that does so once."""

    def __init__(self, folder: Path, hangs: str) -> None:
        self.hung, self.gauges, self.lines = folder / "hung", Gauges(CollectorRegistry()), list[Any]()
        for name, does in DOES.items():
            hang = f'case "{name} $*" in {hangs}) mkdir {self.hung} 2>/dev/null && exec sleep 600;; esac'
            (folder / name).write_text(f"#!/bin/sh\n{hang}\n{does}\n")
            (folder / name).chmod(0o700)
        place = (folder / "elsewhere").as_uri()
        recipients = [str(x25519.Identity.generate().to_public())]
        plan = ArchivePlan.model_validate({"recipients": recipients, "place": place, "segment_ends_seconds": 0.1})
        key = signer("c2FmZSByZXR1cm4gc2lnbnMgd2hhdCBpdCB3cml0ZXM=")
        writer = Writer(open_place(plan.place), plan.recipients, key, folder / "work")
        self._keeper = Keeper(plan, writer, Tools(folder=f"{folder}/"), self.gauges)

    @contextmanager
    def keeping(self) -> Iterator[None]:
        told = threading.Event()
        with capture_logs() as self.lines:
            thread = threading.Thread(target=self._keeper.run, args=[told], daemon=True)
            thread.start()
            try:
                yield
            finally:
                told.set()
                thread.join()

    def is_safe(self) -> bool:
        return all(each._value.get() > 0 for each in (self.gauges.base_at, self.gauges.safe_at))

    def said(self) -> set[str]:
        return {each["event"] for each in self.lines}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "identify", lambda: ("7", 1, ""))
    monkeypatch.setattr(keeping, "_connect", lambda: nullcontext(Database()))
    monkeypatch.setattr(keeping, "TURN_SECONDS", 0.05)
    monkeypatch.setattr(keeping, "AGAIN", timedelta(seconds=0.1))
    for limit in ("SLOT_SECONDS", "STILL_SECONDS"):
        monkeypatch.setattr(keeping, limit, 1.0, raising=False)


def eventually(done: Callable[[], object]) -> None:
    until = time.monotonic() + WITHIN_SECONDS
    while not done():
        assert time.monotonic() < until, "not in time"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("hangs", "says"),
    [
        ("pg_basebackup*", "a base backup stood still and was ended"),
        ("pg_receivewal*--create-slot*", "the archive waits"),
        ("pg_receivewal*--no-loop*", "the receiver of WAL stood still and was ended"),
    ],
)
def test_a_tool_that_hangs_is_ended_and_tried_again(tmp_path: Path, hangs: str, says: str) -> None:
    kept = Kept(tmp_path, hangs)
    with kept.keeping():
        eventually(kept.hung.exists)
        assert not kept.is_safe(), "its age shows it"
        eventually(kept.is_safe)
    assert says in kept.said()


def test_a_receiver_is_not_ended_for_a_place_that_takes_nothing(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "nothing")
    (tmp_path / "elsewhere").touch()  # no folder can be made there
    with kept.keeping():
        eventually(lambda: list((tmp_path / "work" / "wal").glob("*.gz")))
        kept.lines.clear()
        time.sleep(2 * keeping.STILL_SECONDS)
        eventually(lambda: kept.lines)
    assert "the receiver of WAL stood still and was ended" not in kept.said()


class FullDisk(BytesIO):
    def write(self, _: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def seek(self, *_: object) -> int:
        return self.write(_)


def test_a_full_disk_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, refused = Kept(tmp_path, "nothing"), list[FullDisk]()

    def fill(**_: object) -> FullDisk:
        refused.append(FullDisk())
        return refused[-1]

    with monkeypatch.context() as patch, kept.keeping():
        patch.setattr(vault, "tempfile", SimpleNamespace(TemporaryFile=fill))
        eventually(lambda: len(refused) > 2)
        patch.undo()
        eventually(kept.is_safe)
