"""Questions to Kafka go over aiokafka's connection, as its protocol has them, and their answers are understood."""

import asyncio
import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from aiokafka import TopicPartition
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from kafka.protocol.consumer import OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse
from kafka.protocol.metadata import MetadataRequest, MetadataResponse

from services.platform.bus.kept_messages import Log, find_ends, find_logs

FIRST, SECOND = (TopicPartition("child-events", each) for each in (0, 1))
LOGS = {FIRST: Log("log", 5, 1), SECOND: Log("log", 6, 2)}
ENDS = {(FIRST, 3): 30, (FIRST, 4): -1, (SECOND, 2): 20}


class Kafka:
    """Reads what is asked, and answers it, without a socket."""

    def __init__(self, asked: Any, answer: Callable[[Any], Any]) -> None:
        self._asked, self._answer = asked, answer

    def get_random_node(self) -> int:
        return 1

    async def send(self, _node: int, request: Any) -> Any:
        connection, sent = AIOKafkaConnection("kafka", 9092), list[bytes]()
        connection._versions = {3: (0, 13), 23: (2, 4)}
        connection._writer = SimpleNamespace(write=sent.append, close=lambda: None)
        answer = connection.send(request)
        await asyncio.sleep(0)
        [message] = sent
        (number,) = struct.unpack(">i", message[8:12])
        content = self._answer(self._asked.decode(message[4:], header=True)).encode()
        connection._handle_frame(struct.pack(">ib", number, 0) + content)
        return await answer


async def test_a_topic_without_a_leader_is_left_out() -> None:
    def answer(asked: Any) -> Any:
        assert [each.name for each in asked.topics] == ["child-events", "duties"]
        assert not asked.allow_auto_topic_creation
        partitions: list[Any] = [(0, 0, 1, 5, [], [], []), (0, 1, 2, 6, [], [], [])]
        topics = [
            (0, "child-events", UUID(int=7), False, partitions, None),
            (0, "duties", UUID(int=8), False, [(5, 0, -1, 5, [], [], [])], None),
        ]
        return MetadataResponse[12](cluster_id="cluster", topics=topics)

    name = f"cluster/{UUID(int=7)}"
    found = await find_logs(Kafka(MetadataRequest[12], answer), ["child-events", "duties"])
    assert found == {FIRST: Log(name, 5, 1), SECOND: Log(name, 6, 2)}


def _answer_ends(asked: Any, error: int = 0) -> Any:
    ends = [
        (error, each.partition, each.leader_epoch, ENDS[TopicPartition(topic.topic, each.partition), each.leader_epoch])
        for topic in asked.topics
        for each in topic.partitions
    ]
    return OffsetForLeaderEpochResponse[4](topics=[("child-events", ends)])


async def test_an_epoch_that_the_log_does_not_know_ends_at_its_beginning() -> None:
    kafka = Kafka(OffsetForLeaderEpochRequest[4], _answer_ends)
    assert await find_ends(kafka, LOGS, ENDS.keys()) == ENDS | {(FIRST, 4): 0}


@pytest.mark.parametrize("away", [False, True])
async def test_what_one_leader_does_not_say_is_left_out_and_others_are_asked_all_the_same(away: bool) -> None:
    class OneLeaderAway(Kafka):
        async def send(self, node: int, request: Any) -> Any:
            if node == 1 and away:
                raise KafkaConnectionError
            return await super().send(node, request)

    def answer(asked: Any) -> Any:
        return _answer_ends(asked, error=-1 if asked.topics[0].partitions[0].partition == 0 else 0)

    kafka: Any = OneLeaderAway(OffsetForLeaderEpochRequest[4], answer)
    assert await find_ends(kafka, LOGS, ENDS.keys()) == {(SECOND, 2): 20}
