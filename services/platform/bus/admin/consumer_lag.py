"""Measures how far each service is behind on the bus, from outside since a dead one says nothing, and lost copies."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition

from services.platform.bus import metrics
from services.platform.bus.connection import Connection
from services.platform.runtime.periodic import Repeating
from services.safeguarding.message import Topic

EVERY_SECONDS = 10
ANSWERS_WITHIN_MS = 5_000
OURS = frozenset(Topic)


def lag_watch(connection: Connection, groups: Sequence[str]) -> Repeating:
    """`groups` are the services' consumer groups, each named as its service. Every replica reports the same."""

    async def turn() -> None:
        try:
            async with asyncio.timeout(2 * EVERY_SECONDS):
                lags = await _lags(connection, groups)
        except Exception:
            metrics.BROKER.set(0)
            raise
        metrics.BROKER.set(1)
        for (group, topic), count in lags.items():
            metrics.LAG.labels(group, topic).set(count)

    return Repeating("bus lag", turn, every_seconds=EVERY_SECONDS)


async def _lags(connection: Connection, groups: Sequence[str]) -> Counter[tuple[str, str]]:
    admin = connection.admin(request_timeout_ms=ANSWERS_WITHIN_MS)
    ends = connection.consumer(request_timeout_ms=ANSWERS_WITHIN_MS)
    try:
        await admin.start()
        await ends.start()
        committed = {group: await admin.list_consumer_group_offsets(group) for group in groups}
        partitions = {each for offsets in committed.values() for each in offsets if each.topic in OURS}
        newest = await ends.end_offsets(list(partitions)) if partitions else {}
        metrics.UNDER_REPLICATED.set(lacking_copies(await admin.describe_topics(sorted(OURS))))
    finally:
        await ends.stop()
        await admin.close()
    return behind(
        {group: {tp: each.offset for tp, each in found.items()} for group, found in committed.items()}, newest
    )


def behind(
    committed: dict[str, dict[TopicPartition, int]], newest: dict[TopicPartition, int]
) -> Counter[tuple[str, str]]:
    """Counts by group and topic. A partition without an acknowledged message (-1) counts from its beginning."""
    found: Counter[tuple[str, str]] = Counter()
    for group, offsets in committed.items():
        for place, offset in offsets.items():
            if place in newest:
                found[group, place.topic] += max(0, newest[place] - max(0, offset))
    return found


def lacking_copies(topics: Sequence[Mapping[str, Any]]) -> int:
    """Counts partitions, as Kafka describes them."""
    return sum(len(each["isr"]) < len(each["replicas"]) for topic in topics for each in topic["partitions"])
