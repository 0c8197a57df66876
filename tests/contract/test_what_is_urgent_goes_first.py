"""Transactions in one process: while one that somebody waits for is open, no other begins, for a moment at most."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.store.transaction import Store
from tests.support.database import Database


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    opened = Store(database.engine("carers"))
    yield opened
    await opened.close()


class Diary:
    def __init__(self, store: Store) -> None:
        self.store, self.happened = store, list[str]()

    async def urgent(self, over: asyncio.Event) -> None:
        async with self.store.transaction(urgent=True):
            self.happened.append("urgent begins")
            await over.wait()
        self.happened.append("urgent ends")

    async def other(self) -> None:
        async with self.store.transaction():
            self.happened.append("another begins")


async def test_another_begins_when_the_urgent_one_is_over(store: Store) -> None:
    diary, over = Diary(store), asyncio.Event()
    async with asyncio.TaskGroup() as both:
        both.create_task(diary.urgent(over))
        await asyncio.sleep(0)
        both.create_task(diary.other())
        asyncio.get_running_loop().call_later(0.01, over.set)
    assert diary.happened == ["urgent begins", "urgent ends", "another begins"]


async def test_another_does_not_wait_for_ever(store: Store) -> None:
    diary, over = Diary(store), asyncio.Event()
    async with asyncio.TaskGroup() as both:
        both.create_task(diary.urgent(over))
        await asyncio.sleep(0)
        await asyncio.wait_for(diary.other(), 5)
        over.set()
    assert diary.happened == ["urgent begins", "another begins", "urgent ends"]


@pytest.mark.alone
async def test_an_urgent_one_that_fails_holds_nobody_up(store: Store) -> None:
    diary, over = Diary(store), asyncio.Event()
    failing = asyncio.create_task(diary.urgent(over))
    await asyncio.sleep(0.05)
    failing.cancel()
    await asyncio.wait({failing})
    started = asyncio.get_running_loop().time()
    await diary.other()
    assert asyncio.get_running_loop().time() - started < 0.05
