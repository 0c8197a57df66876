"""Between any two steps of consume, decide, commit, publish, acknowledge and send the process may die: one effect each."""

import os
import re
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.crashes.dying import Dying
from tests.support.outside.confirmation import CONFIRM
from tests.support.outside.world import Carer, World

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
HANDSHAKE_EVERYWHERE = ("before-keeping", "kept", "read", "committed", "published", *SENDING)
HANDSHAKE_SHORT = ("kept", "read", "sent")
HANDSHAKE = HANDSHAKE_EVERYWHERE if os.environ.get("DIE_EVERYWHERE") else HANDSHAKE_SHORT
QUIET_SECONDS = 1.5
CODE = re.compile(r"Reply OK ((?:[A-Z]\d+ )?\w{5})$")

pytestmark = [pytest.mark.crash, pytest.mark.timeout(750)]


@pytest.mark.parametrize(("service", "step", "nth"), CASES)
def test_a_report_has_one_effect_each_though_a_service_dies_at(
    hurt_world: World,
    towns_carers: Iterator[Carer],
    dying: Callable[[str], Dying],
    service: str,
    step: str,
    nth: int,
) -> None:
    world, carer = hurt_world, next(towns_carers).number
    duty_worker = "+447700900590"
    before = _told(world, duty_worker, "reported missing")
    one = dying(service)
    one.die_at(step, nth)
    world.text(carer, "MISSING")
    one.wait_until_dead()
    one.start()

    world.eventually(lambda: _told(world, carer, "Our alert has left here"))
    world.eventually(lambda: len(_told(world, duty_worker, "reported missing")) > len(before))
    world.eventually(lambda: world.notices(carer) and world.notices(carer)[0]["acknowledged"])
    world.eventually(lambda: _told(world, carer, "say that they have your report"))
    _answer(world, duty_worker)
    time.sleep(QUIET_SECONDS)
    assert len(_told(world, carer, " recorded as missing")) == 1
    assert len(_told(world, carer, "Our alert has left here")) == 1
    assert len(_told(world, carer, "say that they have your report")) == 1
    assert len(world.texts_to(carer)) == 3
    assert len(_told(world, duty_worker, "reported missing")) == len(before) + 1
    assert [notice["body"]["type"] for notice in world.notices(carer)] == ["missing-notice.new"]


@pytest.mark.parametrize("step", HANDSHAKE)
def test_a_search_ends_once_and_only_by_the_code_though_carers_die_at_the_claim_and_at_the_code(
    hurt_world: World, towns_carers: Iterator[Carer], dying: Callable[[str], Dying], step: str
) -> None:
    world, carer = hurt_world, next(towns_carers).number
    duty_worker = "+447700900590"
    before = _told(world, duty_worker, "reported missing")
    world.text(carer, "MISSING")
    world.eventually(lambda: _told(world, carer, "Our alert has left here"))
    world.eventually(lambda: len(_told(world, duty_worker, "reported missing")) > len(before))
    _answer(world, duty_worker)
    _text_as_carers_die(world, dying("carers"), step, carer, "BACK")
    world.eventually(lambda: _codes(world, carer))
    time.sleep(QUIET_SECONDS)
    assert not _returned(world, carer)
    _text_as_carers_die(world, dying("carers"), step, carer, _codes(world, carer)[0])
    world.eventually(lambda: _returned(world, carer))
    time.sleep(QUIET_SECONDS)
    assert len(_returned(world, carer)) == 1
    assert len(_codes(world, carer)) == 1
    assert len(_told(world, carer, "Food, rest, no blame")) == 1


def _text_as_carers_die(world: World, carers: Dying, step: str, carer: str, words: str) -> None:
    carers.die_at(step)
    world.text(carer, words)
    carers.wait_until_dead()
    carers.start()


def _codes(world: World, carer: str) -> list[str]:
    return [found[0] for body in world.texts_to(carer) if (found := CONFIRM.search(body)) is not None]


def _returned(world: World, carer: str) -> list[str]:
    return [each["id"] for each in world.notices(carer) if each["body"]["data"]["about"] == "returned"]


def _told(world: World, number: str, words: str) -> list[str]:
    return [body for body in world.texts_to(number) if words in body]


def _answer(world: World, number: str) -> None:
    """So that nobody asks again, five minutes on, in the midst of another case."""
    told = _told(world, number, "reported missing")[-1]
    [code] = CODE.findall(told)
    world.text(number, f"OK {code}")
