"""`make clean` leaves the backups, needs nothing that is installed, and a copy of other secrets is refused before anything is made."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local import cleanup
from infra.local.processes.run_lock import AlreadyRuns, RunLock
from infra.local.settings.layout import ROOT, Layout
from infra.local.stack import Stack
from infra.postgres import place
from infra.postgres.backup import CannotBackUp, beside


@pytest.fixture
def stopped(tmp_path: Path) -> Layout:
    """What a run left, but for PostgreSQL's binaries."""
    layout = Layout(tmp_path / "local")
    layout.make()
    (layout.secrets / "made").mkdir(parents=True)
    (layout.secrets / "made" / "master_key").touch()
    layout.ports.touch()
    database = place._reachable(layout.folder) / "files"
    database.mkdir(parents=True)
    return layout


def test_everything_goes(stopped: Layout) -> None:
    assert cleanup.remove(stopped) == []
    assert not stopped.folder.exists()
    assert not place._reachable(stopped.folder).exists()


def test_backups_stay_and_all_else_goes(stopped: Layout) -> None:
    stopped.backups.mkdir()
    copy = stopped.backups / "safe-return.dump"
    copy.write_text("rows")
    assert cleanup.remove(stopped) == [copy]
    assert [*stopped.folder.iterdir()] == [stopped.backups]
    assert copy.read_text() == "rows"


def test_nothing_goes_while_it_runs(stopped: Layout) -> None:
    lock = RunLock(stopped.run_lock)
    lock.take()
    with pytest.raises(AlreadyRuns):
        cleanup.remove(stopped)
    lock.release()
    assert stopped.ports.exists()


def test_nothing_that_is_installed_is_needed(stopped: Layout) -> None:
    """As after an install that was broken off."""
    source = f"from infra.local import cleanup; from pathlib import Path; cleanup.remove(cleanup.Layout(Path({str(stopped.folder)!r})))"
    done = subprocess.run([sys.executable, "-S", "-c", source], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not stopped.folder.exists()


def test_make_clean_asks_for_nothing_that_is_installed() -> None:
    told = subprocess.run(["make", "--dry-run", "clean"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "-m infra.local.cleanup" in told
    assert ".venv/bin" not in told


def test_a_copy_of_other_secrets_is_refused_before_anything_is_made_or_started(tmp_path: Path) -> None:
    copy = tmp_path / "copy.dump"
    copy.touch()
    beside(copy).write_text(json.dumps({"sha256": "", "master_key": "0a" * 32}))
    stack = Stack(tmp_path / "local", copy=copy)
    with pytest.raises(CannotBackUp, match=r"belongs to other secrets: there is no master_key in .*/secrets/made"):
        stack.start()
    assert not stack.layout.secrets.exists()
    assert not place._reachable(stack.layout.folder).exists()
