"""Lists the programs of a stack beside Kafka and PostgreSQL, and where each answers."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from infra.local.engines.starter import DidNotStart
from infra.local.example import authority as example_authority
from infra.local.processes.program import Program
from infra.local.settings.environment import bare, of_backups, of_service
from infra.local.settings.layout import ROOT, Layout
from infra.local.settings.secret_files import SecretFiles

YIELDS = {"professionals": 10, "console": 10, "strategy": 12, "audit": 19}
"""Niceness of what is ready, for when processors are short: reports and police first, then other people and whoever
signs in, the record.
"""


@dataclass(frozen=True)
class Roster:
    """`services` in the order of `python -m services list`; each has `replicas` processes that share its port."""

    layout: Layout
    ports: Mapping[str, int]
    services: tuple[str, ...]
    replicas: int
    options: str | None = None

    def service_programs(self) -> list[Program]:
        """One for each process: `<service>`, and `<service>-<slot>` from the second replica on."""
        return [self._service(service, slot) for service in self.services for slot in range(self.replicas)]

    def sandbox_program(self) -> Program:
        """Writes the sandbox's cast first, since ports and secrets may have changed."""
        cast = example_authority.cast(SecretFiles(self.layout.secrets), self.ports)
        self.layout.sandbox.touch(mode=0o600)
        self.layout.sandbox.write_text(json.dumps(cast, indent=1))
        command = (sys.executable, "-m", "infra.sandbox", "--config", str(self.layout.sandbox))
        return Program("sandbox", command, bare(), self.layout.log("sandbox"), ROOT)

    def backups_program(self) -> Program:
        """Keeps the database elsewhere as it changes; here that is another folder."""
        example_authority.plan_archive(self.layout)
        command = (sys.executable, "-m", "infra.postgres", "keep")
        return Program(
            "backups", command, of_backups(self.layout, self.ports), self.layout.log("backups"), ROOT, niceness=19
        )

    def endpoints(self) -> dict[str, str]:
        """A URL for each service and for the sandbox."""
        return {name: f"http://127.0.0.1:{self.ports[name]}" for name in (*self.services, "sandbox")}

    def ready_urls(self) -> dict[str, str]:
        """The URL by which each endpoint says whether it is ready."""
        return {name: f"{url}/health/ready" for name, url in self.endpoints().items()}

    def _service(self, service: str, slot: int) -> Program:
        name = service if slot == 0 else f"{service}-{slot}"
        command = (sys.executable, "-m", "services", "run", service)
        environment = of_service(self.layout, self.ports, service, slot)
        if self.options is not None:
            environment["SAFE_RETURN_OPTIONS"] = self.options
        return Program(
            name,
            command,
            environment,
            self.layout.log(name),
            ROOT,
            niceness=YIELDS.get(service, 0),
            ready_url=self.ready_urls()[service],
        )


def listed_services() -> tuple[str, ...]:
    """The services there are, asked of `python -m services list`. Raises DidNotStart."""
    asked = subprocess.run(
        [sys.executable, "-m", "services", "list"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if asked.returncode != 0:
        raise DidNotStart(f"`python -m services list` failed:\n{asked.stderr}")
    return tuple(line.split()[0] for line in asked.stdout.splitlines() if line.strip())
