"""Cuts machines of a cluster off by the kernel's packet filter: what is sent arrives nowhere, and nothing is refused."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from infra.local.engines.database_pair import with_children

CHAIN = "safe-return-faults"
GROUPS = Path("/sys/fs/cgroup/unified")
Rule = Sequence[str]


@dataclass(frozen=True)
class Machine:
    """`pids` with their children play it; others reach it at `ports`."""

    pids: Sequence[int]
    ports: Sequence[int]

    def connections(self) -> set[tuple[int, int | None]]:
        """Of now: its own port, and the other's."""
        return {
            (each.laddr.port, next(iter(each.raddr[1:]), None))
            for pid in self.pids
            for process in with_children(pid)
            for each in _connections_of(process)
        }


def _connections_of(process: psutil.Process) -> Iterable[Any]:
    """PostgreSQL's processes come and go with their connections."""
    try:
        return process.net_connections("tcp")
    except psutil.NoSuchProcess:
        return ()


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
def cut_off(machine: Machine) -> Iterator[None]:
    """Meanwhile nothing leaves it, and nothing reaches its ports.

    It does not reach itself by TCP either: a program that speaks with itself has to do so by a socket file.
    """
    with _grouped(CHAIN, machine) as from_it:
        ports = {own for own, _ in machine.connections()} | set(machine.ports)
        sides = [_between(port, None) for port in ports] + [_between(None, port) for port in ports]
        with _dropped([from_it, *sides]):
            yield


@contextmanager
def cut_apart(one: Machine, other: Machine) -> Iterator[None]:
    """Meanwhile nothing that either sends reaches the other; everybody else hears both."""
    with _grouped(CHAIN, one) as from_one, _grouped(f"{CHAIN}-too", other) as from_other:
        theirs = {own for own, _ in other.connections()}
        between = [pair for pair in one.connections() if pair[1] in theirs]
        opened = [_between(*each) for pair in between for each in (pair, pair[::-1])]
        opening = [(*from_one, *_between(None, port)) for port in other.ports]
        opening += [(*from_other, *_between(None, port)) for port in one.ports]
        with _dropped([*opened, *opening]):
            yield


@contextmanager
def _grouped(name: str, machine: Machine) -> Iterator[Rule]:
    """What matches whatever it sends by connections that it opens from now on."""
    group = GROUPS / name
    group.mkdir(exist_ok=True)
    try:
        for pid in machine.pids:
            for each in with_children(pid):
                (group / "cgroup.procs").write_text(str(each.pid))
        yield ("-m", "cgroup", "--path", name)
    finally:
        for left in (group / "cgroup.procs").read_text().split():
            (GROUPS / "cgroup.procs").write_text(left)
        group.rmdir()


def _between(source: int | None, destination: int | None) -> Rule:
    sides = (("--sport", source), ("--dport", destination))
    return ("-p", "tcp", *(part for side, port in sides if port is not None for part in (side, str(port))))


@contextmanager
def _dropped(rules: Iterable[Rule]) -> Iterator[None]:
    try:
        _filter("-N", CHAIN)
        _filter("-I", "OUTPUT", "-o", "lo", "-j", CHAIN)
        for rule in rules:
            _filter("-A", CHAIN, *rule, "-j", "DROP")
        yield
    finally:
        _filter("-D", "OUTPUT", "-o", "lo", "-j", CHAIN, sure=False)
        _filter("-F", CHAIN, sure=False)
        _filter("-X", CHAIN, sure=False)


def _filter(*order: str, sure: bool = True) -> None:
    subprocess.run(["iptables", "--wait", *order], check=sure, capture_output=True)
