"""Between any two steps of consume, decide, commit, publish, acknowledge and send the process may die: one effect each."""

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dying import start_dying
from tests.support.world import Carer, World

BUS = ("handled", "committed", "published", "settled", "acknowledged")
SENDING = ("begun", "sent", "ended")
EVERYWHERE = [
    *(("carers", step, 1) for step in ("before-keeping", "kept", "read", "committed", "published", *SENDING)),
    *(("carers", step, 2) for step in SENDING),
    *(("protocol", step, nth) for step in BUS for nth in (1, 2)),
    *(("police", step, 1) for step in (*BUS, *SENDING)),
    ("police", "committed", 3),
    *(("professionals", step, 1) for step in (*BUS, *SENDING)),
]
SHORT = [
    *(("carers", step, 1) for step in ("before-keeping", "kept", "read", "sent")),
    ("carers", "sent", 2),
    *(("protocol", step, 1) for step in BUS),
    *(("police", step, 1) for step in ("committed", *SENDING)),
    ("professionals", "sent", 1),
]
"""The floors are the same in every service: each step once, where it means most. `make chaos` dies at all of them."""
CASES = EVERYWHERE if os.environ.get("DIE_EVERYWHERE") else SHORT
QUIET_SECONDS = 1.5
CODE = re.compile(r"reply OK (\w{5})")

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]


@pytest.mark.parametrize(("service", "step", "nth"), CASES)
def test_a_report_has_one_effect_each_though_a_service_dies_at(
    hurt_world: World, towns_carers: Iterator[Carer], tmp_path: Path, service: str, step: str, nth: int
) -> None:
    world, carer = hurt_world, next(towns_carers).number
    duty_worker = "+447700900590"
    before = _told(world, duty_worker, "reported missing")
    world.stack.stop_one(service)
    dying = start_dying(world.stack, service, step, nth, tmp_path / "log")
    world.text(carer, "MISSING")
    assert dying.wait(60) == -signal.SIGKILL, (tmp_path / "log").read_text()
    world.stack.start_one(service)

    world.eventually(lambda: _told(world, carer, "Police now have your report"))
    world.eventually(lambda: len(_told(world, duty_worker, "reported missing")) > len(before))
    world.eventually(lambda: world.notices(carer) and world.notices(carer)[0]["acknowledged"])
    time.sleep(QUIET_SECONDS)
    assert len(_told(world, carer, "Got it.")) == 1
    assert len(_told(world, carer, "Police now have your report")) == 1
    assert len(world.texts_to(carer)) == 2
    assert len(_told(world, duty_worker, "reported missing")) == len(before) + 1
    assert [notice["body"]["type"] for notice in world.notices(carer)] == ["missing-notice.new"]
    _answer(world, duty_worker)


def _told(world: World, number: str, words: str) -> list[str]:
    return [body for body in world.texts_to(number) if words in body]


def _answer(world: World, number: str) -> None:
    """So that nobody asks again, five minutes on, in the midst of another case."""
    code = CODE.findall(_told(world, number, "reported missing")[-1])[0]
    world.text(number, f"OK {code}")
