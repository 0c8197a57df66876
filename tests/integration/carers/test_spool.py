"""The database goes away while texts come in: none is refused, none is lost, none has two effects."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.carers.inbound.intake import Spool
from services.carers.store import texts
from services.carers.text import Priority, Text
from services.platform.store.encryption import Keyring
from services.platform.store.engine import connect
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.events import TextNeedsHuman
from tests.support.engines.database import Database
from tests.support.engines.proxy import Proxy, proxy_to
from tests.support.engines.standby import standby_away
from tests.support.in_process.carers import Carers, Kestrel, carers, kinds, settings_for


@pytest.fixture
async def line(database: Database) -> AsyncIterator[Proxy]:
    async with proxy_to(database.port) as proxy:
        yield proxy


@pytest.fixture
async def service(
    database: Database, keyring: Keyring, tmp_path: Path, kestrel: Kestrel, line: Proxy
) -> AsyncIterator[Carers]:
    own = settings_for(database, tmp_path).model_copy(
        update={"database": f"postgresql://127.0.0.1:{line.port}/safe_return"}
    )
    name = kestrel.document["authority"]["id"]
    async with carers(database, keyring, tmp_path / "spool", engine=connect(own, "carers"), authority=name) as running:
        await running.work()
        yield running
        await line.cut()


async def test_texts_go_to_the_disk_and_are_in_the_database_within_five_seconds_of_its_return(
    service: Carers, kestrel: Kestrel, line: Proxy
) -> None:
    phone = kestrel.phone("cat")
    before = await service.last_position()
    await line.cut()
    sids = [f"SM{uuid4().hex}" for _ in range(20)]
    for sid in sids:
        assert (await service.text(phone, "MISSING", sid=sid)).status_code == 200
    assert service.spool.count == len(sids)
    await service.intake.replay.start()
    await asyncio.sleep(1)
    await line.mend()
    async with asyncio.timeout(15):  # five seconds on a machine with nothing else to do
        while service.spool.count:  # noqa: ASYNC110 the replay brings it about
            await asyncio.sleep(0.05)
    await service.intake.replay.stop()
    await service.work()
    said = await service.said_after(before)
    told = kinds(said)
    assert told.count("child.reported-missing.v1") == len(sids)
    assert told.count("text.needs-human.v1") == len(told) - len(sids) == 1, (
        "the twentieth answer is the last of the hour"
    )


async def test_a_text_after_the_return_stays_behind_those_on_the_disk(
    service: Carers, kestrel: Kestrel, line: Proxy
) -> None:
    phone = kestrel.phone("cat")
    before = await service.last_position()
    await line.cut()
    await service.text(phone, "MISSING")
    await line.mend()
    await service.text(phone, "BACK")
    await service.intake._replay()
    await service.work()
    assert kinds(await service.said_after(before)) == ["child.reported-missing.v1", "child.return-claimed.v1"]


async def test_a_text_stays_on_the_disk_until_the_standby_has_it(
    service: Carers, kestrel: Kestrel, database: Database
) -> None:
    """The commit waits for the standby, and after three seconds the text goes to the disk as well."""
    phone = kestrel.phone("cat")
    async with standby_away(database) as standby:
        assert (await service.text(phone, "MISSING")).status_code == 200
        assert service.spool.count == 1
        for _ in range(2):
            waits = asyncio.create_task(standby.awaited())
            while not waits.done():  # a busy machine may use the three seconds up before the commit
                with pytest.raises(TimeoutError):
                    await service.intake._replay()
            await waits
        assert service.spool.count == 1
    await service.intake._replay()
    assert service.spool.count == 0


async def test_a_text_that_the_database_does_not_take_holds_up_no_other(
    service: Carers, kestrel: Kestrel, line: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is set aside, and tried once more by the next process."""
    phone, bad = kestrel.phone("cat"), f"SM{uuid4().hex}"
    before = await service.last_position()
    await line.cut()
    for sid, words in ((f"SM{uuid4().hex}", "MISSING"), (bad, "MISSING"), (f"SM{uuid4().hex}", "BACK")):
        await service.text(phone, words, sid=sid)
    await line.mend()
    keep = texts.keep

    async def keeps(uow: UnitOfWork, keyring: Keyring, several: Mapping[Text, Priority]) -> None:
        await keep(uow, keyring, several)
        if bad in {each.sid for each in several}:
            raise ValueError

    with monkeypatch.context() as broken:
        broken.setattr(texts, "keep", keeps)
        await service.intake._replay()
    await service.work()
    assert kinds(await service.said_after(before)) == ["child.reported-missing.v1", "child.return-claimed.v1"]
    assert (service.spool.count, service.spool.set_aside) == (0, 1)
    again = Spool(service.spool._folder, service.spool._keyring)
    assert [each.sid for _, each in again.oldest()] == [bad]


