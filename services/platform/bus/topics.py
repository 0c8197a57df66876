"""Creates the topics that `infra/kafka/topics.yaml` declares."""

from dataclasses import dataclass
from pathlib import Path

import yaml
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError

from services.platform.bus.connection import Connection
from services.platform.runtime.settings import TopicSettings
from services.safeguarding.message import Topic

DECLARATION = Path(__file__).parents[3] / "infra" / "kafka" / "topics.yaml"
MS_A_DAY = 86_400_000


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
    """Creates the missing topics and returns their names. Existing topics are left as they are."""
    admin = Connection(settings).plain_admin()
    created = []
    try:
        existing = set(admin.list_topics())
        for topic in read_declaration():
            if topic.name in existing:
                continue
            configs = {
                "retention.ms": str(topic.retention_days * MS_A_DAY),
                "min.insync.replicas": str(settings.kafka_min_in_sync),
            }
            new = NewTopic(topic.name, topic.partitions, settings.kafka_replication, topic_configs=configs)
            try:
                admin.create_topics([new])
            except TopicAlreadyExistsError:
                continue
            created.append(str(topic.name))
    finally:
        admin.close()
    return created
