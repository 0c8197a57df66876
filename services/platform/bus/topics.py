"""Creates the topics that `infra/kafka/topics.yaml` declares, and has each kept for as long as it says."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import yaml
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import TopicAlreadyExistsError

from services.platform.bus.connection import Connection
from services.platform.runtime.settings import TopicSettings
from services.safeguarding.message import Topic

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
