"""Texts and practices are seen to in time, though nothing is polled: the sweeps are put off here so far that they cannot help."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from services.carers.conversation import silence, worker
from services.carers.conversation.silence import PRACTICE_LASTS, PracticeTimeout
from services.carers.inbound import intake
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.engine import connect
from tests.support.engines.database import Database
from tests.support.engines.proxy import Proxy, proxy_to
from tests.support.in_process.carers import Carers, Kestrel, carers, kinds, settings_for
from tests.support.in_process.delivery import eventually

LOCK = "SELECT FROM texts_in WHERE worked_at IS NULL FOR UPDATE"


@pytest.fixture(autouse=True)
def no_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SWEEP_EVERY_SECONDS", 600)
    monkeypatch.setattr(intake, "REPLAY_EVERY_SECONDS", 600)
    monkeypatch.setattr(silence, "EVERY_SECONDS", 600)


@pytest.fixture
async def line(database: Database) -> AsyncIterator[Proxy]:
    async with proxy_to(database.port) as proxy:
        yield proxy


@pytest.fixture
async def behind(
    database: Database, keyring: Keyring, tmp_path: Path, kestrel: Kestrel, line: Proxy
) -> AsyncIterator[Carers]:
    """A service whose line to the database can be cut."""
    url = f"postgresql://127.0.0.1:{line.port}/safe_return"
    own = settings_for(database, tmp_path).model_copy(update={"database": url})
    name = kestrel.document["authority"]["id"]
    async with carers(database, keyring, tmp_path / "spool", engine=connect(own, "carers"), authority=name) as running:
        await running.work()
        yield running


async def test_a_text_on_the_disk_is_in_the_database_soon_after_its_return(
    behind: Carers, kestrel: Kestrel, line: Proxy
) -> None:
    await behind.intake.replay.start()
    await asyncio.sleep(0.2)
    await line.cut()
    assert (await behind.text(kestrel.phone("cat"), "MISSING")).status_code == 200
    assert behind.spool.count == 1
    await asyncio.sleep(2)
    assert behind.spool.count == 1
    await line.mend()
    await eventually(lambda: behind.spool.count == 0)  # the next look by itself would come after a minute
    await behind.intake.replay.stop()


async def test_a_text_that_another_process_holds_is_read_once_that_has_let_go(
    service: Carers, kestrel: Kestrel
) -> None:
    await service.work()
    before = await service.last_position()
    await service.text(kestrel.phone("cat"), "MISSING")
    async with service.store.engine.begin() as other:
        await other.execute(text(LOCK))
        await service.worker.loop.start()
        await asyncio.sleep(1)
        assert await service.said_after(before) == []
    async with asyncio.timeout(15):
        while kinds(await service.said_after(before)) != ["child.reported-missing.v1"]:  # noqa: ASYNC110 the loop brings it about
            await asyncio.sleep(0.05)
    await service.worker.loop.stop()


async def test_a_practice_ends_when_story_time_has_passed_its_end(service: Carers, kestrel: Kestrel) -> None:
    clocks = Clocks()
    ending = PracticeTimeout(service.store, clocks).ending
    await ending.start()
    await asyncio.sleep(0.2)
    await service.says(kestrel.phone("cat"), "PRACTICE MISSING")
    before = await service.last_position()
    clocks.move_to(PRACTICE_LASTS + timedelta(seconds=1))
    async with asyncio.timeout(15):
        while "report.retracted.v1" not in kinds(await service.said_after(before)):  # noqa: ASYNC110 the loop brings it about
            await asyncio.sleep(0.05)
    await ending.stop()


async def test_the_end_of_a_practice_is_known_before_it_comes(service: Carers, kestrel: Kestrel) -> None:
    await service.says(kestrel.phone("cat"), "PRACTICE MISSING")
    before = await service.last_position()
    clocks = Clocks(PRACTICE_LASTS - timedelta(seconds=4))
    ending = PracticeTimeout(service.store, clocks).ending
    await ending.start()
    async with asyncio.timeout(30):
        while "report.retracted.v1" not in kinds(await service.said_after(before)):  # noqa: ASYNC110 the loop brings it about
            await asyncio.sleep(0.05)
    await ending.stop()
