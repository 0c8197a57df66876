"""A cluster of our own: made once, by password only, and startable after any death."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infra.local.engines.starter import Engines
from infra.local.processes.leftovers import ProcessList
from infra.local.processes.ports import any_free
from infra.local.processes.program import Program
from infra.local.processes.supervisor import Supervisor
from infra.local.settings.layout import Layout
from infra.postgres import place
from infra.postgres.server import Server


class Running:
    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder)
        self.layout.make()
        self.supervisor = Supervisor(ProcessList(self.layout.processes), print)
        self.supervisor.start()
        self.server = Engines(self.layout, {"postgres": any_free([])}, self.supervisor, threading.Event()).server()
        self.server.make_cluster()

    def start(self) -> None:
        self.supervisor.start_program(program(self.server, self.layout))
        self.answers()

    def answers(self) -> None:
        end = time.monotonic() + 90
        while not self.server.answers():
            assert time.monotonic() < end, self.supervisor.program("postgres").last_words()
            time.sleep(0.05)


def program(server: Server, layout: Layout) -> Program:
    return Program(
        "postgres",
        server.command,
        dict(os.environ),
        layout.log("postgres"),
        server.place.reachable,
        login=server.place.login,
        stop_signal=signal.SIGINT,
        prepare=server.clear_stale_pid_file,
    )


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    one = Running(tmp_path / "stack")
    yield one
    one.supervisor.stop_programs(["postgres"])
    one.supervisor.finish()
    subprocess.run(["rm", "-rf", str(place.find(one.layout.folder).reachable)], check=True)


def test_what_was_committed_is_there_after_kill_9(running: Running) -> None:
    running.start()
    with psycopg.connect(running.server.admin_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE told (who text)")
        connection.execute("INSERT INTO told VALUES ('the duty worker')")
    running.supervisor.signal_one("postgres", signal.SIGKILL)
    time.sleep(0.2)
    running.answers()
    with psycopg.connect(running.server.admin_url) as connection:
        assert connection.execute("SELECT who FROM told").fetchall() == [("the duty worker",)]


def test_a_pid_file_that_names_somebody_elses_process_does_not_keep_it_from_starting(running: Running) -> None:
    running.start()
    pid_file = running.server.place.files / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    running.supervisor.hold("postgres")
    running.supervisor.signal_one("postgres", signal.SIGKILL)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as foreign:
        pid_file.write_text("\n".join([str(foreign.pid), *lines[1:]]) + "\n")
        running.supervisor.release("postgres")
        running.answers()
        foreign.kill()


def test_nobody_logs_in_without_the_password(running: Running) -> None:
    running.start()
    with pytest.raises(psycopg.OperationalError, match=r"password authentication failed|no password supplied"):
        psycopg.connect(f"postgresql://postgres:guess@127.0.0.1:{running.server.port}/safe_return")


def test_a_cluster_that_was_left_half_made_is_made_again(tmp_path: Path) -> None:
    half = place.find(tmp_path / "stack").files.with_name("making")
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    one = Running(tmp_path / "stack")
    one.start()
    one.supervisor.stop_programs(["postgres"])
    one.supervisor.finish()
    subprocess.run(["rm", "-rf", str(place.find(one.layout.folder).reachable)], check=True)
