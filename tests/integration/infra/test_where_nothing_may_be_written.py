"""Each service starts where it may write nothing, as in its container: it makes no file where it is started, and it says what it waits for."""

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from infra.local.settings.environment import MAIL_PORTS, MAILBOXES, of_service
from infra.local.settings.layout import ROOT, Layout
from infra.local.settings.secret_files import SecretFiles
from services.run import SERVICES
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port

pytestmark = pytest.mark.timeout(400)
UP_WITHIN_SECONDS = 180
BY_FAUST = {"carers", "protocol", "police", "strategy", "professionals"}


def test_no_service_writes_where_it_is_started(database: Database, tmp_path: Path) -> None:
    layout, started_in = Layout(tmp_path / "stack"), tmp_path / "empty"
    layout.make()
    started_in.mkdir()
    secrets = SecretFiles(layout.secrets)
    for service in SERVICES:
        password = database.settings(service).database_password.get_secret_value()
        secrets.value(f"database-{service}", lambda password=password: password)  # type: ignore[misc]
    secrets.deal(SERVICES)
    names = (*SERVICES, "sandbox", "smtp", "kafka", *(MAIL_PORTS[each] for each in MAILBOXES))
    ports = {"postgres": database.port} | {each: free_port() for each in names}
    running = {each: _start(each, layout, ports, started_in) for each in SERVICES}
    try:
        waiting = {each: _obstacles(ports[each], running[each]) for each in SERVICES}
    finally:
        for each in running.values():
            each.kill()
            each.wait(60)
    assert sorted(started_in.iterdir()) == []
    assert {each for each, found in waiting.items() if found.get("reading") == "Kafka is away"} >= BY_FAUST


def _start(service: str, layout: Layout, ports: dict[str, int], folder: Path) -> subprocess.Popen[bytes]:
    environment = of_service(layout, ports, service, 0) | {"PYTHONPATH": str(ROOT)}
    with layout.log(service).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "services", "run", service], cwd=folder, env=environment, stdout=log, stderr=log
        )


def _obstacles(port: int, process: subprocess.Popen[bytes]) -> dict[str, str]:
    """Once it answers."""
    until = time.monotonic() + UP_WITHIN_SECONDS
    while True:
        assert process.poll() is None, "it has ended"
        try:
            return dict(httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=30).json()["obstacles"])
        except httpx.TransportError:
            assert time.monotonic() < until, "it does not answer"
            time.sleep(0.3)
