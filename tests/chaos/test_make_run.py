"""What `make run` promises about processes: a dead one comes back, Ctrl-C ends all of them, at any moment."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from infra.local.settings.environment import bare
from infra.local.settings.layout import ROOT, Layout
from infra.postgres import place

pytestmark = [pytest.mark.crash, pytest.mark.timeout(750)]


class MakeRun:
    """`python -m infra.local run` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder)
        self.pids: set[int] = set()
        self.output = folder.with_suffix(".out")
        with self.output.open("wb") as output:
            command = [sys.executable, "-m", "infra.local", "run", "--folder", str(folder)]
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=bare(), stdout=output, stderr=output, start_new_session=True
            )

    def listed(self) -> dict[str, int]:
        try:
            listed = json.loads(self.layout.processes.read_text())
        except FileNotFoundError:
            return {}
        pids: dict[str, int] = {name: entry["pid"] for name, entry in listed.items()}
        self.pids |= set(pids.values())
        return pids

    def until(self, holds: Callable[[], object], within_seconds: float = 360) -> None:
        end = time.monotonic() + within_seconds
        while not holds():
            assert time.monotonic() < end, self.output.read_text()
            time.sleep(0.1)

    def interrupt(self) -> int:
        self.listed()
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(180)

    def ready(self, service: str) -> bool:
        url = json.loads(self.layout.endpoints.read_text())[service]
        try:
            return httpx.get(f"{url}/health/ready", timeout=10, trust_env=False).is_success
        except httpx.HTTPError:
            return False


@pytest.fixture
def make_run(tmp_path: Path) -> Iterator[MakeRun]:
    folder = tmp_path / "local"
    one = MakeRun(folder)
    yield one
    if one.process.poll() is None:
        one.process.kill()
        one.process.wait()
    psutil.wait_procs([psutil.Process(pid) for pid in one.pids if psutil.pid_exists(pid)], timeout=30)
    shutil.rmtree(place.find(folder).reachable)


def test_a_killed_service_comes_back_a_second_run_is_refused_and_ctrl_c_leaves_no_process(make_run: MakeRun) -> None:
    make_run.until(make_run.layout.endpoints.exists)
    before = make_run.listed()
    assert {"postgres", "kafka", "sandbox", "casework", "carers", "protocol", "police", "clock"} <= set(before)

    os.kill(before["police"], signal.SIGKILL)
    make_run.until(lambda: make_run.listed().get("police", before["police"]) != before["police"])
    make_run.until(lambda: make_run.ready("police"))

    second = subprocess.run(make_run.process.args, cwd=ROOT, env=bare(), capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "one runs already" in second.stdout

    assert make_run.interrupt() == 0
    assert not [pid for pid in make_run.pids if psutil.pid_exists(pid)]
    assert not make_run.layout.endpoints.exists()


def test_after_everything_was_killed_at_once_the_next_run_starts(make_run: MakeRun) -> None:
    """As a machine that loses power: no lock, list or port of the first keeps the second away."""
    make_run.until(make_run.layout.endpoints.exists)
    before = make_run.listed()
    for pid in (make_run.process.pid, *before.values()):
        os.kill(pid, signal.SIGKILL)
    make_run.process.wait()
    make_run.layout.endpoints.unlink()

    again = MakeRun(make_run.layout.folder)
    try:
        again.until(again.layout.endpoints.exists)
        assert not set(before.values()) & set(again.listed().values())
        again.until(lambda: again.ready("police"))
        assert again.interrupt() == 0
    finally:
        make_run.pids |= again.pids
        again.process.kill()


def test_ctrl_c_while_it_starts_leaves_no_process(make_run: MakeRun) -> None:
    make_run.until(lambda: "kafka" in make_run.listed())
    make_run.interrupt()
    assert not [pid for pid in make_run.pids if psutil.pid_exists(pid)]
    assert not make_run.layout.endpoints.exists()
