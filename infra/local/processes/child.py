"""Restarts a program's process when it dies, at most five times a minute."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from infra.local.processes.program import Program
from infra.local.processes.readiness import obstacles

ASKED_EVERY_SECONDS = 0.5
RESTARTS_A_MINUTE = 5
PAUSES = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Seconds before each restart within a minute. Later ones give a dying predecessor time to let go of its files."""


class Child:
    """Touched by the supervisor's thread alone, but for `gone`, `is_running` and `given_up`, which anyone may read."""

    def __init__(self, program: Program, say: Callable[[str], None]) -> None:
        self.program = program
        self.given_up = False
        self.gone = threading.Event()
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = True
        self._held = False
        self._restarts: deque[float] = deque()
        self._restart_at: float | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int | None:
        process = self._process
        return None if process is None else process.pid

    def start(self) -> None:
        """Starts it now, whatever the history."""
        self._process = self.program.spawn()
        self._restart_at = None
        self.gone.clear()
        if self.program.niceness and self.program.ready_url:
            yielding = threading.Thread(target=self._yield_once_ready, args=(self._process,), daemon=True)
            yielding.start()

    def look_after(self, now: float) -> bool:
        """Notices a death, and starts again when that is due. True when the process is another than before, or none."""
        changed = False
        if self._process is not None and self._process.poll() is not None:
            self._bury(self._process, now)
            changed = True
        if self._restart_at is not None and now >= self._restart_at:
            self._restart_at = None
            try:
                self.start()
            except Exception as problem:  # noqa: BLE001 - else it would end the supervisor, and with it all programs
                self._plan_restart(now, f"could not be started ({problem})")
            changed = True
        return changed

    def set_held(self, *, held: bool) -> None:
        self._held = held
        if not held and self._wanted and not self.is_running:
            self.start()

    def ask_to_stop(self) -> None:
        self._wanted = False
        self._restart_at = None
        if self._process is None:
            self.gone.set()
        else:
            self.send(self.program.stop_signal)

    def kill(self) -> None:
        """Kills it at once, with all that it started."""
        if self._process is not None:
            _kill_group(self._process.pid)

    def send(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _yield_once_ready(self, process: subprocess.Popen[bytes]) -> None:
        """As `launch` has it from the start. Of processes that share a port, any may answer."""
        url = {self.program.name: self.program.ready_url or ""}
        while process.returncode is None and obstacles(url):
            time.sleep(ASKED_EVERY_SECONDS)
        with contextlib.suppress(OSError):  # it has ended meanwhile
            os.setpriority(os.PRIO_PGRP, process.pid, self.program.niceness)
            Path(f"/proc/{process.pid}/autogroup").write_text(str(self.program.niceness))

    def _bury(self, ended: subprocess.Popen[bytes], now: float) -> None:
        self._process = None
        # What a program started must not survive it, whichever way it ended.
        _kill_group(ended.pid)
        self.gone.set()
        if self._wanted and not self._held:
            self._plan_restart(now, f"ended ({_how(ended.returncode)})")

    def _plan_restart(self, now: float, why: str) -> None:
        while self._restarts and now - self._restarts[0] > 60:
            self._restarts.popleft()
        if len(self._restarts) >= RESTARTS_A_MINUTE:
            self.given_up = True
            self._say(
                f"{self.program.name} died {RESTARTS_A_MINUTE + 1} times within a minute and is left stopped; see {self.program.log}"
            )
            return
        self._say(f"{self.program.name} {why} and is started again")
        self._restart_at = now + PAUSES[len(self._restarts)]
        self._restarts.append(now)


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit {code}"
