"""What `services topics` does to topics that exist already."""

from typing import Any

import pytest
from kafka.admin import ConfigResource

from services.platform.bus import administration
from services.platform.bus.connection import Connection
from services.platform.runtime.settings import TopicSettings
from services.safeguarding.message import Topic

DECLARED = {
    str(each.name): str(each.retention_days * administration.MS_A_DAY) for each in administration.read_declaration()
}


class Kafka:
    """Its administrator. `refuses` names what it does not let be changed."""

    def __init__(self, refuses: str = "") -> None:
        self.kept = dict(DECLARED)
        self.refuses = refuses

    def close(self) -> None: ...

    def describe_configs(self, asked: list[ConfigResource], config_filter: str) -> dict[str, Any]:
        assert config_filter == "all", "else one that is kept as long as Kafka's default is not named"
        return {
            "topic": {
                each.name: {name: {"value": self.kept[each.name]} for name in each.configs}
                if each.name in self.kept
                else {}
                for each in asked
            }
        }

    def alter_configs(self, changes: list[ConfigResource]) -> dict[str, Any]:
        results = {}
        for each in changes:
            results[each.name] = "PolicyViolationError" if each.name == self.refuses else "OK"
            if each.name != self.refuses:
                self.kept[each.name] = each.configs["retention.ms"]
        return {"topic": results}


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Kafka:
    found = Kafka()
    monkeypatch.setattr(Connection, "plain_admin", lambda _self: found)
    return found


def test_topics_that_exist_are_kept_as_long_as_is_declared_from_then_on(kafka: Kafka) -> None:
    settings = TopicSettings(kafka="127.0.0.1:1")
    assert administration.set_retention(settings) == ([], [])
    kafka.kept |= {"duties": "604800000", "dead-letters": "-1"}
    assert administration.set_retention(settings) == (
        ["duties from 7 to 30 days", "dead-letters from for ever to 365 days"],
        [],
    )
    assert kafka.kept == DECLARED


def test_what_kafka_refuses_is_named_and_the_others_are_changed(kafka: Kafka) -> None:
    kafka.kept |= {"duties": "1", "outcomes": "1"}
    kafka.refuses = "duties"
    changed, refused = administration.set_retention(TopicSettings(kafka="127.0.0.1:1"))
    assert [each.split()[0] for each in changed] == ["outcomes"]
    assert refused == ["duties: PolicyViolationError"]


def test_a_topic_that_kafka_does_not_know_yet_is_left_alone(kafka: Kafka) -> None:
    del kafka.kept[Topic.DUTIES]
    assert administration.set_retention(TopicSettings(kafka="127.0.0.1:1")) == ([], [])
