"""Asks Kafka which log each partition has, and where the epochs of its leaders end.

aiokafka has neither question. Its client takes requests of ours; a broker names its versions as it does for any.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from uuid import UUID

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Array,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    String,
    TaggedFields,
)

UNKNOWN = -1
"""Kafka's code for an error without a name."""
ANY_TOPIC = UUID(int=0)


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
    answer = await client.send(client.get_random_node(), MetadataRequest(list(topics)))
    logs: dict[TopicPartition, Log] = {}
    for name, topic_id, partitions in (each[1:3] + each[4:5] for each in answer.topics):
        if not any(error for error, *_ in partitions):
            for _, number, leader, epoch, *_others in partitions:
                logs[TopicPartition(name, number)] = Log(f"{answer.cluster_id}/{topic_id}", epoch, leader)
    return logs


async def find_ends(client: AIOKafkaClient, logs: Logs, epochs: Collection[Epoch]) -> dict[Epoch, int]:
    """Where each epoch ends in the present log: 0 if the log does not know it. Raises KafkaError."""
    by_leader: dict[int, list[Epoch]] = defaultdict(list)
    for each in epochs:
        by_leader[logs[each[0]].leader].append(each)
    ends: dict[Epoch, int] = {}
    for leader, asked in by_leader.items():
        answer = await client.send(leader, EpochEndRequest(asked, logs))
        found = [(topic, *each) for topic, partitions in answer.topics for each in partitions]
        # A partition that is asked of two epochs is answered twice, in the order of the questions.
        for each, (topic, error, partition, _, end) in zip(EpochEndRequest.in_order(asked), found, strict=True):
            if error or each[0] != TopicPartition(topic, partition):
                raise for_code(error or UNKNOWN)
            ends[each] = max(0, end)
    return ends


class Uuid(AbstractType[UUID]):
    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))


class MetadataResponseV12(Response):
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString("utf-8")),
                ("topic_id", Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class MetadataRequestV12(RequestStruct):
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = MetadataResponseV12
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", Uuid), ("topic", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class MetadataRequest(Request[MetadataRequestV12]):
    API_KEY = 3

    def __init__(self, topics: list[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[MetadataRequestV12]) -> MetadataRequestV12:
        return request_struct_class([(ANY_TOPIC, each, {}) for each in self._topics], False, False, {})


class EpochEndResponseV3(Response):
    API_KEY = 23
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            Array(
                ("topic", String("utf-8")),
                (
                    "partitions",
                    Array(("error_code", Int16), ("partition", Int32), ("leader_epoch", Int32), ("end_offset", Int64)),
                ),
            ),
        ),
    )


class EpochEndRequestV3(RequestStruct):
    API_KEY = 23
    API_VERSION = 3
    RESPONSE_TYPE = EpochEndResponseV3
    SCHEMA = Schema(
        ("replica_id", Int32),
        (
            "topics",
            Array(
                ("topic", String("utf-8")),
                ("partitions", Array(("partition", Int32), ("current_epoch", Int32), ("leader_epoch", Int32))),
            ),
        ),
    )


class EpochEndRequest(Request[EpochEndRequestV3]):
    API_KEY = 23
    CONSUMER = -1
    """As a consumer asks: for what is committed on the replicas."""

    def __init__(self, epochs: Collection[Epoch], logs: Logs) -> None:
        self._epochs = epochs
        self._logs = logs

    def build(self, request_struct_class: type[EpochEndRequestV3]) -> EpochEndRequestV3:
        topics: dict[str, list[Any]] = defaultdict(list)
        for place, epoch in self.in_order(self._epochs):
            topics[place.topic].append((place.partition, self._logs[place].epoch, epoch))
        return request_struct_class(self.CONSUMER, list(topics.items()))

    @staticmethod
    def in_order(epochs: Collection[Epoch]) -> list[Epoch]:
        return sorted(epochs)
