"""A service of a running stack in the place of its own process: it kills itself at the step that it is told (tests/support/crashes/crash_at.py)."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from infra.local.settings.layout import ROOT
from infra.local.stack import Stack

READY_WITHIN_SECONDS = 270


class Dying:
    """Runs from the start of the object on, and `start` begins it again after its death: one start for each case."""

    def __init__(self, stack: Stack, service: str, folder: Path) -> None:
        self._stack = stack
        self._service = service
        self._orders, self._log = folder / "orders", folder / "log"
        stack.stop_one(service)
        self.start()

    def start(self) -> None:
        """Does not wait until it is ready."""
        self._orders.unlink(missing_ok=True)
        command = [sys.executable, "-m", "tests.support.crashes.crash_at", str(self._orders), self._service]
        environment = self._stack.environment(self._service)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def die_at(self, step: str, nth: int = 1) -> None:
        """Returns when it is ready, and will kill itself at the step."""
        self.wait_until_ready()
        draft = self._orders.with_suffix(".draft")
        draft.write_text(f"{step} {nth}")
        draft.rename(self._orders)

    def wait_until_dead(self) -> None:
        assert self._process.wait(180) == -signal.SIGKILL, self._log.read_text()

    def give_way(self) -> None:
        """To the stack's own process of the service."""
        self._process.terminate()
        self._process.wait(180)
        self._stack.start_one(self._service)

    def wait_until_ready(self) -> None:
        url, until = f"{self._stack.endpoints[self._service]}/health/ready", time.monotonic() + READY_WITHIN_SECONDS
        with httpx.Client(trust_env=False) as asking:
            while not _answers(asking, url):
                assert self._process.poll() is None, self._log.read_text()
                assert time.monotonic() < until, f"not ready within {READY_WITHIN_SECONDS} s"
                time.sleep(0.1)


def _answers(asking: httpx.Client, url: str) -> bool:
    try:
        return asking.get(url).is_success
    except httpx.TransportError:
        return False
