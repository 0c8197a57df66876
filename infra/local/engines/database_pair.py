"""Describes PostgreSQL as a primary and a synchronous standby under Patroni, with a witness, on one machine.

The members and the witness agree by Raft on who is the primary, so no other program is needed.
"""

import contextlib
import pwd
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import yaml

from infra.local.processes.program import Program
from infra.local.settings.environment import bare
from infra.local.settings.layout import DATABASES
from infra.postgres.backup import BACKUPS
from infra.postgres.place import Place
from infra.postgres.server import ADMIN, INITDB, SETTINGS

WITNESS = "witness"
PATIENCE_SECONDS = 30.0
LONGEST_SOCKET_FOLDER = 90
"""Bytes. The kernel takes 107 for the name of a socket, its file's included."""
ACCESS = ("all all", "replication replicator", f"replication {BACKUPS}")
FAILOVER = {
    "ttl": 20,  # Patroni's least: how long nobody is the primary after a machine is lost
    "loop_wait": 2,
    "retry_timeout": 3,
    "synchronous_mode": True,
    "synchronous_mode_strict": False,  # one of two may be lost; what is answered meanwhile is on one disk
    "failsafe_mode": True,
    "primary_start_timeout": 0,
    "maximum_lag_on_failover": 1_048_576,
    "slots": {BACKUPS: {"type": "physical"}},  # on the standby too, or what it takes over could have a gap elsewhere
}
WAL_KEPT = "2GB"
"""More than one checkpoint is from the next (`max_wal_size`, 1 GB). A former primary that was set back has thrown
away (`pg_rewind`) what its last checkpoint began with, and asks the other for it. Without, it stayed away for good.
"""
ALIKE = {"max_connections": SETTINGS["max_connections"]}
"""Patroni takes this only from what is set for all members; otherwise it is a hundred."""


class Pair:
    """`ports` of each member, its API and its Raft, by name. `passwords` returns the one for a name."""

    def __init__(self, place: Place, ports: Mapping[str, int], passwords: Callable[[str], str]) -> None:
        self._place = place
        self._ports = ports
        self._passwords = passwords

    def programs(self, log: Callable[[str], Path]) -> list[Program]:
        """The witness, and Patroni for each member, which starts and stops its PostgreSQL."""
        runs = {WITNESS: ("-c", "from patroni.raft_controller import main; main()")} | dict.fromkeys(
            DATABASES, ("-m", "patroni")
        )
        return [
            Program(
                name,
                self._as_login((sys.executable, *how, str(self._folder(name) / "patroni.yml"))),
                bare() | {"HOME": str(self._folder(name))},
                log(name),
                Path("/"),
                orphan_signal=signal.SIGTERM,
                patience=PATIENCE_SECONDS,
                prepare=lambda name=name: self._write(name),  # type: ignore[misc]
            )
            for name, how in runs.items()
        ]

    def data(self, name: str) -> Path:
        """The folder of a member's data: what is lost with its disk."""
        return self._folder(name) / "files"

    def postmaster(self, name: str) -> int | None:
        """The process id of a member's PostgreSQL, which is no child of Patroni's."""
        file = self.data(name) / "postmaster.pid"
        return int(file.read_text().splitlines()[0]) if file.exists() else None

    def _folder(self, name: str) -> Path:
        return self._place.reachable / name

    def _write(self, name: str) -> None:
        folder = self._folder(name)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = folder / "patroni.yml"
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(self._settings(name)))
        for each in (folder, file):
            self._place.own(each)

    def _settings(self, name: str) -> Mapping[str, object]:
        raft = {each: f"127.0.0.1:{self._ports[f'{each}-raft']}" for each in (*DATABASES, WITNESS)}
        shared = {
            "scope": "safe-return",
            "name": name,
            "raft": {
                "data_dir": str(self._folder(name) / "raft"),
                "self_addr": raft.pop(name),
                "partner_addrs": list(raft.values()),
                "password": self._passwords("raft"),
            },
        }
        if name == WITNESS:
            return shared
        api, database = (f"127.0.0.1:{self._ports[each]}" for each in (f"{name}-api", name))
        sockets = str(self._folder(name)) if len(str(self._folder(name))) <= LONGEST_SOCKET_FOLDER else ""
        return shared | {
            "restapi": {"listen": api, "connect_address": api},
            "bootstrap": {
                "dcs": FAILOVER | {"postgresql": {"use_pg_rewind": True, "use_slots": True, "parameters": ALIKE}},
                "initdb": [{each: value} for each, value in INITDB.items()] + [{"auth": "scram-sha-256"}],
            },
            "postgresql": {
                "listen": database,
                "connect_address": database,
                "data_dir": str(self.data(name)),
                "bin_dir": str(self._place.binaries),
                # A former primary is copied anew if the WAL that would set it back is gone.
                "remove_data_directory_on_rewind_failure": True,
                "basebackup": [{"checkpoint": "fast"}],  # else the standby waits for minutes until it may copy
                "pgpass": str(self._folder(name) / "pgpass"),
                "authentication": {
                    "superuser": {"username": ADMIN, "password": self._passwords("administrator")},
                    "replication": {"username": "replicator", "password": self._passwords("replicator")},
                    "rewind": {"username": "rewinder", "password": self._passwords("rewinder")},
                },
                "use_unix_socket": bool(sockets),  # so that a member whose network is cut still reaches itself
                "use_unix_socket_repl": bool(sockets),
                "pg_hba": [
                    f"{where} scram-sha-256"
                    for each in ACCESS
                    for where in (f"local {each}", f"host {each} 127.0.0.1/32")
                ],
                "parameters": {
                    **SETTINGS,
                    "wal_log_hints": "on",
                    "wal_keep_size": WAL_KEPT,
                    "unix_socket_directories": sockets,
                },
            },
        }

    def _as_login(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """Patroni must have PostgreSQL's login. It may read all files: Python may lie where only root can enter."""
        login = self._place.login
        if login is None:
            return command
        if shutil.which("setpriv") is None:
            raise RuntimeError("setpriv (util-linux) is needed to run Patroni as another login: or run as another user")
        read_all = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--pdeathsig=TERM")
        group = pwd.getpwnam(login).pw_gid
        return ("setpriv", f"--reuid={login}", f"--regid={group}", "--clear-groups", *read_all, *command)


def with_children(pid: int) -> list[psutil.Process]:
    """A process and all its descendants at this moment."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def kill(pid: int) -> None:
    """Kills PostgreSQL with all its processes, as when a machine is lost."""
    for each in with_children(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
