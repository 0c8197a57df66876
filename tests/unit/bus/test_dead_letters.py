"""Listing dead letters ends, whatever Kafka does meanwhile. The real Kafka is in tests/kafka."""

from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError

from services.platform.bus import dead_letters
from services.platform.bus.connection import Connection
from services.platform.runtime.settings import KafkaSettings


class SilentConsumer:
    """Knows that there is one more message, which never comes."""

    def __init__(self, position: int | None) -> None:
        self._position = position
        self.polls = 0
        self.closed = False

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return {0}

    def assign(self, _partitions: list[TopicPartition]) -> None: ...

    def seek_to_beginning(self, *_partitions: TopicPartition) -> None: ...

    def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 1)

    def position(self, _partition: TopicPartition, timeout_ms: int | None = None) -> int | None:
        assert timeout_ms is not None
        return self._position

    def poll(self, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        self.polls += 1
        assert self.polls < 100, "it is polled for ever"
        return {}

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("position", [0, None])
def test_where_nothing_more_comes_kafka_is_away(monkeypatch: pytest.MonkeyPatch, position: int | None) -> None:
    consumer = SilentConsumer(position)
    monkeypatch.setattr(Connection, "plain_consumer", lambda _, **__: consumer)
    with pytest.raises(KafkaTimeoutError):
        dead_letters.list_dead_letters(Connection(KafkaSettings(kafka="127.0.0.1:1")))
    assert issubclass(KafkaTimeoutError, dead_letters.AWAY)
    assert consumer.closed


class OneWithoutAValue(SilentConsumer):
    def poll(self, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        self._position = 1
        return {TopicPartition("dead-letters", 0): [SimpleNamespace(value=None)]}


def test_a_record_without_a_value_hides_no_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "plain_consumer", lambda _, **__: OneWithoutAValue(0))
    assert dead_letters.list_dead_letters(Connection(KafkaSettings(kafka="127.0.0.1:1"))) == []
