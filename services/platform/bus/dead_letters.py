"""Lists, explains and redrives dead letters. A redriven message is skipped where it was handled before."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError

from services.platform.bus.connection import Connection
from services.platform.messages.envelope import Unreadable, read
from services.safeguarding.duty.decisions import MessageDeadLettered
from services.safeguarding.message import Topic

READ_MS = 5_000
AWAY = KafkaError
"""Raised by `list_dead_letters` and `redrive` while Kafka cannot be reached."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    id: str
    at: datetime
    subject: str
    letter: MessageDeadLettered
    exercise: bool = False

    def explain(self) -> str:
        about = self.letter.original_kind or "a message of no known kind"
        about += " of an exercise" if self.exercise else ""
        return (
            f"{self.letter.service} could not work on {about} ({self.letter.origin}) at {self.at:%Y-%m-%d %H:%M:%S %Z}: "
            f"{self.letter.reason}. A person is told of it where it is about a child. Mend the cause, then redrive {self.id}."
        )


def list_dead_letters(connection: Connection) -> list[DeadLetter]:
    """Returns the topic's dead letters, oldest first, each once however often it was published. Raises AWAY."""
    found: dict[str, DeadLetter] = {}
    consumer = connection.plain_consumer(enable_auto_commit=False, bootstrap_timeout_ms=READ_MS)
    try:
        partitions = [
            TopicPartition(Topic.DEAD_LETTERS, each)
            for each in sorted(consumer.partitions_for_topic(Topic.DEAD_LETTERS) or ())
        ]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        while any(_position(consumer, each) < ends[each] for each in partitions):
            come = consumer.poll(timeout_ms=READ_MS)
            if not come:
                raise KafkaTimeoutError
            for records in come.values():
                for record in records:
                    _take(record.value or b"", found)
    finally:
        consumer.close()
    return sorted(found.values(), key=lambda each: each.at)


def _position(consumer: KafkaConsumer, partition: TopicPartition) -> int:
    position = consumer.position(partition, timeout_ms=READ_MS)
    if position is None:
        raise KafkaTimeoutError
    return int(position)


def redrive(connection: Connection, dead_letter: DeadLetter) -> Topic:
    """Publishes the message to its topic again, and returns once Kafka has acknowledged it.

    Raises LookupError if the message was too large for the letter and its topic no longer holds it. Raises AWAY.
    """
    topic = Topic(dead_letter.letter.origin.split("/", maxsplit=1)[0])
    raw = _original(connection, dead_letter.letter)
    producer = connection.plain_producer(acks="all", bootstrap_timeout_ms=READ_MS)
    try:
        producer.send(topic, value=raw, key=_key_of(raw, dead_letter.subject)).get(timeout=20)
    finally:
        producer.close()
    return topic


def _original(connection: Connection, letter: MessageDeadLettered) -> bytes:
    if letter.original is not None:
        return base64.b64decode(letter.original)
    topic, partition, offset = letter.origin.split("/")
    place = TopicPartition(topic, int(partition))
    consumer = connection.plain_consumer(enable_auto_commit=False, consumer_timeout_ms=READ_MS)
    try:
        consumer.assign([place])
        consumer.seek(place, int(offset))
        record = next(consumer, None)
    finally:
        consumer.close()
    if record is None or record.offset != int(offset) or not _is_of(letter, record.value):
        raise LookupError(f"Kafka no longer holds the message at {letter.origin}")
    return bytes(record.value)


def _is_of(letter: MessageDeadLettered, raw: bytes) -> bool:
    """Whether these bytes are the letter's message: after a loss at Kafka, another stands in its place."""
    return letter.original_id is None or f'"{letter.original_id}"'.encode() in raw


def _take(raw: bytes, found: dict[str, DeadLetter]) -> None:
    try:
        received = read(raw, topic=Topic.DEAD_LETTERS)
    except Unreadable:
        return
    letter = received.content
    if isinstance(letter, MessageDeadLettered):
        found.setdefault(
            received.id, DeadLetter(received.id, received.time, received.subject, letter, received.exercise)
        )


def _key_of(raw: bytes, otherwise: str) -> bytes:
    """Returns the child's id, so that a redriven message stays in order with the child's others."""
    try:
        subject = json.loads(raw).get("subject")
    except (ValueError, AttributeError, RecursionError):
        subject = None
    return (subject if isinstance(subject, str) else otherwise).encode()
