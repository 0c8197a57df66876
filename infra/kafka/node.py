"""Lists the settings of a Kafka that is one node, here and in docker-compose.yml."""

from collections.abc import Mapping


def one_node(log_folder: str, controller_port: int) -> dict[str, str | int]:
    """What any broker of ours has, here and in docker-compose.yml."""
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": log_folder,
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # Made full size at the start, 128 MB by default. This is enough for the offsets of 150,000 partitions of groups.
        "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
        "group.initial.rebalance.delay.ms": 0,
    }


def written(properties: Mapping[str, str | int]) -> str:
    """As a properties file."""
    return "".join(f"{name}={value}\n" for name, value in properties.items())
