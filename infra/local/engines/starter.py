"""Makes and starts a stack's Kafka and PostgreSQL, and brings them into shape: migrations, logins, topics."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from infra.docker.layout import SERVICES
from infra.kafka.broker import Broker
from infra.kafka.node import SURVIVES
from infra.local.engines import class_cache
from infra.local.engines.database_pair import Pair
from infra.local.processes.program import Program
from infra.local.processes.supervisor import Supervisor
from infra.local.settings.environment import bare, bus, database_ports
from infra.local.settings.layout import BROKERS, DATABASES, JARS, ROOT, Layout
from infra.local.settings.secret_files import SecretFiles
from infra.postgres import backup, place
from infra.postgres.backup import BACKUPS
from infra.postgres.logins import open_backups, open_logins
from infra.postgres.server import Server

UP_WITHIN_SECONDS = 300
"""After a crash PostgreSQL may have 4 GB of its log to replay first."""
STILL_READ = 2
"""The exit code of `rewind` while consumers still read."""


class DidNotStart(Exception):
    """Something of the stack did not come up; the text says what, and shows the end of its log."""


def server_of(layout: Layout, ports: Mapping[str, int]) -> Server:
    """The stack's PostgreSQL, running or not. Raises NoPlace."""
    first, *others = database_ports(ports)
    password = SecretFiles(layout.secrets).database_password("administrator")
    return Server(place.find(layout.folder), first, password, others)


class Engines:
    """Brings up a stack's engines. The caller starts both at once, each in a thread. `stopping` ends every wait."""

    def __init__(
        self, layout: Layout, ports: Mapping[str, int], supervisor: Supervisor, stopping: threading.Event
    ) -> None:
        self._layout = layout
        self._ports = ports
        self._supervisor = supervisor
        self._stopping = stopping
        self._secrets = SecretFiles(layout.secrets)

    def bring_up_postgres(self, services: Iterable[str], copy: Path | None = None) -> None:
        """Returns when the database has its newest shape, with the content of the `copy`, and every service can log in.

        Raises DidNotStart, NoPlace, CannotBackUp.
        """
        server = self.server()
        programs = [self._single(server)] if self.pair is None else self.pair.programs(self._layout.log)
        for each in programs:
            self._supervisor.start_program(each)
        self._wait(programs[-1], lambda: server.answers() and (self.pair is None or server.has_standby()))
        if copy is not None:
            backup.restore(server.tools(), copy, SERVICES, self._secrets.made)
        self._services("migrate", {"SAFE_RETURN_ADMIN_DATABASE": server.admin_url})
        open_logins(server.admin_url, {service: self._secrets.database_password(service) for service in services})
        open_backups(server.admin_url, self._secrets.database_password(BACKUPS))

    def bring_up_kafka(self) -> None:
        """Returns when each broker answers and every topic exists. Raises DidNotStart, CannotFetch."""
        found = class_cache.fetch(JARS)
        names = [each for each in BROKERS if each in self._ports]
        voters = {number: self._ports[f"{name}-controller"] for number, name in enumerate(names, 1)}
        started = []
        for number, name in enumerate(names, 1):
            where, port = self._layout.kafka(name), self._ports[name]
            broker = Broker(where, found, port, voters[number], number=number, voters=voters)
            # Before each start: a node whose disk was lost is formatted, and comes back into its cluster.
            program = Program(
                name, broker.command, bare(), self._layout.log(name), ROOT, patience=20, prepare=broker.make_log
            )
            self._supervisor.start_program(program)
            started.append((program, broker))
        for program, broker in started:
            self._wait(program, broker.answers)
        replicas = {
            "SAFE_RETURN_KAFKA_REPLICATION": str(len(names)),
            "SAFE_RETURN_KAFKA_MIN_IN_SYNC": str(SURVIVES[len(names)]),
        }
        self._services("topics", {"SAFE_RETURN_KAFKA": bus(self._ports)} | replicas)

    def rewind(self) -> None:
        """Sets the bus back if the database was restored to a moment. Kafka refuses while it knows the last run's
        consumers.
        """
        if not self._layout.rewind.exists():
            return
        order = [sys.executable, "-m", "services", "rewind", self._layout.rewind.read_text()]
        environment = bare() | {"SAFE_RETURN_KAFKA": bus(self._ports)}
        while done := subprocess.run(order, cwd=ROOT, env=environment, capture_output=True, check=False).returncode:
            if done != STILL_READ or self._stopping.wait(2):
                raise DidNotStart("the bus could not be set back to before the restoration")
        self._layout.rewind.unlink()

    def server(self) -> Server:
        return server_of(self._layout, self._ports)

    @property
    def pair(self) -> Pair | None:
        """The databases of a cluster; None for a single one."""
        if DATABASES[-1] not in self._ports:
            return None
        return Pair(place.find(self._layout.folder), self._ports, self._secrets.database_password)

    def _single(self, server: Server) -> Program:
        server.make_cluster()
        return Program(
            name="postgres",
            command=server.command,
            environment=bare(),
            log=self._layout.log("postgres"),
            folder=server.place.reachable,
            login=server.place.login,
            stop_signal=signal.SIGINT,  # "fast": clients are cut off, nothing committed is lost
            orphan_signal=signal.SIGINT,
            prepare=server.clear_stale_pid_file,
        )

    def _wait(self, program: Program, answers: Callable[[], bool]) -> None:
        until = time.monotonic() + UP_WITHIN_SECONDS
        while not answers():
            if program.name in self._supervisor.given_up() or time.monotonic() > until:
                raise DidNotStart(f"{program.name} did not start. The end of {program.log}:\n{program.last_words()}")
            if self._stopping.wait(0.1):
                raise DidNotStart(f"told to stop while {program.name} was starting")

    def _services(self, command: str, settings: Mapping[str, str]) -> None:
        order = [sys.executable, "-m", "services", command]
        done = subprocess.run(order, cwd=ROOT, env=bare() | dict(settings), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DidNotStart(f"`python -m services {command}` failed:\n{done.stdout}{done.stderr}")
