"""What a missing child's notice waits for: each round trip to PostgreSQL between hearing of it and sending it is on its way."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from services.platform.store.encryption import Keyring
from services.police import store
from services.safeguarding.roles import Wording
from tests.support.engines.database import Database
from tests.support.engines.round_trips import round_trips
from tests.support.in_process.delivery import received
from tests.support.in_process.police import Police, police_of

PUT_AND_COMMITTED = 2
BEGUN = 3
"""The keys; everything read; everything written, and committed."""
ENDED = 1


@pytest.fixture
async def police(database: Database, keyring: Keyring) -> AsyncIterator[Police]:
    async with police_of(database, keyring) as running:
        yield running


def a_telling(police: Police, **about: Any) -> Any:
    child = police.ids[about.pop("child", "C1")]
    return received(child=child, **({"force": police.force, "authority": police.authority} | about))


async def heard_together(police: Police, *tellings: Any) -> list[dict[str, Any]]:
    """The notices that the desk has of them, in one transaction's time."""
    async with police.floor.store.transaction() as uow:
        for told in tellings:
            await police.handlers.on_police_notify(told, uow)
    for told in tellings:
        await police.floor.until(told.content.telling, "accepted")
    bodies = {each.id: json.loads(each.body) for each in police.desk.received}
    return [bodies[str(told.content.telling)] for told in tellings]


async def test_a_first_notice_asks_the_database_no_more_often_than_it_must(police: Police) -> None:
    await heard_together(police, a_telling(police))  # the connection prepares its statements
    await police.floor.loop._sweep.stop()
    told = a_telling(police)
    with round_trips(police.floor.store.engine) as trips:
        async with police.floor.store.transaction() as uow:
            await police.handlers.on_police_notify(told, uow)
        await police.floor.idle()
        count = trips.count
    row = await police.floor.until(told.content.telling, "accepted")
    assert count == PUT_AND_COMMITTED + BEGUN + ENDED
    assert row["attempts"] == 1
    assert await police.said_since(told, ("police.notice-has-gaps",))


async def test_a_notice_counts_what_was_told_in_its_own_transaction(police: Police) -> None:
    notices = await heard_together(police, a_telling(police, child="C13"), a_telling(police, child="C13"))
    assert [each["data"]["report"]["earlier_episodes"] for each in notices] == ["1", "1"]


async def test_gaps_are_asked_for_once_though_two_notices_of_an_episode_are_heard_together(police: Police) -> None:
    episode = uuid4()
    first, second = (a_telling(police, episode=episode, step=step) for step in (0, 1))
    await heard_together(police, first, second)
    said = await police.said_since(first, ("police.notice-has-gaps",))
    assert [each["data"]["episode"] for each in said].count(str(episode)) == 1


async def test_gaps_are_asked_for_once_though_two_processes_prepare_notices_of_an_episode(police: Police) -> None:
    told = a_telling(police)
    earlier = store.earlier_episodes(police.force, told.subject, told.content.episode)
    async with police.floor.store.transaction() as uow:
        store.record_told(uow, told.content, told.subject, exercise=False)

    async def chases() -> bool:
        async with police.floor.store.transaction() as uow:
            may_chase = (await uow.fetch(earlier)).may_chase_gaps
            await asyncio.sleep(0.2)
            return may_chase and store.start_chasing_gaps(uow, police.force, told.content.episode)

    assert sorted(await asyncio.gather(chases(), chases())) == [False, True]


async def test_what_a_force_was_told_stands_though_nothing_is_asked_after_it(police: Police) -> None:
    told = a_telling(police, wording=Wording("located-notice"))
    async with police.floor.store.transaction() as uow:
        store.record_told(uow, told.content, told.subject, exercise=False)
    async with police.floor.store.read() as reader:
        episodes = await reader.fetch(store.told_episodes(police.force))
    assert episodes[told.content.episode].state == "located"


async def test_what_a_force_was_told_stands_though_it_cannot_be_reached(police: Police) -> None:
    told = a_telling(police, force=f"{police.authority}-nowhere")
    async with police.floor.store.transaction() as uow:
        await police.handlers.on_police_notify(told, uow)
    await police.floor.until(told.content.telling, "failed")
    async with police.floor.store.read() as reader:
        assert told.content.episode in await reader.fetch(store.told_episodes(told.content.force))
