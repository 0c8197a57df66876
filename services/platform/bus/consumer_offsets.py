"""Measures, from outside since a dead service says nothing, how far each is behind on the bus, and missing copies.

`reset_offsets` sets every service back to an earlier message, after a database that is older than the bus was
restored. A service skips the messages that its inbox knows, and handles the later ones again, which the database has
forgotten. Decisions and alerts have ids derived from their cause, so recipients that lost no data skip the repeats.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from aiokafka import TopicPartition
from kafka import KafkaAdminClient
from kafka.admin import OffsetTimestamp
from kafka.errors import KafkaError

from services.platform.bus import metrics
from services.platform.bus.connection import Connection
from services.platform.runtime.periodic import Repeating
from services.safeguarding.message import Topic

EVERY_SECONDS = 10
ANSWERS_WITHIN_MS = 5_000
OURS = frozenset(Topic)
Waiting: TypeAlias = Mapping[tuple[str, TopicPartition], tuple[int, int]]
"""By group and partition: where it stands, and how many messages wait."""


class Standstill:
    """Knows since when each partition has stood at the same message of a group, while that one waits."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, TopicPartition, int], float] = {}

    def longest(self, waiting: Waiting, now: float) -> Mapping[tuple[str, str], float]:
        """In seconds, by group and topic: that of the partition that has stood longest."""
        stands = [(group, place, at) for (group, place), (at, count) in waiting.items() if count]
        self._since = {each: self._since.get(each, now) for each in stands}
        found = {(group, place.topic): 0.0 for group, place in waiting}
        for (group, place, _), since in self._since.items():
            found[group, place.topic] = max(found[group, place.topic], now - since)
        return found


def lag_watch(connection: Connection, groups: Sequence[str]) -> Repeating:
    """`groups` are the services' consumer groups, each named as its service. Every replica reports the same."""
    standstill = Standstill()

    async def turn() -> None:
        try:
            async with asyncio.timeout(2 * EVERY_SECONDS):
                waiting = await _ask(connection, groups)
        except Exception:
            metrics.BROKER.set(0)
            raise
        metrics.BROKER.set(1)
        lags = Counter[tuple[str, str]]()
        for (group, place), (_, count) in waiting.items():
            lags[group, place.topic] += count
        for labels, seconds in standstill.longest(waiting, time.monotonic()).items():
            metrics.LAG.labels(*labels).set(lags[labels])
            metrics.STANDS.labels(*labels).set(seconds)

    return Repeating("bus lag", turn, every_seconds=EVERY_SECONDS)


async def _ask(connection: Connection, groups: Sequence[str]) -> Waiting:
    admin = connection.admin(request_timeout_ms=ANSWERS_WITHIN_MS)
    ends = connection.consumer(request_timeout_ms=ANSWERS_WITHIN_MS)
    try:
        await admin.start()
        await ends.start()
        topics = await admin.describe_topics(sorted(OURS))
        committed = {group: await admin.list_consumer_group_offsets(group) for group in groups}
        partitions = [
            TopicPartition(topic["topic"], each["partition"]) for topic in topics for each in topic["partitions"]
        ]
        oldest, newest = await ends.beginning_offsets(partitions), await ends.end_offsets(partitions)
        metrics.UNDER_REPLICATED.set(lacking_copies(topics))
    finally:
        await ends.stop()
        await admin.close()
    offsets = {group: {place: each.offset for place, each in found.items()} for group, found in committed.items()}
    return behind(offsets, oldest, newest)


def behind(
    committed: Mapping[str, Mapping[TopicPartition, int]],
    oldest: Mapping[TopicPartition, int],
    newest: Mapping[TopicPartition, int],
) -> Waiting:
    """Covers topics of which the group has acknowledged anything. Its other partitions count from their beginning."""
    found = {}
    for group, offsets in committed.items():
        topics = {place.topic for place in offsets}
        for place in (each for each in newest if each.topic in topics):
            at = max(oldest[place], offsets.get(place, -1))
            found[group, place] = at, max(0, newest[place] - at)
    return found


def lacking_copies(topics: Sequence[Mapping[str, Any]]) -> int:
    """Counts the partitions that have fewer copies in sync than they should. `topics` are as Kafka describes them."""
    return sum(len(each["isr"]) < len(each["replicas"]) for topic in topics for each in topic["partitions"])


MS_A_SECOND = 1000
SESSIONS_END_WITHIN_SECONDS = 30


class StillRuns(Exception):
    """A service still reads the bus, and would go on from its own offset."""


def reset_offsets(connection: Connection, to: datetime) -> list[str]:
    """Returns the services that were set back. `to` must be aware.

    Kafka counts a stopped service, and after a restart each that was there before, as a reader until its session ends:
    that is waited for. Raises StillRuns, with the service's name, if one reads on.
    """
    admin = connection.plain_admin()
    try:
        services = sorted(group["group_id"] for group in admin.list_groups())
        for service in services:
            _reset_one(admin, service, OffsetTimestamp(int(to.timestamp() * MS_A_SECOND)))
    finally:
        admin.close()
    return services


def _reset_one(admin: KafkaAdminClient, service: str, moment: OffsetTimestamp) -> None:
    until = time.monotonic() + SESSIONS_END_WITHIN_SECONDS
    while admin.describe_groups([service])[service]["members"]:  # it may read without having committed an offset yet
        if time.monotonic() > until:
            raise StillRuns(service)
        time.sleep(1)
    places = admin.list_group_offsets({service: None})[service]
    try:
        done = admin.reset_group_offsets(service, dict.fromkeys(places, moment))
    except KafkaError as error:
        raise StillRuns(service) from error
    if any(each["error"] is not None and each["error"].errno for each in done.values()):
        raise StillRuns(service)
