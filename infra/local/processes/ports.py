"""Chooses ports: fixed ones for a person, free ones for tests, the same again from run to run."""

import fcntl
import json
import os
import random
import socket
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

FIXED = {
    "sandbox": 8100,
    "sandbox-tls": 8110,
    "console": 8101,
    "casework": 8102,
    "carers": 8103,
    "protocol": 8104,
    "police": 8105,
    "strategy": 8106,
    "professionals": 8107,
    "clock": 8108,
    "audit": 8109,
    "backups": 8111,
    "smtp": 8125,
    "replies": 8126,
    "answers": 8127,
    "bounces": 8128,
    "postgres": 8132,
    "kafka": 8192,
    "kafka-controller": 8193,
}
BELOW_EPHEMERAL = range(10_000, 30_000)
"""Never from the ephemeral range: there, a client that retries a service while it is down can be given the service's
own port, and connects to itself.
"""
CLAIMS = Path(tempfile.gettempdir()) / f"safe-return-ports-{os.getuid()}"
"""A lock for each port that a run of this user has chosen, perhaps without opening it yet: two could listen on it."""
_held: dict[int, int] = {}
"""The descriptor of each claimed port's lock."""


def claim(port: int) -> bool:
    """Claims a port until this process ends. False where another run has claimed it."""
    if port in _held:
        return True
    CLAIMS.mkdir(exist_ok=True)
    file = os.open(CLAIMS / str(port), os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    _held[port] = file
    return True


def is_free(port: int) -> bool:
    """True when nothing listens on it at 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def any_free(taken: Iterable[int]) -> int:
    """A free port that is not among `taken`."""
    avoid = set(taken)
    while True:
        port = random.choice(BELOW_EPHEMERAL)  # noqa: S311 - not a secret
        if port not in avoid and is_free(port):
            return port


def choose(file: Path, names: Iterable[str], *, fixed: bool, say: Callable[[str], None]) -> dict[str, int]:
    """A free port for each name: that of last time, else its fixed one, else any. Says which it had to move."""
    before: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    ports: dict[str, int] = {}
    for name in names:
        wished = before.get(name) or (FIXED.get(name) if fixed else None)
        if wished is not None and wished not in ports.values() and is_free(wished) and claim(wished):
            ports[name] = wished
            continue
        tried = [*ports.values(), *FIXED.values()]
        while not claim(ports.setdefault(name, any_free(tried))):
            tried.append(ports.pop(name))
        if wished is not None:
            say(f"port {wished} is in use by another program: {name} takes {ports[name]}")
    file.write_text(json.dumps(ports, indent=1))
    return ports


def remembered(file: Path) -> dict[str, int]:
    """The ports of the present run. Raises FileNotFoundError when there was none."""
    ports: dict[str, int] = json.loads(file.read_text())
    return ports
