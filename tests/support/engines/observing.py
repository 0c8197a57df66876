"""Prometheus and Alertmanager as a test runs them, on ports and in a folder of their own."""

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.engines.ports import free_port

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "infra/prometheus/prometheus.yml"
RECEIVERS = ROOT / "infra/alertmanager/alertmanager.yml"
SECRET = "/run/secrets/"


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not here (Debian: {package})")
    return found


class Prometheus:
    """A running one. Every answer is of this moment."""

    def __init__(self, address: str) -> None:
        self._http = httpx.Client(base_url=address, trust_env=False, timeout=60)

    def close(self) -> None:
        self._http.close()

    def rows(self, expression: str) -> list[dict[str, Any]]:
        """Raises AssertionError with Prometheus' own words where it does not understand the question."""
        answer = self._http.get("/api/v1/query", params={"query": expression}).json()
        assert answer["status"] == "success", f"{expression}: {answer['error']}"
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def names(self) -> set[str]:
        """Of every metric that it has."""
        return set(self._http.get("/api/v1/label/__name__/values").json()["data"])

    def firing(self) -> set[str]:
        return {row["metric"]["alertname"] for row in self.rows('ALERTS{alertstate="firing"}')}

    def ready(self) -> bool:
        try:
            return self._http.get("/-/ready").is_success
        except httpx.HTTPError:
            return False


@contextmanager
def prometheus(folder: Path, services: Mapping[str, str], alertmanager: str | None = None) -> Iterator[Prometheus]:
    """With the rules of the repository, asking these services (addresses by name) every second."""
    config = yaml.safe_load(CONFIG.read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(CONFIG.parent / pattern) for pattern in config["rule_files"]]
    config["scrape_configs"] = config["scrape_configs"][:1]  # no exporter runs here
    config["scrape_configs"][0]["static_configs"] = [
        {"targets": [address.removeprefix("http://")], "labels": {"service": name}}
        for name, address in services.items()
    ]
    targets = [] if alertmanager is None else [alertmanager.removeprefix("http://")]
    config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": targets}]}]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    command = [
        program("prometheus", "prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'measurements'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--rules.alert.resend-delay=2s",  # the first is sent before Alertmanager is known
    ]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    one = Prometheus(f"http://127.0.0.1:{port}")
    try:
        eventually(one.ready)
        yield one
    finally:
        one.close()
        running.terminate()
        running.wait(60)


@contextmanager
def alertmanager(folder: Path, receivers: Mapping[str, str]) -> Iterator[str]:
    """With the routes of the repository; `receivers`: where each secret file's address leads. Yields its own address."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "alertmanager.yml").write_text(json.dumps(receiving(receivers)))
    port = free_port()
    command = [
        program("prometheus-alertmanager", "prometheus-alertmanager"),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alerts'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: _is_ready(address))
        yield address
    finally:
        running.terminate()
        running.wait(60)


def receiving(receivers: Mapping[str, str]) -> dict[str, Any]:
    """The repository's configuration, its secret files read: Debian's Alertmanager 0.25 is older than `url_file`."""
    config: dict[str, Any] = yaml.safe_load(RECEIVERS.read_text())
    for receiver in config["receivers"]:
        for webhook in receiver["webhook_configs"]:
            webhook["url"] = receivers[webhook.pop("url_file").removeprefix(SECRET)]
    return config


class Receiver:
    """Where Alertmanager's webhooks arrive."""

    def __init__(self) -> None:
        self.came: dict[str, list[dict[str, Any]]] = {"/operators": [], "/watchdog": []}
        receiver = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.came[self.path].extend(json.loads(body)["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def addresses(self) -> dict[str, str]:
        base = f"http://127.0.0.1:{self._server.server_port}"
        return {"operators_url": f"{base}/operators", "watchdog_url": f"{base}/watchdog"}

    def names(self, path: str) -> set[str]:
        return {alert["labels"]["alertname"] for alert in self.came[path]}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


def eventually(holds: Callable[[], object], within_seconds: float = 90) -> None:
    until = time.monotonic() + within_seconds
    while not holds():
        assert time.monotonic() < until, f"not within {within_seconds} s"
        time.sleep(0.1)


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/-/ready", trust_env=False, timeout=30).is_success
    except httpx.HTTPError:
        return False
