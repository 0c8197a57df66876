"""Lists the settings of a Kafka node, alone or in a cluster, here and in docker-compose.yml."""

from collections.abc import Mapping

SURVIVES = {1: 1, 3: 2}
"""By the number of brokers: how many have a message before it is acknowledged. One of three may be lost."""
ALONE = {"log.flush.interval.messages": 1}
"""A message is on disk before it is acknowledged, which takes half a millisecond: no other broker has it."""
FOUND_GONE_SOON = {
    "controller.quorum.fetch.timeout.ms": 1000,
    "controller.quorum.election.timeout.ms": 500,
    "controller.quorum.election.backoff.max.ms": 500,
    "replica.lag.time.max.ms": 5000,
    # After a kill, a broker waits until its own earlier session is over: 9 s by default.
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
}
"""Only where another can take over: alone on a busy machine, a broker would lose its partitions for a short delay."""


def node(log_folder: str, voters: Mapping[int, int], number: int = 1) -> dict[str, str | int]:
    """`voters`: by number, the port at which each node's controller is reached by the others."""
    brokers = len(voters)
    copies = ("offsets.topic.replication.factor", "transaction.state.log.replication.factor")
    in_sync = ("min.insync.replicas", "transaction.state.log.min.isr", "share.coordinator.state.topic.min.isr")
    return {
        "process.roles": "broker,controller",
        "node.id": number,
        "controller.quorum.voters": ",".join(f"{each}@127.0.0.1:{port}" for each, port in voters.items()),
        "controller.listener.names": "CONTROLLER",
        "log.dirs": log_folder,
        "auto.create.topics.enable": "false",
        **dict.fromkeys((*copies, "share.coordinator.state.topic.replication.factor"), brokers),
        **dict.fromkeys(in_sync, SURVIVES[brokers]),
        **(FOUND_GONE_SOON if brokers > 1 else ALONE),
        # Allocated at the start, 128 MB by default. This is enough for the offsets of 150,000 partitions of groups.
        "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
        "group.initial.rebalance.delay.ms": 0,
    }


def written(properties: Mapping[str, str | int]) -> str:
    """As a properties file."""
    return "".join(f"{name}={value}\n" for name, value in properties.items())
