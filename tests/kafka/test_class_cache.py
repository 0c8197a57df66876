"""A broker starts with what an earlier one has learnt of its classes, and without it where that cannot be used."""

from pathlib import Path

import psutil

from infra.kafka import jars
from infra.kafka.broker import Broker, class_cache
from infra.local.settings.layout import JARS
from tests.support.engines.bus import Kafka
from tests.support.engines.ports import free_port


def test_a_broker_has_the_classes_that_were_learnt(kafka: Kafka) -> None:
    settings = str(kafka.secrets.parent / "kafka" / "server.properties")
    [broker] = [each for each in psutil.process_iter(["cmdline"]) if settings in (each.info["cmdline"] or ())]
    assert str(class_cache(jars.fetch(JARS))) in {each.path for each in broker.memory_maps()}


def test_classes_that_cannot_be_used_are_left_aside(tmp_path: Path) -> None:
    (tmp_path / "jars").symlink_to(jars.fetch(JARS))
    class_cache(tmp_path / "jars").write_text("of another Java")
    Broker(tmp_path / "kafka", tmp_path / "jars", free_port(), free_port()).make_log()
    assert (tmp_path / "kafka" / "log" / "meta.properties").exists()
