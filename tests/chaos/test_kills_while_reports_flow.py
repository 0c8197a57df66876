"""Each process dies in turn while twenty reports flow: none is missing, none counts twice, and no duty is forgotten."""

import signal
import time
from collections.abc import Iterator
from itertools import islice

import pytest

from tests.chaos.flowing import Flow, Heard, settled_entries, settled_tally
from tests.chaos.standing import record_holds, settled_standing
from tests.support.outside.world import Carer, World

REPORTS = 20
pytestmark = [pytest.mark.crash, pytest.mark.timeout(1000)]


def test_each_service_then_kafka_then_the_database_is_killed(hurt_world: World, towns_carers: Iterator[Carer]) -> None:
    world, stack, carers = hurt_world, hurt_world.stack, list(islice(towns_carers, REPORTS))
    earlier = {each["uid"] for each in world.invitations()}
    flow = Flow(world, carers, every_seconds=1.2)
    flow.start()
    for name in (*stack.services, "kafka", "postgres"):
        time.sleep(2)
        stack.kill(name, signal.SIGKILL)
    flow.join()
    found = settled_tally(Heard(world), carers, 360)
    assert found.is_right, found
    assert settled_standing(stack, 360).faults == []
    invited = settled_entries(world, REPORTS, earlier, 180)
    assert invited.is_right, invited
    assert record_holds(stack)


def test_each_service_is_told_to_stop_while_the_database_is_away(
    hurt_world: World, towns_carers: Iterator[Carer]
) -> None:
    world, stack, carers = hurt_world, hurt_world.stack, list(islice(towns_carers, REPORTS))
    flow = Flow(world, carers, every_seconds=0.5)
    flow.start()
    time.sleep(2)
    stack.stop_one("postgres")
    for name in stack.services:
        stack.kill(name, signal.SIGTERM)
    time.sleep(6)
    stack.start_one("postgres")
    flow.join()
    found = settled_tally(Heard(world), carers, 360)
    assert found.is_right, found
