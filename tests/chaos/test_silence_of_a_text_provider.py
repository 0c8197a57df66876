"""The first way to text is silent for an hour, and carers die in the middle: urgent texts arrive by the other way, each once.

Four minutes, so in `make chaos` alone; tests/integration/delivery/ has the ways, one by one, in every run.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from infra.local.settings.environment import NOTIFY_NUMBERS
from tests.support.outside.world import TOWN, Carer, World

pytestmark = [
    pytest.mark.crash,
    pytest.mark.timeout(1400),
    pytest.mark.skipif("SILENCE" not in os.environ, reason="takes four minutes: make chaos"),
]
REPORTS = 6
DUTY = "+447700900590"
NOT_ENDED = """
    SELECT count(*) FROM delivery.deliveries
    WHERE lane = 'texts' AND authority = %s AND created_at > %s AND state IN ('waiting', 'sending', 'unknown', 'failed')
        AND urgent AND attempts > 0
"""
"""Others wait for a quarter of an hour before they go the other way. What failed without an attempt had nobody to go to."""


def texts_not_ended(world: World, since: datetime) -> int:
    with psycopg.connect(world.stack.admin_url) as connection:
        [(count,)] = connection.execute(NOT_ENDED, (TOWN, since))
    return int(count)


def test_no_text_is_lost_and_none_doubled(hurt_world: World, towns_carers: Iterator[Carer]) -> None:
    world, began = hurt_world, datetime.now(UTC)
    carers = [next(towns_carers) for _ in range(REPORTS)]
    before = len(world.texts_to(DUTY))
    world.phone_network(mode="silent")
    try:
        for number, carer in enumerate(carers):
            world.text(carer.number, "MISSING", to=NOTIFY_NUMBERS["carers"] if number % 2 else None)
        time.sleep(3)
        world.stack.hold("carers")
        world.stack.kill("carers", signal.SIGKILL)
        while world.stack.is_running("carers"):
            time.sleep(0.02)
        world.stack.release("carers")
        world.forward("30m")
        for carer in carers:
            world.eventually(lambda carer=carer: world.texts_to(carer.number), within_seconds=450)  # type: ignore[misc]
        world.eventually(lambda: len(world.texts_to(DUTY)) > before, within_seconds=450)
        world.forward("30m")
        world.eventually(lambda: texts_not_ended(world, began) == 0, within_seconds=450)
    finally:
        world.phone_network()
    time.sleep(15)  # what would be sent once too often, now that Twilio answers, has come
    recipients = {DUTY, *(carer.number for carer in carers)}
    sent = [each for each in world.texts() if each["to"] in recipients and datetime.fromisoformat(each["at"]) > began]
    assert "notify" in {each["way"] for each in sent}
    assert [each for each in Counter((each["to"], each["body"]) for each in sent).items() if each[1] > 1] == []
    assert texts_not_ended(world, began) == 0
