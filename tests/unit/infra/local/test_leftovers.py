"""A supervisor killed with -9 leaves nothing that the next run does not find."""

import json
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from infra.local.processes.leftovers import ProcessList
from infra.local.settings.layout import ROOT

SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]
SUPERVISES = """
import sys, time
from pathlib import Path
from infra.local.settings.environment import bare
from infra.local.processes.leftovers import ProcessList
from infra.local.processes.program import Program
from infra.local.processes.supervisor import Supervisor

folder = Path(sys.argv[1])
supervisor = Supervisor(ProcessList(folder / "processes.json"), print)
supervisor.start()
sleeps = (sys.executable, "-c", "import time; time.sleep(600)")
supervisor.start_program(Program("one", sleeps, bare(), folder / "one.log", folder))
time.sleep(600)
"""


def test_a_listed_process_is_ended(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEPS) as left:
        processes = ProcessList(tmp_path / "processes.json")
        processes.write({"carers": left.pid})
        assert processes.end_leftovers() == ["carers"]
        assert not psutil.pid_exists(left.pid)


def test_a_process_that_has_since_taken_a_listed_id_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEPS) as foreign:
        file = tmp_path / "processes.json"
        processes = ProcessList(file)
        processes.write({"carers": foreign.pid})
        entry = json.loads(file.read_text())
        entry["carers"]["started"] -= 60
        file.write_text(json.dumps(entry))
        assert processes.end_leftovers() == []
        assert foreign.poll() is None
        foreign.kill()


@pytest.mark.parametrize("content", [None, "", "{half"])
def test_a_missing_or_half_written_list_names_nobody(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "processes.json"
    if content is not None:
        file.write_text(content)
    assert ProcessList(file).end_leftovers() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_the_programs_of_a_supervisor_killed_with_9_end_by_themselves(tmp_path: Path) -> None:
    file = tmp_path / "processes.json"
    with subprocess.Popen([sys.executable, "-c", SUPERVISES, str(tmp_path)], cwd=ROOT) as supervisor:
        end = time.monotonic() + 60
        while not file.exists() and time.monotonic() < end:
            time.sleep(0.05)
        program = psutil.Process(json.loads(file.read_text())["one"]["pid"])
        time.sleep(0.3)  # launching takes a moment before the kernel has been asked
        supervisor.kill()
    psutil.wait_procs([program], timeout=30)
    assert not program.is_running() or program.status() == psutil.STATUS_ZOMBIE
