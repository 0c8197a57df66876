"""How soon a Kafka node is found gone: where another can take over, soon; alone, not for a moment's delay."""

from infra.kafka.node import node

SOON = {"broker.session.timeout.ms", "broker.heartbeat.interval.ms", "controller.quorum.fetch.timeout.ms"}


def test_a_lone_broker_has_kafkas_own_limits() -> None:
    assert not SOON & node("/log", {1: 9093}).keys()
    assert node("/log", {1: 9093, 2: 9095, 3: 9097}).keys() >= SOON
