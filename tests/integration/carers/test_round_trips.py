"""How often PostgreSQL is asked on the way from a carer's text to the committed report: each time costs up to a millisecond."""

import asyncio
from typing import Any

import pytest

from services.carers import metrics
from tests.support.engines.round_trips import round_trips
from tests.support.in_process.carers import Carers, Kestrel, kinds
from tests.support.in_process.register import fresh_number

KEPT = 2
"""The sender's key; the text and COMMIT."""
READ = 5
"""The text; all that is known of its sender; the reply's key; the reply; everything else and COMMIT."""


@pytest.fixture
async def service(service: Carers) -> Carers:
    """Its connection has prepared its statements: one that goes alone is prepared in a round trip of its own, once a connection."""
    await service.work()
    await service.says(fresh_number(), "a boy has run away from here")
    return service


@pytest.mark.parametrize("known", [False, True], ids=["a number that never texted", "one that has"])
async def test_a_report_by_text_asks_the_database_no_more_often_than_it_must(
    service: Carers, kestrel: Kestrel, *, known: bool
) -> None:
    phone = kestrel.phone("cat")
    if known:
        await service.says(phone, "JOIN")
    before = await service.last_position()
    with round_trips(service.store.engine) as trips:
        await service.text(phone, "MISSING")
        assert trips.count <= KEPT, trips.statements
        trips.begin()
        await service.worker._turn()
        assert trips.count <= READ, trips.statements
    assert kinds(await service.said_after(before)) == ["child.reported-missing.v1"]


async def test_a_report_without_a_name_asks_for_one_key_more(service: Carers, kestrel: Kestrel) -> None:
    await service.text(kestrel.phone("resi"), "one of the girls has run off")
    with round_trips(service.store.engine) as trips:
        await service.worker._turn()
        assert trips.count <= READ + 1, trips.statements


async def test_a_stranger_s_text_asks_for_its_story_too(service: Carers) -> None:
    await service.text(fresh_number(), "a boy has run away from here")
    with round_trips(service.store.engine) as trips:
        await service.worker._turn()
        assert trips.count <= READ + 2, trips.statements


async def test_behind_a_text_with_which_nobody_waits_there_is_no_second_look(service: Carers, kestrel: Kestrel) -> None:
    await service.text(kestrel.phone("cat"), "MISSING")
    assert not await service.worker._turn(), "it looks again, in front of what is to be published"


async def test_where_nothing_waits_one_question_is_asked(service: Carers) -> None:
    end = 1
    with round_trips(service.store.engine) as trips:
        assert not await service.worker._turn()
        assert trips.count <= 1 + end, trips.statements


async def test_what_another_process_kept_behind_a_text_that_was_being_read_is_read_a_moment_later(
    service: Carers, kestrel: Kestrel, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, before = kestrel.phone("cat"), await service.last_position()
    read, awake = service.worker._read, service.intake._on_kept

    async def while_it_is_read(*of: Any) -> None:
        monkeypatch.setattr(service.worker, "_read", read)
        service.intake._on_kept = lambda: None
        await service.text(phone, "BACK")
        service.intake._on_kept = awake
        await read(*of)

    monkeypatch.setattr(service.worker, "_read", while_it_is_read)
    monkeypatch.setattr(service.worker.loop, "_every_seconds", 60.0)
    await service.text(phone, "MISSING")
    await service.worker.loop.start()
    async with asyncio.timeout(30):
        while len(await service.said_after(before)) < 2:  # noqa: ASYNC110 the database is asked
            await asyncio.sleep(0.02)
    await service.worker.loop.stop()
    assert kinds(await service.said_after(before)) == ["child.reported-missing.v1", "child.return-claimed.v1"]


async def test_the_backlog_is_measured_by_a_timer_of_its_own(service: Carers, kestrel: Kestrel) -> None:
    await service.worker._measure()
    before = metrics.UNREAD._value.get()
    await service.text(kestrel.phone("cat"), "MISSING")
    await service.worker._measure()
    assert metrics.UNREAD._value.get() == before + 1
    await service.work()
    await service.worker._measure()
    assert metrics.UNREAD._value.get() == before


async def test_all_senders_that_wait_are_read_at_once_and_one_sender_s_texts_in_order(
    service: Carers, kestrel: Kestrel
) -> None:
    cat, ash, bea = (kestrel.phone(each) for each in ("cat", "ash", "bea"))
    before = await service.last_position()
    for phone, body in ((cat, "MISSING"), (ash, "C1 is missing"), (bea, "C2 is missing"), (cat, "BACK")):
        await service.text(phone, body)
    assert await service.worker._turn()
    assert len(await service.said_after(before)) == 1
    assert not await service.worker._turn()
    said = [(each.content.kind, each.subject) for each in await service.said_after(before)]
    of_cat, of_ash, of_bea = (kestrel.ids[each] for each in ("C9", "C1", "C2"))
    missing, returned = "child.reported-missing.v1", "child.return-claimed.v1"
    assert sorted(said) == sorted([(missing, of_cat), (missing, of_ash), (missing, of_bea), (returned, of_cat)])
    assert said.index((missing, of_cat)) < said.index((returned, of_cat))
