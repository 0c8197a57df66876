"""Asks Kafka which log each partition has, and where the epochs of its leaders end.

aiokafka has neither question, and kafka-python has both: the client of the former carries the messages of the latter.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import RequestHeader_v2, ResponseHeader_v1

AS_A_CONSUMER = -1
"""Who asks. A consumer is answered about what is committed on the replicas."""


@dataclass(frozen=True, slots=True)
class Log:
    """A partition's log. `id` names its cluster and its topic: one that was made anew has another. A leader's epoch is
    higher than that of the leader before.
    """

    id: str
    epoch: int
    leader: int


Logs = Mapping[TopicPartition, Log]
Epoch = tuple[TopicPartition, int]


async def find_logs(client: AIOKafkaClient, topics: Iterable[str]) -> Logs:
    """Leaves out a topic that we may not see, or of which a partition has no leader. Raises KafkaError while Kafka is
    away.
    """
    from kafka.protocol.metadata import MetadataRequest, MetadataResponse

    asked = MetadataRequest[12](topics=[(None, str(each)) for each in topics], allow_auto_topic_creation=False)
    answer = await client.send(client.get_random_node(), _Question(asked, MetadataResponse[12]))
    return {
        TopicPartition(topic.name, each.partition_index): Log(
            f"{answer.cluster_id}/{topic.topic_id}", each.leader_epoch, each.leader_id
        )
        for topic in answer.topics
        if not any(each.error_code for each in topic.partitions)
        for each in topic.partitions
    }


async def find_ends(client: AIOKafkaClient, logs: Logs, epochs: Collection[Epoch]) -> dict[Epoch, int]:
    """Where each epoch ends in the present log: 0 if it does not know it. Leaves out what a leader does not say."""
    from kafka.protocol.consumer import OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse

    by_leader: dict[int, list[Epoch]] = defaultdict(list)
    for each in sorted(epochs):
        by_leader[logs[each[0]].leader].append(each)
    ends: dict[Epoch, int] = {}
    for leader, asked in by_leader.items():
        topics: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        for place, epoch in asked:
            topics[place.topic].append((place.partition, logs[place].epoch, epoch))
        question = OffsetForLeaderEpochRequest[4](replica_id=AS_A_CONSUMER, topics=list(topics.items()))
        try:
            answer = await client.send(leader, _Question(question, OffsetForLeaderEpochResponse[4]))
        except KafkaError:
            continue
        found = [
            (TopicPartition(topic.topic, each.partition), each) for topic in answer.topics for each in topic.partitions
        ]
        # A partition that is asked of two epochs is answered twice, in the order of the questions.
        for each, (place, end) in zip(asked, found, strict=True):
            if not end.error_code and each[0] == place:
                ends[each] = max(0, end.end_offset)
    return ends


class _Question:
    """A request of kafka-python's as aiokafka sends one, and what reads its answer. Both in a flexible version."""

    parse_response_header: ClassVar = ResponseHeader_v1.decode

    def __init__(self, asked: Any, answer: Any) -> None:
        self.encode, self._asked, self.RESPONSE_TYPE = asked.encode, asked, answer

    def prepare(self, _versions: object) -> "_Question":
        return self

    def build_request_header(self, **named: Any) -> RequestHeader_v2:
        return RequestHeader_v2(self._asked, **named)
