"""A Docker engine to try the guide on: the machine's own, or that of ../shared/engine; and a checkout beside no other's secrets."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ENGINE = ROOT.parent / "shared" / "engine" / "engine.sh"
CLONE_NEWNET = 0x40000000
STANDINS = "standins.yml"


@dataclass(frozen=True)
class Machine:
    """Where the guide's commands are given: a shell in a checkout of its own."""

    checkout: Path
    path: str

    def gives(self, command: str, within_seconds: float = 900) -> str:
        """What it printed."""
        environment = os.environ | {"PATH": f"{self.path}:{os.environ['PATH']}", "COMPOSE_ANSI": "never"}
        environment |= {"COMPOSE_PROGRESS": "quiet"}
        done = subprocess.run(
            ["bash", "-ec", f"shopt -s expand_aliases\n{command}\n"],
            stdin=subprocess.DEVNULL,
            cwd=self.checkout,
            env=environment,
            capture_output=True,
            text=True,
            timeout=within_seconds,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout


@contextmanager
def machine() -> Iterator[Machine]:
    """Skips where there is no engine to be had."""
    checkout = ROOT / ".local" / "compose" / "checkout"
    tools = checkout.parent / "tools"
    tools.mkdir(parents=True, exist_ok=True)
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0:
        _lay(checkout)
        yield Machine(checkout, str(tools))
        return
    if not ENGINE.exists() or os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("needs a Docker engine: none answers, and ../shared/engine is not here or not for this machine")
    os.environ["ENGINE_PROJECT"] = str(ROOT)
    for verb in ("up", "standins"):
        if subprocess.run([ENGINE, verb], check=False, timeout=900).returncode != 0:
            pytest.skip(f"needs a Docker engine: none answers, and `../shared/engine` could not `{verb}` here")
    _lay(checkout)
    _lay_standins_over(checkout, tools)
    with _network_of_the_engine():
        yield Machine(checkout, str(tools))


def _lay(checkout: Path) -> None:
    """What git knows of and what is new here, without what an earlier run has left."""
    shutil.rmtree(checkout, ignore_errors=True)
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True)
    for name in filter(None, listed.splitlines()):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, checkout / name)


def _lay_standins_over(checkout: Path, tools: Path) -> None:
    """As engine.sh does, but over what `.env` names, and for the sandbox's image too."""
    overlay = Path(os.environ.get("ENGINE_DIR", "/var/tmp/engine")) / "root" / "engine" / STANDINS
    laid = yaml.safe_load(overlay.read_text())
    laid["services"] |= dict.fromkeys(("sandbox", "example"), laid["services"]["casework"])
    (checkout / STANDINS).write_text(yaml.safe_dump(laid))
    docker = tools / "docker"
    files = f"docker-compose.yml:infra/docker/sandbox.yml:{STANDINS}"
    docker.write_text(f'#!/bin/bash\nCOMPOSE_FILE={files} exec {ENGINE} run env -C {checkout} docker "$@"\n')
    docker.chmod(0o755)


@contextmanager
def _network_of_the_engine() -> Iterator[None]:
    """Published ports are inside only. This thread and what it starts are there meanwhile."""
    pid = (Path(os.environ.get("ENGINE_DIR", "/var/tmp/engine")) / "dockerd.pid").read_text().split()[0]
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as ours, Path(f"/proc/{pid}/ns/net").open() as theirs:
        assert libc.setns(theirs.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            libc.setns(ours.fileno(), CLONE_NEWNET)
