"""Programs that die are mended, up to a point; nothing survives a stop."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import Mock

import psutil
import pytest

from infra.local.processes import child
from infra.local.processes.leftovers import ProcessList
from infra.local.processes.program import Program
from infra.local.processes.supervisor import Supervisor
from infra.local.settings.environment import bare

SLEEPS = "import time; time.sleep(600)"
DIES = "raise SystemExit(3)"
IGNORES_TERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
HAS_A_CHILD = (
    f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEPS!r}]).pid, flush=True); {SLEEPS}"
)


class Watched:
    """A supervisor of small Python programs, and what it said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.processes = folder / "processes.json"
        self.supervisor = Supervisor(ProcessList(self.processes), self.said.append)
        self.supervisor.start()

    def start(self, source: str, patience: float = 10, settings: dict[str, str] | None = None) -> Program:
        environment = bare() | (settings or {})
        program = Program(
            "one", (sys.executable, "-c", source), environment, self.folder / "one.log", self.folder, patience=patience
        )
        self.supervisor.start_program(program)
        return program

    def pid(self) -> int:
        pid = self.supervisor.pid("one")
        assert pid is not None
        return pid

    def log(self) -> str:
        return (self.folder / "one.log").read_text()


def until(holds: Callable[[], bool], within_seconds: float = 60) -> None:
    end = time.monotonic() + within_seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    one = Watched(tmp_path)
    yield one
    one.supervisor.stop_programs(["one"])
    one.supervisor.finish()


def test_a_program_that_is_killed_runs_again_with_the_same_environment(watched: Watched) -> None:
    watched.start(f"import os; print('slot', os.environ['SLOT'], flush=True); {SLEEPS}", settings={"SLOT": "7"})
    until(lambda: watched.log().count("slot 7") == 1)
    before = watched.pid()
    watched.supervisor.signal_one("one", signal.SIGKILL)
    until(lambda: watched.log().count("slot 7") == 2)
    assert watched.pid() != before
    assert watched.said == ["one ended (signal SIGKILL) and is started again"]


def test_a_program_that_keeps_dying_is_left_after_five_restarts_and_that_is_said_once(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "PAUSES", (0.0,) * 5)
    watched.start(DIES)
    until(lambda: watched.supervisor.given_up() == ["one"])
    time.sleep(0.3)
    assert [sentence for sentence in watched.said if "left stopped" in sentence] == watched.said[-1:]
    assert len(watched.said) == 6
    assert not watched.supervisor.is_running("one")
    assert "one does not stay up" in watched.supervisor.why_lost()


def test_why_a_program_was_lost_shows_what_this_run_logged_and_nothing_of_earlier_ones(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "PAUSES", (0.0,) * 5)
    (watched.folder / "one.log").write_text("of an earlier run\n" * 3)
    watched.start("raise SystemExit('kestrel.yaml:3: not a rule')")
    until(lambda: watched.supervisor.given_up() == ["one"])
    assert watched.supervisor.why_lost().splitlines()[1:] == ["kestrel.yaml:3: not a rule"] * 6


def test_a_held_program_stays_dead_until_it_is_released(watched: Watched) -> None:
    watched.start(SLEEPS)
    watched.supervisor.hold("one")
    watched.supervisor.signal_one("one", signal.SIGKILL)
    until(lambda: not watched.supervisor.is_running("one"))
    time.sleep(0.3)
    assert not watched.supervisor.is_running("one")
    watched.supervisor.release("one")
    assert watched.supervisor.is_running("one")


def test_a_stopped_program_stays_stopped_and_can_be_started_again(watched: Watched) -> None:
    program = watched.start(SLEEPS)
    watched.supervisor.stop_programs(["one"])
    assert not watched.supervisor.is_running("one")
    assert watched.said == []
    watched.supervisor.start_program(program)
    assert watched.supervisor.is_running("one")


def test_a_program_deaf_to_its_stop_signal_is_killed_after_its_patience(watched: Watched) -> None:
    watched.start(IGNORES_TERM, patience=0.3)
    until(lambda: "up" in watched.log())
    pid = watched.pid()
    watched.supervisor.stop_programs(["one"])
    assert not psutil.pid_exists(pid)


