"""Finds processes that outlived a supervisor killed with -9, by process id and start time, and ends them."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

import psutil


class ProcessList:
    """The file that names the stack's processes. Start times decide: a process id may belong to another one by now."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, pids: Mapping[str, int]) -> None:
        """Replaces the list, atomically."""
        started = {}
        for name, pid in pids.items():
            with contextlib.suppress(psutil.NoSuchProcess):
                started[name] = {"pid": pid, "started": psutil.Process(pid).create_time()}
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps(started, indent=1))
        draft.replace(self._file)

    def end_leftovers(self, patience_seconds: float = 4.0) -> list[str]:
        """Ends every process of the list that still lives, with all that it started. Returns the names it ended."""
        found = dict(self._living())
        family = {one for process in found.values() for one in (process, *_children(process))}
        for process in found.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        _, stubborn = psutil.wait_procs(family, timeout=patience_seconds)
        for process in stubborn:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(stubborn, timeout=patience_seconds)
        self._file.unlink(missing_ok=True)
        return sorted(found)

    def _living(self) -> list[tuple[str, psutil.Process]]:
        try:
            listed = json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return []
        living = []
        for name, entry in listed.items():
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(entry["pid"])
                if abs(process.create_time() - entry["started"]) < 1:
                    living.append((name, process))
        return living


def _children(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.children(recursive=True)
    return []
