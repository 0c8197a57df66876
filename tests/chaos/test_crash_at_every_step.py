"""Between any two steps of consume, decide, commit, publish, acknowledge and send the process may die: one effect each."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.support.crashes.dying import start_dying
from tests.support.outside.confirmation import CONFIRM
from tests.support.outside.world import Carer, World

Death: TypeAlias = tuple[str, str, int]
"""A service, the step at which it dies, and when it comes to that step for the how manieth time."""
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
SHORT: list[list[Death]] = [
    [("carers", "before-keeping", 1), ("protocol", "handled", 1), ("police", "committed", 1)],
    [("carers", "kept", 1), ("protocol", "committed", 1), ("police", "begun", 1), ("professionals", "sent", 1)],
    [("carers", "read", 1), ("protocol", "published", 1), ("police", "sent", 1)],
    [("carers", "sent", 1), ("protocol", "settled", 1), ("police", "ended", 1)],
    [("carers", "sent", 2), ("protocol", "acknowledged", 1)],
]
"""The floors are the same in every service: each step once, where it means most, and several services while one report is on its
way. `make chaos` dies at all of them, one at a time.
"""
CASES = [[each] for each in EVERYWHERE] if os.environ.get("DIE_EVERYWHERE") else SHORT
HANDSHAKE_EVERYWHERE = ("before-keeping", "kept", "read", "committed", "published", *SENDING)
HANDSHAKE_SHORT = ("kept", "read", "sent")
HANDSHAKE = HANDSHAKE_EVERYWHERE if os.environ.get("DIE_EVERYWHERE") else HANDSHAKE_SHORT
QUIET_SECONDS = 1.5
DIES_WITHIN_SECONDS = 60
CODE = re.compile(r"\((\w{5})\)$")

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    "deaths", CASES, ids=lambda deaths: "-".join(f"{who}-{step}-{nth}" for who, step, nth in deaths)
)
def test_a_report_has_one_effect_each_though_a_service_dies_at(
    hurt_world: World, towns_carers: Iterator[Carer], tmp_path: Path, deaths: Sequence[Death]
) -> None:
    world, carer = hurt_world, next(towns_carers).number
    duty_worker = "+447700900590"
    before = _told(world, duty_worker, "reported missing")
    dying = _put_in_place(world, deaths, tmp_path)
    world.text(carer, "MISSING")
    _bring_back_the_dead(world, dying, tmp_path)

    world.eventually(lambda: _told(world, carer, "Our alert has left here"))
    world.eventually(lambda: len(_told(world, duty_worker, "reported missing")) > len(before))
    world.eventually(lambda: world.notices(carer) and world.notices(carer)[0]["acknowledged"])
    world.eventually(lambda: _told(world, carer, "officer has your report"))
    time.sleep(QUIET_SECONDS)
    assert len(_told(world, carer, "Recorded as missing.")) == 1
    assert len(_told(world, carer, "Our alert has left here")) == 1
    assert len(_told(world, carer, "officer has your report")) == 1
    assert len(world.texts_to(carer)) == 3
    assert len(_told(world, duty_worker, "reported missing")) == len(before) + 1
    assert [notice["body"]["type"] for notice in world.notices(carer)] == ["missing-notice.new"]
    _answer(world, duty_worker)


@pytest.mark.parametrize("step", HANDSHAKE)
def test_a_search_ends_once_and_only_by_the_code_though_carers_die_at_the_claim_and_at_the_code(
    hurt_world: World, towns_carers: Iterator[Carer], tmp_path: Path, step: str
) -> None:
    world, carer = hurt_world, next(towns_carers).number
    duty_worker = "+447700900590"
    before = _told(world, duty_worker, "reported missing")
    world.text(carer, "MISSING")
    world.eventually(lambda: _told(world, carer, "Our alert has left here"))
    world.eventually(lambda: len(_told(world, duty_worker, "reported missing")) > len(before))
    _answer(world, duty_worker)
    dying = _put_in_place(world, [("carers", step, 1)], tmp_path)
    world.text(carer, "BACK")
    _bring_back_the_dead(world, dying, tmp_path)
    world.eventually(lambda: _codes(world, carer))
    time.sleep(QUIET_SECONDS)
    assert not _returned(world, carer)
    dying = _put_in_place(world, [("carers", step, 1)], tmp_path)
    world.text(carer, _codes(world, carer)[0])
    _bring_back_the_dead(world, dying, tmp_path)
    world.eventually(lambda: _returned(world, carer))
    time.sleep(QUIET_SECONDS)
    assert len(_returned(world, carer)) == 1
    assert len(_codes(world, carer)) == 1
    assert len(_told(world, carer, "Food and rest first")) == 1


def _put_in_place(world: World, deaths: Sequence[Death], folder: Path) -> dict[str, subprocess.Popen[bytes]]:
    """By service, ready and in place of its own process."""

    def put(death: Death) -> subprocess.Popen[bytes]:
        service, step, nth = death
        world.stack.stop_one(service)
        return start_dying(world.stack, service, step, nth, folder / service)

    with ThreadPoolExecutor(len(deaths)) as together:
        return dict(zip([service for service, _, _ in deaths], together.map(put, deaths), strict=True))


def _bring_back_the_dead(world: World, dying: dict[str, subprocess.Popen[bytes]], folder: Path) -> None:
    """Each as soon as it has died: the next may not come to its step before."""
    until = time.monotonic() + DIES_WITHIN_SECONDS
    while dying:
        assert time.monotonic() < until, f"{sorted(dying)} did not die"
        for service, process in list(dying.items()):
            if process.poll() is not None:
                assert dying.pop(service).returncode == -signal.SIGKILL, (folder / service).read_text()
                world.stack.start_one(service)
        time.sleep(0.02)


def _codes(world: World, carer: str) -> list[str]:
    return [found[0] for body in world.texts_to(carer) if (found := CONFIRM.search(body)) is not None]


def _returned(world: World, carer: str) -> list[str]:
    return [each["id"] for each in world.notices(carer) if each["body"]["data"]["about"] == "returned"]


def _told(world: World, number: str, words: str) -> list[str]:
    return [body for body in world.texts_to(number) if words in body]


def _answer(world: World, number: str) -> None:
    """So that nobody asks again, five minutes on, in the midst of another case."""
    code = CODE.findall(_told(world, number, "reported missing")[-1])[0]
    world.text(number, f"OK {code}")
