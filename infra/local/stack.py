"""Runs the whole of Safe Return on this machine, as one object."""

import json
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from infra.local import cleanup
from infra.local.engines import roles
from infra.local.engines.database_pair import WITNESS, Pair
from infra.local.engines.starter import Engines
from infra.local.example import authority as example_authority
from infra.local.example import operators as example_operators
from infra.local.example import organisations as example_organisations
from infra.local.example.operators import ExampleOperator
from infra.local.processes import ports, readiness
from infra.local.processes.leftovers import ProcessList
from infra.local.processes.run_lock import RunLock
from infra.local.processes.supervisor import Supervisor
from infra.local.settings.environment import MAIL_PORTS, of_service
from infra.local.settings.layout import BROKERS, DATABASES, Layout
from infra.local.settings.roster import Roster, listed_services
from infra.local.settings.secret_files import SecretFiles
from infra.postgres.backup import dump, require_its_keys

ENGINES = (*DATABASES, *BROKERS, WITNESS)
READY_WITHIN_SECONDS = 300


class Stack:
    """Everything runs between `start` and `stop`, once; what it knows stays in `folder`, for the next stack there.

    `archive`: the database is kept in another folder too, as it changes. `copy`: a file that `back_up` wrote, restored
    before any service starts; there must be no database yet. `options`: which of
    services.run; None: all. Processes are named `postgres`, `kafka`, `sandbox` and after their service; a second
    replica is `<service>-1`. A `cluster` has three brokers, and two databases under
    Patroni with a witness (infra.local.settings.layout).

    Methods block, and may be called from any thread.
    """

    def __init__(
        self,
        folder: Path,
        *,
        replicas: int = 1,
        cluster: bool = False,
        example: bool = True,
        fixed_ports: bool = False,
        archive: bool = False,
        copy: Path | None = None,
        options: str | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.layout = Layout(folder.resolve())
        self.endpoints: dict[str, str] = {}
        self.ports: dict[str, int] = {}
        self._replicas = replicas
        self._cluster = cluster
        self._example = example
        self._fixed_ports = fixed_ports
        self._archive = archive
        self._copy = copy
        self._say = say
        self._stopping = threading.Event()
        self._lock = RunLock(self.layout.run_lock)
        self._secrets = SecretFiles(self.layout.secrets)
        self._supervisor = Supervisor(ProcessList(self.layout.processes), say)
        self._roster = Roster(self.layout, {}, (), replicas, options)

    def start(self) -> None:
        """Returns when everything is ready and the example authorities are loaded.

        Raises AlreadyRuns, DidNotStart, NotReady, CannotFetch, NoPlace, CannotBackUp, ExampleRefused; then nothing is
        left running.
        """
        self.layout.make()
        self._lock.take()
        try:
            if self._copy is not None:
                # Before any secret is made here: the copy's own could not take its place without breaking the rest.
                require_its_keys(self._copy, self._secrets.made)
            if self._example:
                example_authority.plan_fallback(self.layout)
            self._clear_the_ground()
            self._bring_up_engines()
            self._bring_up_services()
            if self._example:
                example_operators.make(self._secrets, self.ports)
                example_organisations.enter(self._secrets, self.ports)
                example_authority.load(self._secrets, self.ports)
            self._publish_endpoints()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Services first, then the outside world, then Kafka and PostgreSQL. Leaves no process. May be called twice."""
        self._stopping.set()
        if self._supervisor.is_alive():
            self.layout.endpoints.unlink(missing_ok=True)
            self._supervisor.stop_programs(program.name for program in self._roster.service_programs())
            self._supervisor.stop_programs(["sandbox", "backups"])
            self._supervisor.stop_programs(ENGINES)
            self._supervisor.finish()
            self.layout.processes.unlink(missing_ok=True)
        self._lock.release()

    def remove(self) -> None:
        """Deletes everything that a stopped stack keeps, but for backups. Raises AlreadyRuns, NoPlace."""
        cleanup.remove(self.layout)

    def back_up(self, file: Path) -> dict[str, str]:
        """Copies the database while everything runs (infra.postgres.backup). Raises CannotBackUp."""
        server = self._engines().server()
        return dump(server.tools(), file, self._secrets.made)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """As a fault would: the process is restarted afterwards, unless it is held."""
        self._supervisor.signal_one(name, number)

    def stop_one(self, name: str) -> None:
        """A clean stop, by its own stop signal, that is not mended until `start_one`."""
        self._supervisor.stop_programs([name])

    def start_one(self, name: str, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        """Starts what `stop_one` stopped, with `environment` beside its own. Returns before it is ready."""
        services = {each.name: each for each in self._roster.service_programs()}
        program = services.get(name, self._supervisor.program(name))
        self._supervisor.start_program(replace(program, environment={**program.environment, **environment}))

    def hold(self, name: str) -> None:
        """From now on a death of this process is not mended."""
        self._supervisor.hold(name)

    def release(self, name: str) -> None:
        """Ends `hold`: the process is started at once if it is dead."""
        self._supervisor.release(name)

    def is_running(self, name: str) -> bool:
        """True while the process exists, ready or not."""
        return self._supervisor.is_running(name)

    def pid(self, name: str) -> int | None:
        """The present process id, or None while it is down."""
        return self._supervisor.pid(name)

    def obstacles(self) -> dict[str, str]:
        """What is not ready now, with its reason; empty when all is well. A process that was given up counts."""
        given_up = dict.fromkeys(self._supervisor.given_up(), "died too often and was left stopped")
        return readiness.obstacles(self._roster.ready_urls(), replicas=self._replicas) | given_up

    @property
    def services(self) -> tuple[str, ...]:
        """The services that run, in the order of `python -m services list`; empty before `start`."""
        return self._roster.services

    @property
    def process_names(self) -> tuple[str, ...]:
        """Every process of a service, each replica by its own name."""
        return tuple(program.name for program in self._roster.service_programs())

    def wait_ready(self, within_seconds: float = READY_WITHIN_SECONDS) -> None:
        """Returns when everything answers that it is ready. Raises NotReady."""
        urls = self._roster.ready_urls()
        readiness.wait(
            urls,
            self._replicas,
            within_seconds,
            stopping=self._stopping,
            lost=self._supervisor.why_lost,
            say=lambda line: self._say(f"{line}; their logs are in {self.layout.folder / 'logs'}"),
        )

    def environment(self, service: str, slot: int = 0) -> dict[str, str]:
        """The whole environment that this service's process has; `python -m services forward` runs in clock's."""
        return of_service(self.layout, self.ports, service, slot)

    @property
    def operators(self) -> tuple[ExampleOperator, ...]:
        """Who may sign in at the console."""
        return example_operators.every(self._secrets)

    @property
    def admin_url(self) -> str:
        """The database, as its administrator: for peers that a benchmark puts beside the services."""
        return self._engines().server().admin_url

    @property
    def pair(self) -> Pair | None:
        """The databases of a cluster."""
        return self._engines().pair

    def roles(self) -> dict[str, str]:
        """Who leads and who follows in a cluster, as they say themselves; `away` if one does not answer."""
        return roles.ask(self.ports) if self._cluster else {}

    def _engines(self) -> Engines:
        return Engines(self.layout, self.ports, self._supervisor, self._stopping)

    def _clear_the_ground(self) -> None:
        for name in ProcessList(self.layout.processes).end_leftovers():
            self._say(f"{name} was left behind by an earlier run and has been ended")
        self.layout.endpoints.unlink(missing_ok=True)
        services = listed_services()
        others = ("sandbox", "sandbox-tls", "backups", "smtp", *MAIL_PORTS.values())
        names = (*services, *others, *self._engine_ports())
        self.ports = ports.choose(self.layout.ports, names, fixed=self._fixed_ports, say=self._say)
        self._secrets.play_notify()
        self._secrets.deal(services)
        self._roster = Roster(self.layout, self.ports, services, self._replicas, self._roster.options)

    def _engine_ports(self) -> list[str]:
        brokers = BROKERS if self._cluster else BROKERS[:1]
        kafka = [name for each in brokers for name in (each, f"{each}-controller")]
        if not self._cluster:
            return [*DATABASES[:1], *kafka]
        return [
            *DATABASES,
            *(f"{each}-api" for each in DATABASES),
            *(f"{each}-raft" for each in (*DATABASES, WITNESS)),
            *kafka,
        ]

    def _bring_up_engines(self) -> None:
        self._say("starting PostgreSQL and Kafka")
        self._supervisor.start()
        engines = self._engines()
        with ThreadPoolExecutor(2) as both:
            started = [
                both.submit(engines.bring_up_postgres, self._roster.services, self._copy),
                both.submit(engines.bring_up_kafka),
            ]
            try:
                for each in started:
                    each.result()
            except BaseException:
                self._stopping.set()
                raise
        engines.rewind()

    def _bring_up_services(self) -> None:
        if self._archive:
            self._supervisor.start_program(self._roster.backups_program())
        programs = [self._roster.sandbox_program(), *self._roster.service_programs()]
        self._say(f"starting the sandbox and {len(programs) - 1} processes of the services")
        for program in programs:
            self._supervisor.start_program(program)
        self.wait_ready()

    def _publish_endpoints(self) -> None:
        self.endpoints = self._roster.endpoints()
        draft = self.layout.endpoints.with_suffix(".new")
        draft.write_text(json.dumps(self.endpoints, indent=1))
        draft.replace(self.layout.endpoints)
