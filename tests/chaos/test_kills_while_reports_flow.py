"""Each process dies in turn while twenty reports flow: none is missing, none counts twice, and no duty is forgotten."""

import signal
import time

import pytest

from tests.chaos.flowing import Flow, entries, settled_tally
from tests.chaos.standing import record_holds, settled_standing
from tests.support.stack import StackStarter
from tests.support.world import World, settle_town

REPORTS = 20
pytestmark = [pytest.mark.crash, pytest.mark.timeout(400)]


def test_each_service_then_kafka_then_the_database_is_killed(own_stack: StackStarter) -> None:
    stack = own_stack()
    world = World(stack)
    carers = settle_town(stack, REPORTS)
    flow = Flow(world, carers, every_seconds=1.2)
    flow.start()
    for name in (*stack.services, "kafka", "postgres"):
        time.sleep(2)
        stack.kill(name, signal.SIGKILL)
    flow.join()
    found = settled_tally(world, carers, 120)
    assert found.is_right, found
    assert settled_standing(stack, 120).faults == []
    invited = entries(world, REPORTS)
    assert invited.is_right, invited
    assert record_holds(stack)
    world.close()


def test_each_service_is_told_to_stop_while_the_database_is_away(own_stack: StackStarter) -> None:
    stack = own_stack()
    world = World(stack)
    carers = settle_town(stack, REPORTS)
    flow = Flow(world, carers, every_seconds=0.5)
    flow.start()
    time.sleep(2)
    stack.stop_one("postgres")
    for name in stack.services:
        stack.kill(name, signal.SIGTERM)
    time.sleep(6)
    stack.start_one("postgres")
    flow.join()
    found = settled_tally(world, carers, 120)
    world.close()
    assert found.is_right, found
