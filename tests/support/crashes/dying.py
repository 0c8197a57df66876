"""A service of a running stack in the place of its own process: it kills itself at one step (tests/support/crashes/crash_at.py)."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from infra.local.settings.layout import ROOT
from infra.local.stack import Stack

READY_WITHIN_SECONDS = 90


def start_dying(stack: Stack, service: str, step: str, nth: int, log: Path) -> subprocess.Popen[bytes]:
    """Returns when the service, which will kill itself at the step, is ready.

    What an earlier case left unfinished may bring it to the step before that: then it is let finish, and begun again.
    """
    command = [sys.executable, "-m", "tests.support.crashes.crash_at", step, str(nth), service]
    while True:
        with log.open("wb") as out:
            dying = subprocess.Popen(command, cwd=ROOT, env=stack.environment(service), stdout=out, stderr=out)
        if _is_ready(dying, f"{stack.endpoints[service]}/health/ready"):
            return dying
        assert dying.returncode == -signal.SIGKILL, log.read_text()
        stack.start_one(service)
        stack.wait_ready()
        stack.stop_one(service)


def _is_ready(process: subprocess.Popen[bytes], url: str) -> bool:
    """False when it dies first."""
    until = time.monotonic() + READY_WITHIN_SECONDS
    while process.poll() is None:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return True
        except httpx.TransportError:
            pass
        assert time.monotonic() < until, f"neither ready nor dead within {READY_WITHIN_SECONDS} s"
        time.sleep(0.1)
    return False
