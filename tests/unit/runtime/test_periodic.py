"""A loop that outlives its errors."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.platform.runtime import process
from services.platform.runtime.process import Repeating, run_each


async def test_a_turn_that_failed_is_tried_again_soon_however_seldom_the_loop_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "AGAIN_SECONDS", 0.01)
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
    async with asyncio.timeout(30):
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
    async with asyncio.timeout(15):
        while turns < 5:  # noqa: ASYNC110 counts turns, which are no event
            await asyncio.sleep(0.01)
    await loop.stop()


async def test_a_loop_turns_at_each_moment_that_was_asked_for() -> None:
    turned = list[float]()
    clock = asyncio.get_running_loop().time
    begun = clock()

    async def turn() -> bool:
        turned.append(clock() - begun)
        return False

    loop = Repeating("retries", turn, every_seconds=600)
    await loop.start()
    for seconds in (2, 0.2, 2, 0.201, 600):
        loop.wake_after(seconds)
    async with asyncio.timeout(30):
        while not turned or turned[-1] < 2:  # noqa: ASYNC110 counts turns, which are no event
            await asyncio.sleep(0.01)
    await loop.stop()
    first, *later = turned
    assert first < 0.2 <= later[0] < 2
    assert len(later) in {2, 3}, "moments that lie close together share a turn"


async def test_a_moment_that_is_past_is_now() -> None:
    turns = asyncio.Queue[None]()

    async def turn() -> bool:
        await turns.put(None)
        return False

    loop = Repeating("retries", turn, every_seconds=600)
    await loop.start()
    loop.wake_after(-5)
    async with asyncio.timeout(15):
        await turns.get()
        await turns.get()
    await loop.stop()


async def test_a_loop_may_turn_seldom_and_be_tried_again_soon() -> None:
    turns = 0

    async def turn() -> bool:
        nonlocal turns
        turns += 1
        raise TimeoutError

    loop = Repeating("delivery", turn, every_seconds=600, again_seconds=0.01)
    await loop.start()
    async with asyncio.timeout(15):
        while turns < 5:  # noqa: ASYNC110 counts turns, which are no event
            await asyncio.sleep(0.01)
    await loop.stop()


async def test_a_moment_to_come_wakes_the_loop_then_and_one_that_is_past_is_due_now() -> None:
    turns, now = list[int](), datetime(2026, 3, 2, tzinfo=UTC)

    async def turn() -> bool:
        turns.append(1)
        return False

    loop = Repeating("due", turn, every_seconds=60)
    await loop.start()
    await asyncio.sleep(0)
    assert loop.wake_when_due(now, now)
    assert not loop.wake_when_due(None, now)
    before = len(turns)
    assert not loop.wake_when_due(now + timedelta(seconds=0.1), now)
    async with asyncio.timeout(30):
        while len(turns) == before:  # noqa: ASYNC110 the loop itself turns
            await asyncio.sleep(0.02)
    await loop.stop()


async def test_a_turn_that_does_not_end_is_an_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LASTS_SECONDS", 0.05)
    ends = asyncio.Event()

    async def turn() -> None:
        await ends.wait()

    loop = Repeating("sweep", turn, every_seconds=600)
    await loop.start()
    await asyncio.sleep(0)
    assert loop.obstacle() is None
    await asyncio.sleep(0.1)
    assert loop.obstacle() == "sweep: a turn does not end"
    ends.set()
    async with asyncio.timeout(15):
        while loop.obstacle() is not None:  # noqa: ASYNC110 asks about the loop, which has no event
            await asyncio.sleep(0.01)
    await loop.stop()


async def test_a_loop_that_has_ended_by_itself_is_an_obstacle() -> None:
    async def turn() -> None:
        raise asyncio.CancelledError

    loop = Repeating("sweep", turn, every_seconds=600)
    await loop.start()
    await asyncio.sleep(0.01)
    assert loop.obstacle() == "sweep has ended"


async def test_each_has_its_turn_though_another_fails_and_the_failure_is_raised() -> None:
    had = list[int]()

    async def turn(each: int) -> float:
        had.append(each)
        return 1 / each

    assert await run_each(turn, [1, 2]) == [1, 0.5]
    with pytest.raises(ZeroDivisionError):
        await run_each(turn, [1, 0, 2])
    assert had == [1, 2, 1, 0, 2]
