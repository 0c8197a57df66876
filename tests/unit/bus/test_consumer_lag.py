"""How far behind: what is on the bus less what was acknowledged."""

import pytest
from aiokafka import TopicPartition

from services.platform.bus.administration import Standstill, behind, lacking_copies

FIRST, SECOND = TopicPartition("duties", 0), TopicPartition("duties", 1)


@pytest.mark.parametrize(
    ("acknowledged", "waiting"),
    [
        ({FIRST: 3, SECOND: 10}, {FIRST: (3, 2), SECOND: (10, 0)}),
        ({FIRST: -1, SECOND: 10}, {FIRST: (1, 4), SECOND: (10, 0)}),
        ({SECOND: 10}, {FIRST: (1, 4), SECOND: (10, 0)}),
        ({FIRST: 6, SECOND: 10}, {FIRST: (6, 0), SECOND: (10, 0)}),
        ({}, {}),
    ],
    ids=["behind", "nothing acknowledged", "and unknown there", "read after the end was", "another's topic"],
)
def test_what_waits_is_counted_by_partition(
    acknowledged: dict[TopicPartition, int], waiting: dict[TopicPartition, tuple[int, int]]
) -> None:
    found = behind({"police": acknowledged}, {FIRST: 1, SECOND: 0}, {FIRST: 5, SECOND: 10})
    assert found == {("police", place): counts for place, counts in waiting.items()}


def test_one_partition_that_stands_is_seen_beside_others_that_go_on() -> None:
    standstill = Standstill()
    for now, at in ((0, 3), (60, 4), (120, 5)):
        found = standstill.longest({("police", FIRST): (7, 1), ("police", SECOND): (at, 2)}, now)
    assert found == {("police", "duties"): 120}
    assert standstill.longest({("police", FIRST): (8, 0), ("police", SECOND): (5, 2)}, 130) == {
        ("police", "duties"): 10
    }
    assert standstill.longest({("police", FIRST): (8, 1), ("police", SECOND): (7, 0)}, 140) == {("police", "duties"): 0}


def test_a_partition_lacks_a_copy_while_a_broker_that_should_have_one_is_not_in_sync() -> None:
    whole, lacking = {"replicas": [1, 2, 3], "isr": [3, 1, 2]}, {"replicas": [1, 2, 3], "isr": [1]}
    assert lacking_copies([{"partitions": [whole, lacking]}, {"partitions": [whole, lacking]}]) == 2
    assert lacking_copies([{"partitions": [whole]}]) == 0
