"""Puts messages back into the outbox that Kafka acknowledged and has lost.

A power cut may take what only one broker had, and a Kafka may be made anew. New messages then have the lost ones'
offsets, so an offset proves nothing. A message at or beyond the end of the epoch in which it was written is lost. So
Kafka is asked which log each partition has, and where the epochs of its leaders end: aiokafka has neither question,
and kafka-python has both. The client of the former carries the messages of the latter.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import RequestHeader_v2, ResponseHeader_v1
from aiokafka.structs import RecordMetadata

from services.platform.bus.connection import PUBLISHED_AGAIN, UNCHECKED, Producer
from services.platform.runtime.logs import logger
from services.platform.runtime.process import Repeating
from services.platform.store import outbox
from services.platform.store.outbox import Sent, Unsent, Written
from services.platform.store.unit_of_work import Store
from services.safeguarding.message import Topic

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


LOOK_EVERY_SECONDS, LOOK_AGAIN_SECONDS = 20.0, 2.0
"""And again while Kafka does not answer."""
LOOKS_AFTER_A_CHANGE = 2
"""Once a message was written under logs that have changed: the first look may be under way, and not see its row."""
UNKNOWN_LOG = Log("", -1, -1)
UNKNOWN_OFFSET = 2**62
"""Kafka had the message already and does not say where: it is beyond any end."""


class KeptMessages:
    """`flush` brings what was published and is only in memory into the table; `wake` publishes the keys' outbox."""

    def __init__(
        self,
        store: Store,
        producer: Producer,
        flush: Callable[[], Awaitable[None]],
        wake: Callable[[Sequence[str]], None],
    ) -> None:
        self._store = store
        self._producer = producer
        self._flush = flush
        self._wake = wake
        self._logs: Logs = {}
        self._checked: Logs | None = None
        self._looks_left = 0
        self.check = Repeating("published messages", self._turn, every_seconds=LOOK_EVERY_SECONDS)

    async def known_logs(self, client: AIOKafkaClient, topics: Iterable[str]) -> Logs:
        """For `place`. Ask before a message is written: under an epoch that is too old it would be published again for
        nothing, under one that is too new its loss would go unseen. Raises KafkaError.
        """
        known = all(TopicPartition(each, 0) in self._logs for each in topics)
        return self._logs if known else await self._look(client)

    def place(self, message: Unsent, acknowledged: RecordMetadata, logs: Logs) -> Sent:
        if logs is not self._logs:
            self._looks_left = LOOKS_AFTER_A_CHANGE
        log = logs.get(acknowledged.topic_partition, UNKNOWN_LOG)
        offset = acknowledged.offset if acknowledged.offset >= 0 else UNKNOWN_OFFSET
        return Sent(message.position, message.key, log.id, acknowledged.partition, log.epoch, offset)

    async def _look(self, client: AIOKafkaClient) -> Logs:
        logs = {**self._logs, **await find_logs(client, Topic)}
        if logs != self._logs:  # the same object while nothing changes, by which `place` tells
            self._logs = logs
        return self._logs

    async def _turn(self) -> None:
        """Asks the database only when a log or its leader has changed."""
        try:
            client = (await self._producer.ready()).client
            logs = await self._look(client)
            if logs == self._checked and not self._looks_left:
                return
            await self._flush()
            async with self._store.read() as reader:
                written = await reader.fetch(outbox.WHERE_WRITTEN)
            gone, beyond, unsaid = await _find_lost(client, logs, written)
        except KafkaError:
            self.check.wake_after(LOOK_AGAIN_SECONDS)
            return
        if keys := await self._put_back(gone):
            logger().warning("Kafka has lost what it acknowledged, and it is published again", count=keys)
        if keys := await self._put_back(beyond):
            # Lost in a power cut, or written just after another leader was elected and before we knew it.
            logger().warning("Kafka's leader has changed: what it may have lost is published again", count=keys)
        UNCHECKED.set(unsaid)
        if not unsaid:
            self._checked, self._looks_left = logs, max(0, self._looks_left - 1)

    async def _put_back(self, lost: Sequence[Written]) -> int:
        """How many are published again."""
        count = 0
        while lost:
            async with self._store.engine.begin() as connection:
                keys = await outbox.put_back(connection, lost)
            if not keys:
                break
            count += len(keys)
            PUBLISHED_AGAIN.inc(len(keys))
            self._wake(list(dict.fromkeys(keys)))
        return count


async def _find_lost(
    client: AIOKafkaClient, logs: Logs, written: Sequence[Written]
) -> tuple[list[Written], list[Written], int]:
    """Says which logs are gone with all that they had, where the lost messages of each earlier epoch begin, and how
    many epochs have a leader that does not say where they end. What others have lost does not wait for those.
    """
    places = {each: TopicPartition(each.topic, each.partition) for each in written}
    known = {each: (place, logs[place]) for each, place in places.items() if place in logs}
    older = {each: place for each, (place, log) in known.items() if each.log == log.id and each.epoch != log.epoch}
    ends = await find_ends(client, logs, {(place, each.epoch) for each, place in older.items()})
    gone = [each for each, (_, log) in known.items() if each.log != log.id]
    said = {each: ends[place, each.epoch] for each, place in older.items() if (place, each.epoch) in ends}
    beyond = [replace(each, ends_at=end) for each, end in said.items()]
    return gone, beyond, len(older) - len(said)
