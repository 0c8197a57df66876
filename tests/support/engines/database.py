"""A real PostgreSQL for tests: a server for each process that runs tests, migrated once, and a fresh copy for each module.

Roles belong to a server and not to a database, so a worker of pytest-xdist has a server of its own. Tests of one module
meet in its database: each takes children of its own.
"""

import os
import shutil
import signal
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil
import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from infra.postgres import place
from infra.postgres.backup import DATABASE
from infra.postgres.logins import open_logins
from infra.postgres.server import Server
from services.platform.runtime.settings import Settings
from services.platform.store.encryption import Keyring
from services.platform.store.engine import connect
from services.platform.store.migrations.access import SERVICES
from services.platform.store.migrations.apply import apply
from tests.support.engines.ports import free_port

UP_WITHIN_SECONDS = 90
MIGRATED = "migrated"
"""The template, which nobody may be connected to while it is copied."""
FOR_SPEED = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "scram_iterations=1")
"""Only a machine that loses power, or a thief of its disk, would make the difference. A commit is ten times as fast, a login three times."""
LOCK_TIMEOUT_SECONDS = 9
"""A little less than PostgreSQL lets a service's transaction wait for a lock."""


@dataclass(frozen=True)
class Database:
    """`settings(service)` is what that service would read at its start, with `kafka` at a port where nobody listens."""

    admin_url: str
    port: int
    password: str

    def settings(self, service: str) -> Settings:
        return _settings(self, service)

    def engine(self, role: str) -> AsyncEngine:
        """Logged in as that service; the test disposes of it."""
        return connect(self.settings(role), role)


@cache
def _settings(database: Database, service: str) -> Settings:
    return Settings(
        database=f"postgresql://127.0.0.1:{database.port}/safe_return",
        database_password=SecretStr(f"{database.password}-{service}"),
        kafka="127.0.0.1:1",
        http_port=1,
        sandbox=True,
    )


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The server: its databases come and go with the modules."""
    with mortal_database(tmp_path_factory.mktemp("database"), durable=False) as server:
        _administer(server.database, f"ALTER DATABASE {DATABASE} RENAME TO {MIGRATED}")
        yield server.database


@pytest.fixture(scope="module")
def database(postgres: Database) -> Iterator[Database]:
    _administer(postgres, f"CREATE DATABASE {DATABASE} TEMPLATE {MIGRATED}")
    yield postgres
    _administer(postgres, f"DROP DATABASE {DATABASE} WITH (FORCE)")


def _administer(database: Database, statement: str) -> None:
    with psycopg.connect(database.admin_url, dbname="postgres", autocommit=True) as connection:
        connection.execute(statement)


@contextmanager
def running_database(folder: Path) -> Iterator[Database]:
    with mortal_database(folder) as server:
        yield server.database


class MortalDatabase:
    """A server that a test may kill as a power cut would, and start again on the same files; if it is `durable`."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.where = place.find(folder)
        port, password = free_port(), os.urandom(8).hex()
        self._server = Server(self.where, port, password)
        self._command = self._server.command + (() if durable else FOR_SPEED)
        self._server.make_cluster()
        self.database = Database(self._server.admin_url, port, password)
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers. After a kill its own children may still hold the memory for a moment: then once more."""
        until = time.monotonic() + UP_WITHIN_SECONDS
        while not self._server.answers():
            if time.monotonic() > until:
                pytest.fail("PostgreSQL did not come up")
            if self._running is None or self._running.poll() is not None:
                self._running = subprocess.Popen(
                    self._command,
                    user=self.where.login,
                    cwd="/",
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            time.sleep(0.05)

    @property
    def process(self) -> psutil.Process:
        assert self._running is not None
        return psutil.Process(self._running.pid)

    def end(self, number: signal.Signals) -> None:
        if self._running is not None and self._running.poll() is None:
            self._running.send_signal(number)
            self._running.wait(90)


@contextmanager
def mortal_database(folder: Path, *, durable: bool = True) -> Iterator[MortalDatabase]:
    """Migrated, with each service's role able to log in."""
    server = MortalDatabase(folder, durable=durable)
    server.start()
    database = server.database
    try:
        apply(database.admin_url)
        open_logins(database.admin_url, {service: f"{database.password}-{service}" for service in SERVICES})
        yield server
    finally:
        server.end(signal.SIGTERM)
        where = server.where
        shutil.rmtree(where.reachable if where.login else Path(where.files), ignore_errors=True)


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    return Keyring(b64encode(b"m" * 32).decode(), b64encode(b"p" * 32).decode())
