"""Texts that come to either of our numbers, to an authority's own, and from ourselves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.carers.inbound.probes import EVERY, Probes
from services.platform.delivery import metrics
from services.platform.register.directory import e164, with_plus
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from tests.support.engines.database import Database
from tests.support.in_process.carers import NOTIFY_NUMBER, TWILIO_NUMBER, Carers, Kestrel, carers, import_kestrel, kinds
from tests.support.in_process.register import fresh_number


async def test_a_report_to_the_number_at_notify_is_read_and_answered_by_that_number(
    service: Carers, kestrel: Kestrel
) -> None:
    before, ash = await service.last_position(), kestrel.phone("ash")
    assert (await service.text_by_notify(ash, "MISSING C1")).status_code == 204
    await service.work()
    assert "child.reported-missing.v1" in kinds(await service.said_after(before))
    async with service.store.engine.begin() as connection:
        row = await connection.execute(
            text("SELECT texted FROM delivery.deliveries WHERE number_hash = :n AND kind IS NULL"),
            {"n": service.keyring.number_hash(ash)},
        )
        assert [each.texted for each in row] == [NOTIFY_NUMBER]


@pytest.mark.parametrize(("number", "known"), [("33612345678", "+33612345678"), ("447700900123", "+447700900123"),
                                              ("07700900123", "+447700900123"), ("Notify", "Notify")])  # fmt: skip
def test_a_number_with_its_countrys_code_is_known_without_a_plus_too(number: str, known: str) -> None:
    assert e164(with_plus(number)) == known


async def test_a_text_that_notify_repeats_counts_once(service: Carers, kestrel: Kestrel) -> None:
    again = {"id": "3d844edf-8d35-48ac-975b-e847b4f122b0"}
    before = await service.last_position()
    for _ in range(2):
        assert (await service.text_by_notify(kestrel.phone("ash"), "MISSING C1", **again)).status_code == 204
        await service.work()
    assert kinds(await service.said_after(before)).count("child.reported-missing.v1") == 1


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"bearer": "wrong"}, 403), ({"bearer": ""}, 403), ({"source_number": ""}, 400), ({"id": "x"}, 400)],
)
async def test_what_is_not_notifys_is_refused(service: Carers, changes: dict[str, Any], status: int) -> None:
    answer = await service.text_by_notify("+447700900101", "MISSING", **changes)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_strangers_text_is_for_the_authority_whose_number_was_texted(
    database: Database, keyring: Keyring, tmp_path: Path, kestrel: Kestrel
) -> None:
    other = await import_kestrel(database, keyring)
    default, numbered = (each.document["authority"]["id"] for each in (kestrel, other))
    own = fresh_number()
    engine = database.engine("console")
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE register.authorities SET text_number = :n WHERE id = :a"), {"n": own, "a": numbered}
        )
    await engine.dispose()
    async with carers(database, keyring, tmp_path, authority=default) as running:
        for to, authority in ((own, numbered), (TWILIO_NUMBER, default)):
            [said] = [
                each.content
                for each in await running.says(fresh_number(), "she is here", To=to)
                if each.content.kind == "text.needs-human.v1"
            ]
            assert said.authority == authority  # type: ignore[attr-defined]
            before = await running.last_position()
            await running.call("choice", fresh_number(), To=to, CallSid=f"CA{uuid4().hex}", Digits="1")
            await running.work()
            [rung] = await running.said_after(before)
            assert rung.content.authority == authority, "of a call too"  # type: ignore[attr-defined]


class Way:
    def __init__(self, way: str, number: str) -> None:
        self.way, self.number, self.text = way, number, AsyncMock()


@pytest.fixture
async def forgotten(service: Carers) -> Carers:
    async with service.store.engine.begin() as connection:
        await connection.execute(text("UPDATE delivery.text_ways SET sent_at = :long_ago, waiting_since = NULL"),
                                 {"long_ago": datetime.now(UTC) - EVERY})  # fmt: skip
    return service


async def ways(service: Carers) -> dict[str, Any]:
    async with service.store.engine.begin() as connection:
        return {each.way: each for each in await connection.execute(text("SELECT * FROM delivery.text_ways"))}


@pytest.mark.parametrize("sender", [None, "+447700900999"])
async def test_we_text_ourselves_both_ways_and_what_comes_back_is_nobodys_report(
    forgotten: Carers, sender: str | None
) -> None:
    """Whatever sender a network puts in place of our number."""
    service, before = forgotten, await forgotten.last_position()
    twilio, notify = Way("twilio", TWILIO_NUMBER), Way("notify", NOTIFY_NUMBER)
    texts: Any = type("Texts", (), {"ways": [twilio, notify]})
    probes, another_process = (Probes(service.store, Clocks(), texts) for _ in range(2))
    await probes.turn()
    await another_process.turn()
    [to_notify], [to_twilio] = ([call.args[0] for call in way.text.await_args_list] for way in (twilio, notify))
    assert (twilio.text.await_count, notify.text.await_count) == (1, 1)
    assert (to_notify.recipient, to_twilio.recipient) == (NOTIFY_NUMBER, TWILIO_NUMBER)
    assert {name: row.waiting_since is None for name, row in (await ways(service)).items()} == dict.fromkeys(
        ("twilio", "notify"), False
    )
    await service.text_by_notify(TWILIO_NUMBER if sender is None else sender, to_notify.body)
    await service.text(NOTIFY_NUMBER, "not what we sent", To=TWILIO_NUMBER)
    await service.work()
    found = await ways(service)
    assert {name: row.waiting_since is None for name, row in found.items()} == {"twilio": True, "notify": False}
    later = Clocks()
    later.wall = lambda: datetime.now(UTC) + EVERY + timedelta(seconds=1)  # type: ignore[method-assign]
    await Probes(service.store, later, texts).turn()
    await service.text_by_notify(TWILIO_NUMBER if sender is None else sender, to_notify.body)
    await service.work()
    assert [row.waiting_since is None for row in (await ways(service)).values()] == [False, False], "it was too late"
    assert await service.said_after(before) == []


async def test_a_way_waits_since_the_first_text_that_did_not_come_back(forgotten: Carers) -> None:
    service = forgotten
    texts: Any = type("Texts", (), {"ways": [Way("twilio", TWILIO_NUMBER), Way("notify", NOTIFY_NUMBER)]})
    await Probes(service.store, Clocks(), texts).turn()
    first = (await ways(service))["twilio"].waiting_since
    later = Clocks()
    later.wall = lambda: datetime.now(UTC) + EVERY + timedelta(seconds=1)  # type: ignore[method-assign]
    await Probes(service.store, later, texts).turn()
    found = (await ways(service))["twilio"]
    assert (found.waiting_since, found.sent_at > first) == (first, True)
    assert metrics.WAY_TRIED.labels("twilio")._value.get() == found.sent_at.timestamp()


async def test_a_process_that_dies_before_it_has_texted_leaves_no_way_waiting(forgotten: Carers) -> None:
    """Nothing can come back then."""
    service, seen = forgotten, []
    twilio, notify = Way("twilio", TWILIO_NUMBER), Way("notify", NOTIFY_NUMBER)

    async def look(*_: Any) -> None:
        seen.append((await ways(service))["twilio"].waiting_since)

    twilio.text = AsyncMock(side_effect=look)
    texts: Any = type("Texts", (), {"ways": [twilio, notify]})
    await Probes(service.store, Clocks(), texts).turn()
    assert (seen, (await ways(service))["twilio"].waiting_since is None) == ([None], False)


async def test_what_comes_back_before_the_provider_has_answered_is_back(forgotten: Carers) -> None:
    """Also where the clock of whoever takes it is a little slow."""
    service = forgotten
    twilio, notify = Way("twilio", TWILIO_NUMBER), Way("notify", NOTIFY_NUMBER)

    async def come_back(sending: Any, _: Any) -> None:
        assert (await service.text_by_notify(TWILIO_NUMBER, sending.body)).is_success
        await service.work()

    twilio.text = AsyncMock(side_effect=come_back)
    texts: Any = type("Texts", (), {"ways": [twilio, notify]})
    fast = Clocks()
    fast.wall = lambda: datetime.now(UTC) + timedelta(seconds=5)  # type: ignore[method-assign]
    await Probes(service.store, fast, texts).turn()
    found = (await ways(service))["twilio"]
    assert (found.waiting_since, found.came_back_at >= found.sent_at) == (None, True)
