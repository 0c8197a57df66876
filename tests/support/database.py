"""A real PostgreSQL for tests: one a session, migrated, each service's role with a password. Tests take children of their own."""

import os
import shutil
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from infra.postgres import place
from infra.postgres.logins import open_logins
from infra.postgres.server import Server
from services.runtime.settings import Settings
from services.store.encryption import Keyring
from services.store.engine import connect
from services.store.migrations.access import SERVICES
from services.store.migrations.apply import apply

UP_WITHIN_SECONDS = 30


@dataclass(frozen=True)
class Database:
    """`settings(service)` is what that service would read at its start, with `kafka` at a port where nobody listens."""

    admin_url: str
    port: int
    password: str

    def settings(self, service: str) -> Settings:
        return Settings(
            database=f"postgresql://127.0.0.1:{self.port}/safe_return",
            database_password=SecretStr(f"{self.password}-{service}"),
            kafka="127.0.0.1:1",
            http_port=1,
            sandbox=True,
        )

    def engine(self, role: str) -> AsyncEngine:
        """Logged in as that service; the test disposes of it."""
        return connect(self.settings(role), role)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with running_database(tmp_path_factory.mktemp("database")) as running:
        yield running


@contextmanager
def running_database(folder: Path) -> Iterator[Database]:
    where = place.find(folder)
    port, password = _free_port(), os.urandom(8).hex()
    server = Server(where, port, password)
    server.make_cluster()
    running = subprocess.Popen(
        server.command,
        user=where.login,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_it_answers(server)
        apply(server.admin_url)
        open_logins(server.admin_url, {service: f"{password}-{service}" for service in SERVICES})
        yield Database(server.admin_url, port, password)
    finally:
        running.terminate()
        running.wait(30)
        shutil.rmtree(where.reachable if where.login else Path(where.files), ignore_errors=True)


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    return Keyring(b64encode(b"m" * 32).decode(), b64encode(b"p" * 32).decode())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(server: Server) -> None:
    until = time.monotonic() + UP_WITHIN_SECONDS
    while not server.answers():
        if time.monotonic() > until:
            pytest.fail("PostgreSQL did not come up")
        time.sleep(0.05)
