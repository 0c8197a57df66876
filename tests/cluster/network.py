"""Cuts one machine of a cluster off from all others by the kernel's packet filter: what is sent arrives nowhere, and nothing is refused."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from infra.local.engines.database_pair import with_children

CHAIN = "safe-return-faults"
GROUPS = Path("/sys/fs/cgroup/unified")


def why_not() -> str | None:
    """Why this machine cannot cut a network, or None."""
    if os.geteuid() != 0:
        return "cutting the network needs root"
    if shutil.which("iptables") is None:
        return "cutting the network needs iptables"
    if not (GROUPS / "cgroup.procs").exists():
        return f"cutting the network needs the second version of control groups at {GROUPS}"
    return None


@contextmanager
def cut_off(pids: Sequence[int], ports: Sequence[int]) -> Iterator[None]:
    """Meanwhile nothing that `pids` and their children send leaves them, and nothing reaches the `ports` at which they listen.

    They do not reach themselves by TCP either: a program that speaks with itself has to do so by a socket file.
    """
    processes = [each for pid in pids for each in with_children(pid)]
    group = GROUPS / CHAIN
    group.mkdir(exist_ok=True)
    try:
        for each in processes:
            (group / "cgroup.procs").write_text(str(each.pid))
        open_now = {connection.laddr.port for each in processes for connection in each.net_connections("tcp")}
        _filter("-N", CHAIN)
        _filter("-I", "OUTPUT", "-o", "lo", "-j", CHAIN)
        _filter("-A", CHAIN, "-m", "cgroup", "--path", CHAIN, "-j", "DROP")  # what they open from now on
        for port in sorted(open_now | set(ports)):
            for side in ("--sport", "--dport"):
                _filter("-A", CHAIN, "-p", "tcp", side, str(port), "-j", "DROP")
        yield
    finally:
        _filter("-D", "OUTPUT", "-o", "lo", "-j", CHAIN, sure=False)
        _filter("-F", CHAIN, sure=False)
        _filter("-X", CHAIN, sure=False)
        for pid in (group / "cgroup.procs").read_text().split():
            (GROUPS / "cgroup.procs").write_text(pid)
        group.rmdir()


def _filter(*order: str, sure: bool = True) -> None:
    subprocess.run(["iptables", "--wait", *order], check=sure, capture_output=True)
