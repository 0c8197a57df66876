"""Creates the topics that `infra/kafka/topics.yaml` declares, and has each kept for as long as it says.

Gives each service its login at Kafka, and the right to write what it says and read what it hears, and no other.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import yaml
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    NewTopic,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from kafka.errors import TopicAlreadyExistsError

from services.platform.bus.connection import Connection
from services.platform.messages.signature import SAYS
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