async def test_a_text_that_is_both_on_the_disk_and_in_the_database_has_one_effect(
    service: Carers, kestrel: Kestrel, line: Proxy
) -> None:
    phone, sid = kestrel.phone("cat"), f"SM{uuid4().hex}"
    before = await service.last_position()
    await service.text(phone, "MISSING", sid=sid)
    await line.cut()
    await service.text(phone, "MISSING", sid=sid)
    await line.mend()
    for _ in range(2):
        await service.intake._replay()
        await service.work()
    assert kinds(await service.said_after(before)) == ["child.reported-missing.v1"]
    assert len(await service.replies_to(phone)) == 1


async def test_other_words_by_the_same_id_are_kept_through_the_disk(
    service: Carers, kestrel: Kestrel, line: Proxy
) -> None:
    """One in the database, one on the disk, and one that lay there first."""
    phone, before = kestrel.phone("cat"), await service.last_position()
    in_database, on_disk = (f"SM{uuid4().hex}" for _ in range(2))
    await service.text(phone, "thanks", sid=in_database)
    await line.cut()
    for sid, words in ((in_database, "MISSING"), (in_database, "thanks"), (on_disk, "MISSING"), (on_disk, "C9 gone")):
        await service.text(phone, words, sid=sid)
    await line.mend()
    for _ in range(2):
        await service.intake._replay()
        await service.work()
    said = await service.said_after(before)
    assert kinds(said).count("child.reported-missing.v1") == 3
    assert [each.content.reason for each in said if isinstance(each.content, TextNeedsHuman)].count("damaged") == 2


async def test_with_neither_database_nor_disk_twilio_is_asked_to_repeat(
    service: Carers, kestrel: Kestrel, line: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    await line.cut()

    def full(_text: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(service.spool, "put", full)
    answer = await service.text(kestrel.phone("cat"), "MISSING")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


async def test_twenty_phones_at_once_while_the_line_is_cut_again_and_again_lose_nothing(
    service: Carers, kestrel: Kestrel, line: Proxy
) -> None:
    phone = kestrel.phone("cat")
    await service.intake.replay.start()
    sent: list[str] = []

    async def texts() -> None:
        for _ in range(10):
            sid = f"SM{uuid4().hex}"
            answer = await service.text(phone, "status", sid=sid)
            if answer.status_code == 200:
                sent.append(sid)
            await asyncio.sleep(0.02)

    async def cuts() -> None:
        for _ in range(3):
            await line.cut()
            await asyncio.sleep(0.15)
            await line.mend()
            await asyncio.sleep(0.3)

    await asyncio.gather(cuts(), *(texts() for _ in range(20)))
    until = time.monotonic() + 90
    while service.spool.count:
        await asyncio.sleep(0.05)
        assert time.monotonic() < until
    await service.intake.replay.stop()
    await service.store.engine.dispose()  # the pool may hold connections that were cut
    async with service.store.engine.connect() as connection:
        kept = set((await connection.execute(text("SELECT message_sid FROM texts_in"))).scalars())
    assert len(sent) == 200
    assert set(sent) <= kept
