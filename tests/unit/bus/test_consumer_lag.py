"""How far behind: what is on the bus less what was acknowledged."""

from aiokafka import TopicPartition

from services.platform.bus.admin.consumer_lag import behind, lacking_copies

FIRST, SECOND = TopicPartition("duties", 0), TopicPartition("duties", 1)


def test_the_partitions_of_a_topic_are_added_up() -> None:
    assert behind({"police": {FIRST: 3, SECOND: 10}}, {FIRST: 5, SECOND: 10}) == {("police", "duties"): 2}


def test_what_was_never_acknowledged_counts_whole() -> None:
    assert behind({"police": {FIRST: -1}}, {FIRST: 5}) == {("police", "duties"): 5}


def test_an_offset_read_after_the_end_was_read_is_no_lag_below_nought() -> None:
    assert behind({"police": {FIRST: 6}}, {FIRST: 5}) == {("police", "duties"): 0}


def test_a_partition_lacks_a_copy_while_a_broker_that_should_have_one_is_not_in_sync() -> None:
    whole, lacking = {"replicas": [1, 2, 3], "isr": [3, 1, 2]}, {"replicas": [1, 2, 3], "isr": [1]}
    assert lacking_copies([{"partitions": [whole, lacking]}, {"partitions": [whole, lacking]}]) == 2
    assert lacking_copies([{"partitions": [whole]}]) == 0
