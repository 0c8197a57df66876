"""What rules and dashboards ask of exporters is what these measure, started as docker-compose.yml starts them."""

import re
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import psycopg
import pytest
import yaml

from infra.docker.certificates import Authority
from infra.grafana.boards import machines
from infra.grafana.renderer import DEPLOYMENTS
from infra.postgres.logins import EXPORTER, open_logins
from tests.support.engines.database import Database
from tests.support.engines.observing import eventually, program, prometheus
from tests.support.engines.ports import free_port

ROOT = Path(__file__).parents[2]
COMPOSED = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
QUESTIONS = [question for panel in machines.BOARD.panels for question in panel.questions.values()]
ASKED = (ROOT / "infra/prometheus/rules/machines.yaml").read_text() + " ".join(QUESTIONS)


def asked(prefix: str) -> set[str]:
    return set(re.findall(rf"\b{prefix}_[a-z0-9_A-Z]+", ASKED))


@contextmanager
def running(name: str, *arguments: str) -> Iterator[Callable[[str], str]]:
    """Gives what it answers to a path."""
    port = free_port()
    command = [
        program(f"prometheus-{name}", f"prometheus-{name}"),
        f"--web.listen-address=127.0.0.1:{port}",
        *arguments,
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def get(path: str) -> str:
        return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, timeout=60).text

    def answers() -> bool:
        try:
            return bool(get("/metrics"))
        except httpx.HTTPError:
            return False

    try:
        eventually(answers)
        yield get
    finally:
        process.terminate()
        process.wait(60)


def names(metrics: str) -> set[str]:
    return set(re.findall(r"^([a-z_A-Z0-9]+)[{ ]", metrics, re.MULTILINE))


def test_prometheus_understands_each_question(tmp_path: Path) -> None:
    with prometheus(tmp_path, {}) as one:
        for question in (*QUESTIONS, DEPLOYMENTS):
            one.rows(question)


def test_the_machine_is_measured_as_it_is_asked_for() -> None:
    given = [each.replace("/host", "/") for each in COMPOSED["node-exporter"]["command"]]
    with running("node-exporter", *given) as get:
        assert asked("node") - names(get("/metrics")) == set()


@pytest.mark.parametrize("module", ["door", "engine"])
def test_a_door_says_whether_it_answers_and_when_its_certificate_ends(tmp_path: Path, module: str) -> None:
    """The engine's authority is unknown to the exporter, as Kafka's is; a door's must be known."""
    (tmp_path / "door.pem").write_text(Authority.make().issue("kafka", "127.0.0.1"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "door.pem")
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as door:
        door.socket = context.wrap_socket(door.socket, server_side=True)
        threading.Thread(target=door.serve_forever, daemon=True).start()
        with running("blackbox-exporter", f"--config.file={ROOT / 'infra/prometheus/blackbox.yml'}") as get:
            metrics = get(f"/probe?module={module}&target=127.0.0.1:{door.server_port}")
        door.shutdown()
    assert f"\nprobe_success {int(module == 'engine')}\n" in metrics
    assert module == "door" or asked("probe") - names(metrics) == set()


def test_the_exporters_login_reads_statistics_and_no_table(database: Database) -> None:
    open_logins(database.admin_url, {EXPORTER: "a password"})
    open_logins(database.admin_url, {EXPORTER: "another"})
    with psycopg.connect(database.admin_url, user=EXPORTER, password="another", autocommit=True) as connection:
        connection.execute("SELECT * FROM pg_stat_replication")
        [seen] = connection.execute("SELECT pg_has_role('pg_read_all_stats', 'usage')").fetchone() or [False]
        assert seen
        for table in ("register.children", "casework.outbox", "audit.entries"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT FROM {table}")