def test_what_a_program_started_does_not_survive_its_stop(watched: Watched) -> None:
    watched.start(HAS_A_CHILD)
    until(lambda: watched.log().strip().isdigit())
    grandchild = psutil.Process(int(watched.log()))
    watched.supervisor.stop_programs(["one"])
    until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


def test_a_program_that_cannot_be_prepared_is_reported_to_whoever_asked_for_it(watched: Watched) -> None:
    def refuse() -> None:
        raise OSError("no room")

    program = Program("two", ("true",), bare(), watched.folder / "two.log", watched.folder, prepare=refuse)
    with pytest.raises(OSError, match="no room"):
        watched.supervisor.start_program(program)
    watched.start(SLEEPS)
    assert watched.supervisor.is_running("one")


def test_a_program_that_cannot_be_restarted_is_tried_again_and_takes_no_other_with_it(watched: Watched) -> None:
    def prepare() -> None:
        prepared.append(len(prepared))
        if len(prepared) == 2:
            raise OSError("no room")

    prepared: list[int] = []
    command = (sys.executable, "-c", SLEEPS)
    program = Program("two", command, bare(), watched.folder / "two.log", watched.folder, prepare=prepare)
    watched.start(SLEEPS)
    watched.supervisor.start_program(program)
    watched.supervisor.signal_one("two", signal.SIGKILL)
    until(lambda: len(prepared) == 3 and watched.supervisor.is_running("two"))
    assert watched.said[1] == "two could not be started (no room) and is started again"
    assert watched.supervisor.is_running("one")
    watched.supervisor.stop_programs(["two"])


def test_a_list_of_processes_that_cannot_be_written_ends_nothing(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.start(SLEEPS)
    before = watched.pid()
    monkeypatch.setattr(ProcessList, "write", Mock(side_effect=OSError("no room")))
    watched.supervisor.signal_one("one", signal.SIGKILL)
    until(lambda: watched.supervisor.pid("one") not in {None, before})
    assert "the list of processes cannot be written (no room)" in watched.said
    assert watched.supervisor.is_running("one")


@contextmanager
def answering(status: HTTPStatus) -> Iterator[tuple[str, dict[str, HTTPStatus]]]:
    """A URL, and what it answers from now on."""
    answers = {"/": status}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers["/"])
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", answers
        server.shutdown()


def test_a_program_yields_the_processors_once_it_is_ready_and_not_before(watched: Watched, tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import time; time.sleep(600)")
    usual, own = os.getpriority(os.PRIO_PROCESS, 0), Path("/proc/self/autogroup")
    with answering(HTTPStatus.SERVICE_UNAVAILABLE) as (url, answers):
        slow = Program("slow", command, bare(), tmp_path / "slow.log", tmp_path, niceness=19, ready_url=url)
        watched.supervisor.start_program(slow)
        pid = watched.supervisor.pid("slow") or 0
        time.sleep(1)
        assert os.getpriority(os.PRIO_PROCESS, pid) == usual
        answers["/"] = HTTPStatus.OK
        until(lambda: os.getpriority(os.PRIO_PROCESS, pid) == 19)
        if own.exists():
            until(lambda: Path(f"/proc/{pid}/autogroup").read_text().rstrip().endswith(" nice 19"))
        watched.supervisor.stop_programs(["slow"])


def test_a_program_yields_the_processors_to_programs_of_other_sessions_as_well(tmp_path: Path) -> None:
    """Where Linux groups processes by session, a program's own niceness alone would change nothing: each has its own session."""
    own = Path("/proc/self/autogroup")
    tells = f"import os, pathlib; print(os.nice(0)); print(pathlib.Path({str(own)!r}).read_text() if {own.exists()} else '')"
    program = Program(
        "one", (sys.executable, "-c", tells), bare(), tmp_path / "one.log", tmp_path, niceness=os.nice(0) + 7
    )
    program.spawn().wait(60)
    niceness, group = program.log.read_text().splitlines()[:2]
    assert int(niceness) >= 7
    assert not own.exists() or group.endswith(f" nice {niceness}")
