"""Creates the topics that `infra/kafka/topics.yaml` declares, and has each kept for as long as it says.

Gives each service its login at Kafka, and the right to write what it says and read what it hears, and no other.

Measures, from outside since a dead service says nothing, how far each is behind on the bus, and missing copies.

`reset_offsets` sets every service back to an earlier message, after a database that is older than the bus was
restored. A service skips the messages that its inbox knows, and handles the later ones again, which the database has
forgotten. Decisions and alerts have ids derived from their cause, so recipients that lost no data skip the repeats.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from aiokafka import TopicPartition
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    NewTopic,
    OffsetTimestamp,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from kafka.errors import KafkaError, TopicAlreadyExistsError

from services.platform.bus.connection import BROKER, LAG, STANDS, UNDER_REPLICATED, Connection
from services.platform.messages.signature import SAYS
from services.platform.runtime.process import Repeating
from services.platform.runtime.settings import TopicSettings
from services.safeguarding.message import Message, Topic

DECLARATION = Path(__file__).parents[3] / "infra" / "kafka" / "topics.yaml"
MS_A_DAY = 86_400_000
RETENTION = "retention.ms"
FOR_EVER = "-1"


@dataclass(frozen=True)
class Declared:
    name: Topic
    partitions: int
    retention_days: int


def read_declaration(path: Path = DECLARATION) -> list[Declared]:
    """Raises ValueError if the file lacks a topic of the code."""
    content = yaml.load(path.read_text(), yaml.CSafeLoader)
    topics = [
        Declared(Topic(name), int(content["partitions"]), int(str(about["retention"]).removesuffix("d")))
        for name, about in content["topics"].items()
    ]
    missing = set(Topic) - {topic.name for topic in topics}
    if missing:
        raise ValueError(f"{path.name} does not declare {', '.join(sorted(missing))}")
    return topics


def create(settings: TopicSettings) -> list[str]:
    """Creates the missing topics and returns their names. Existing topics are left as they are: see `set_retention`."""
    created = []
    with closing(Connection(settings).plain_admin()) as admin:
        existing = set(admin.list_topics())
        for topic in read_declaration():
            if topic.name in existing:
                continue
            configs = {
                RETENTION: str(topic.retention_days * MS_A_DAY),
                "min.insync.replicas": str(settings.kafka_min_in_sync),
            }
            new = NewTopic(topic.name, topic.partitions, settings.kafka_replication, topic_configs=configs)
            try:
                admin.create_topics([new])
            except TopicAlreadyExistsError:
                continue
            created.append(str(topic.name))
    return created


def set_retention(settings: TopicSettings) -> tuple[list[str], list[str]]:
    """Sets the declared retention of existing topics. Returns a phrase for each change, and for each refusal."""
    with closing(Connection(settings).plain_admin()) as admin:
        declared = {str(each.name): each.retention_days for each in read_declaration()}
        asked = [ConfigResource(ConfigResourceType.TOPIC, name, [RETENTION]) for name in declared]
        held = admin.describe_configs(asked, config_filter="all")["topic"]
        was = {name: configs[RETENTION]["value"] for name, configs in held.items() if configs}
        changes = [
            ConfigResource(ConfigResourceType.TOPIC, name, {RETENTION: str(declared[name] * MS_A_DAY)})
            for name in was
            if was[name] != str(declared[name] * MS_A_DAY)
        ]
        results = admin.alter_configs(changes)["topic"] if changes else {}
    done = [f"{each} from {_length(was[each])} to {declared[each]} days" for each in results if results[each] == "OK"]
    return done, [f"{each}: {said}" for each, said in results.items() if said != "OK"]


def _length(ms: str) -> str:
    return "for ever" if ms == FOR_EVER else f"{int(ms) / MS_A_DAY:g}"


REPUBLISHES = {"console"}
"""Puts messages back that others have signed, so it may write to every topic. A replay is the administrator's."""
WATCHES = "console"
"""Measures how far each group is behind."""
EVERY = "*"
Hears = Mapping[str, Iterable[type[Message]]]


def topics_written(service: str) -> set[Topic]:
    return set(Topic) if service in REPUBLISHES else {kind.topic for kind in SAYS[service]}


def set_access(connection: Connection, hears: Hears, passwords: Mapping[str, str]) -> int:
    """Returns how many rights the services have now. Takes away those that they had before and have no longer.

    `passwords`, by service, of those who log in with one.
    """
    wanted = [acl for service, kinds in hears.items() for acl in _rights(service, {kind.topic for kind in kinds})]
    admin = connection.plain_admin()
    try:
        logins = [
            UserScramCredentialUpsertion(service, ScramMechanism.SCRAM_SHA_512, password)
            for service, password in passwords.items()
        ]
        refused = {user: error for user, error in admin.alter_user_scram_credentials(logins).items() if error}
        found, _ = admin.describe_acls(_ANY)
        ours = {_principal(service) for service in hears}
        old = [acl for acl in found if acl.principal in ours and acl not in wanted]
        admin.delete_acls(
            [
                ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, acl.resource_pattern)
                for acl in old
            ]
        )
        failed = admin.create_acls(wanted)["failed"]
    finally:
        admin.close()
    if refused or failed:
        raise RuntimeError(f"Kafka did not take {len(refused)} logins and {len(failed)} rights")
    return len(wanted)


def _rights(service: str, heard: set[Topic]) -> Iterator[ACL]:
    for topic in sorted(topics_written(service)):
        yield _right(service, ACLOperation.WRITE, ResourceType.TOPIC, topic)
    for topic in sorted(heard):
        yield _right(service, ACLOperation.READ, ResourceType.TOPIC, topic)
    if heard:
        yield _right(service, ACLOperation.READ, ResourceType.GROUP, service)
    if service == WATCHES:
        yield _right(service, ACLOperation.DESCRIBE, ResourceType.GROUP, EVERY)


def _right(service: str, operation: ACLOperation, kind: ResourceType, name: str) -> ACL:
    return ACL(_principal(service), EVERY, operation, ACLPermissionType.ALLOW, ResourcePattern(kind, str(name)))


def _principal(service: str) -> str:
    return f"User:{service}"


_ANY = ACLFilter(
    None,
    None,
    ACLOperation.ANY,
    ACLPermissionType.ANY,
    ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)


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
            BROKER.set(0)
            raise
        BROKER.set(1)
        lags = Counter[tuple[str, str]]()
        for (group, place), (_, count) in waiting.items():
            lags[group, place.topic] += count
        for labels, seconds in standstill.longest(waiting, time.monotonic()).items():
            LAG.labels(*labels).set(lags[labels])
            STANDS.labels(*labels).set(seconds)

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
        UNDER_REPLICATED.set(lacking_copies(topics))
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
