"""Lays out a stack's files. The folder of `make run` is `.local`; each test has a temporary one."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HOME = ROOT / ".local"
CLUSTER = HOME / "cluster"
JARS = HOME / "kafka" / "jars"
"""One cache for all stacks of a clone."""
BROKERS = ("kafka", "kafka-2", "kafka-3")
DATABASES = ("postgres", "postgres-2")
"""Of a cluster; else the first alone."""


@dataclass(frozen=True)
class Layout:
    """The paths under one folder; `make` makes the folders that programs expect to find."""

    folder: Path

    @property
    def endpoints(self) -> Path:
        """Exists while, and only while, everything has come up ready."""
        return self.folder / "endpoints.json"

    @property
    def ports(self) -> Path:
        return self.folder / "ports.json"

    @property
    def processes(self) -> Path:
        return self.folder / "processes.json"

    @property
    def run_lock(self) -> Path:
        return self.folder / "run.lock"

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    def kafka(self, broker: str) -> Path:
        return self.folder / "kafka" / broker.replace("kafka", "node")

    @property
    def sandbox(self) -> Path:
        return self.folder / "sandbox.json"

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    @property
    def protocols(self) -> Path:
        return self.folder / "protocols"

    @property
    def fallback_plan(self) -> Path:
        """Where each authority's pack for when all is down goes: into two folders here, since this is for trying."""
        return self.folder / "fallback" / "plan.yaml"

    @property
    def backups(self) -> Path:
        """Outlives all the rest: `make clean` leaves it."""
        return self.folder / "backups"

    @property
    def evidence(self) -> Path:
        """Where `audit pack` writes: about children, so not among the sources."""
        return self.folder / "evidence"

    @property
    def archive(self) -> Path:
        """Where `make run` keeps the database as it changes: plan, copies and, since this is for trying, their key."""
        return self.backups / "continuous"

    @property
    def rewind(self) -> Path:
        """After a restoration: since when the bus is read again, before any service starts."""
        return self.folder / "rewind"

    @property
    def anchors(self) -> Path:
        return self.folder / "published"

    def log(self, name: str) -> Path:
        """The log of one program, appended to from run to run."""
        return self.folder / "logs" / f"{name}.log"

    def make(self) -> None:
        """Private to whoever runs the stack: secrets and texts lie here."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self.spool, self.protocols, self.folder / "logs"):
            folder.mkdir(exist_ok=True)
