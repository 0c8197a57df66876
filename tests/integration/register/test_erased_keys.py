"""What lay under a key that was erased is a gap wherever it is read, also when the child has a new key, and stops nothing else."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from services.platform.delivery import metrics
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import keys, words
from services.platform.store.encryption import Keyring
from services.platform.store.query import Reader
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.events import ChildReportedMissing
from tests.support.engines.database import Database
from tests.support.in_process.carers import Carers, Kestrel
from tests.support.in_process.delivery import LATER, PlayedMedium, all_withdrawn, eventually, received, running_floor
from tests.support.in_process.police import Police, police_of
from tests.support.in_process.register import erase

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
async def police(database: Database, keyring: Keyring) -> AsyncIterator[Police]:
    async with police_of(database, keyring) as running:
        yield running


async def test_a_carer_reports_a_child_missing_whose_sibling_was_erased(
    service: Carers, kestrel: Kestrel, database: Database
) -> None:
    await erase(database, service.keyring, kestrel.ids["C2"])
    [said] = await service.says(kestrel.phone("ash"), "C1 missing")
    assert isinstance(said.content, ChildReportedMissing)
    assert (said.subject, said.content.said_by) == (kestrel.ids["C1"], kestrel.ids["ash"])


async def test_an_erased_child_is_reported_by_its_code(service: Carers, kestrel: Kestrel, database: Database) -> None:
    await erase(database, service.keyring, kestrel.ids["C2"])
    [said] = await service.says(kestrel.phone("ash"), "C2 missing")
    assert isinstance(said.content, ChildReportedMissing)
    assert said.subject == kestrel.ids["C2"]


async def test_police_have_a_notice_with_gaps_and_what_was_said_since(
    police: Police, database: Database, keyring: Keyring
) -> None:
    kept = [await said_of(police, "took a blue bag")]
    await erase(database, keyring, police.ids["C1"])
    kept.append(await said_of(police, "seen at the station"))
    _, notice = await police.notice(words=kept)
    assert notice["data"]["child"]["name"] == "unknown"
    assert "child.name" in notice["data"]["gaps"]
    assert [each["words"] for each in notice["data"]["said"]] == ["seen at the station"]


async def said_of(police: Police, spoken: str) -> str:
    async with Store(police.casework).transaction() as uow:
        return await words.keep(uow, police.keyring, about=police.ids["C1"], words=spoken, said_by=None, at=NOON)


async def test_what_was_to_be_sent_again_is_given_up_at_once_and_not_as_a_defect(
    database: Database, keyring: Keyring
) -> None:
    defects = metrics.DEFECTS._value.get()
    medium = PlayedMedium(otherwise=LATER)
    async with all_withdrawn(database, "police") as engine, running_floor(engine, keyring, medium) as floor:
        told = received()
        delivery = await floor.put(told, "force-erased")
        await eventually(lambda: medium.sent)  # it waits before its first attempt too, and is under no key yet
        await floor.until(delivery.id, "waiting")
        await erase(database, keyring, told.subject)
        row = await floor.until(delivery.id, "failed")
        [failed] = [each for each in await floor.said(told.subject) if each["type"] == "duty.failed.v1"]
    assert (row["attempts"], failed["data"]["reason"]) == (1, "undeliverable")
    assert metrics.DEFECTS._value.get() == defects


async def test_whom_something_reached_is_a_gap(database: Database, keyring: Keyring) -> None:
    async with all_withdrawn(database, "police") as engine, running_floor(engine, keyring, PlayedMedium()) as floor:
        delivery: Delivery = await floor.put(received(), "force-reached")
        await floor.until(delivery.id, "accepted")
        async with engine.connect() as connection:
            assert await deliveries.recipient_of(connection, keyring, delivery) == "http://127.0.0.1:1/notices"
        await erase(database, keyring, delivery.owner)
        async with engine.connect() as connection:
            assert await deliveries.recipient_of(connection, keyring, delivery) is None


async def test_reading_makes_no_key(police: Police, keyring: Keyring) -> None:
    child = police.ids["C1"]
    async with police.casework.begin() as connection:
        await connection.execute(text("DELETE FROM register.sealed_keys WHERE owner = :o"), {"o": child})
        assert (await keys.decryptor_of(connection, keyring, child)).open(b"n" * 40, words.PLACE) is None
        assert await Reader(connection).fetch(keys.wrapped_keys_of([child])) == {}
