"""What is taken in batches is held to the same contract: the same tests again, on a bus of its own."""

from collections.abc import Iterator

import pytest

from tests.kafka.test_nothing_lost_nothing_twice import (
    test_a_message_that_cannot_be_worked_on_is_dead_lettered_and_can_be_redriven,
    test_a_report_that_waits_holds_its_own_partition_only,
    test_a_stop_while_the_database_is_away_loses_nothing,
    test_every_report_is_decided_once_though_the_service_is_killed_and_stopped_meanwhile,
    test_one_childs_reports_keep_their_order_through_a_kill,
)
from tests.support.engines.bus import Kafka, running_kafka
from tests.support.engines.database import Database

__all__ = [
    "test_a_message_that_cannot_be_worked_on_is_dead_lettered_and_can_be_redriven",
    "test_a_report_that_waits_holds_its_own_partition_only",
    "test_a_stop_while_the_database_is_away_loses_nothing",
    "test_every_report_is_decided_once_though_the_service_is_killed_and_stopped_meanwhile",
    "test_one_childs_reports_keep_their_order_through_a_kill",
]


@pytest.fixture
def keeps_a_record() -> bool:
    return True


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory, database: Database) -> Iterator[Kafka]:
    with running_kafka(tmp_path_factory.mktemp("kafka"), database) as running:
        yield running
