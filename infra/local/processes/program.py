"""Describes one program of the stack: how it is started, where it logs, how it is asked to stop."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Program:
    """`patience` is in seconds, from the stop signal to kill -9. `prepare` runs before each start, restarts included.

    `orphan_signal` ends it when its supervisor was killed: everything here is made to survive kill -9, and an orderly
    stop would wait for neighbours that are gone as well. `niceness`, from 0 to 19: how far it yields the processors;
    with `ready_url`, once that has answered 200: on a busy machine it would never be ready else.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    folder: Path
    login: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    patience: float = 15.0
    niceness: int = 0
    ready_url: str | None = None
    prepare: Callable[[], None] | None = None
    written_before: int = field(init=False, compare=False)
    """How many bytes of the log earlier runs have written."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "written_before", self.log.stat().st_size if self.log.exists() else 0)

    def spawn(self) -> subprocess.Popen[bytes]:
        """Starts it in a process group of its own, so that the terminal's Ctrl-C reaches only the supervisor.

        The kernel ends it when the calling thread ends: call from a thread that lives as long as the program should.
        """
        if self.prepare is not None:
            self.prepare()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        launch = [
            sys.executable,
            "-I",
            "-S",
            str(LAUNCH),
            str(os.getpid()),
            str(int(self.orphan_signal)),
            self.login or "-",
            str(0 if self.ready_url else self.niceness),
        ]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*launch, *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                cwd=self.folder,
                start_new_session=True,
            )

    def last_words(self, lines: int = 15) -> str:
        """The end of what it has logged since this object was made, for a message about why it did not start."""
        if not self.log.exists():
            return ""
        written = self.log.read_bytes()[self.written_before :].decode(errors="replace")
        return "\n".join(written.splitlines()[-lines:])
