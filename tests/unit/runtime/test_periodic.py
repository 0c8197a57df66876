"""A loop that outlives its errors."""

import asyncio

import pytest

from services.platform.runtime import periodic
from services.platform.runtime.periodic import Repeating


async def test_a_turn_that_failed_is_tried_again_soon_however_seldom_the_loop_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(periodic, "AGAIN_SECONDS", 0.01)
    turns, shown = 0, []

    async def turn() -> bool:
        nonlocal turns
        turns += 1
        shown.append(loop.obstacle())
        if turns < 3:
            raise TimeoutError
        done.set()
        return False

    done, loop = asyncio.Event(), Repeating("forgetting", turn, every_seconds=600)
    await loop.start()
    async with asyncio.timeout(5):
        await done.wait()
    await loop.stop()
    assert shown == [None, "TimeoutError", "TimeoutError"]
    assert loop.obstacle() is None
    assert turns == 3, "the next turn has its time"


async def test_a_loop_that_turns_often_is_not_slowed_by_a_failure() -> None:
    turns = 0

    async def turn() -> bool:
        nonlocal turns
        turns += 1
        raise TimeoutError

    loop = Repeating("delivery", turn, every_seconds=0.01)
    await loop.start()
    async with asyncio.timeout(1):
        while turns < 5:  # noqa: ASYNC110 counts turns, which are no event
            await asyncio.sleep(0.01)
    await loop.stop()
