"""A report of a number that the register knows does not wait behind strangers' texts, and none of theirs is lost."""

import asyncio
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from services.carers import metrics
from services.carers.policy import strangers_share
from services.carers.policy.strangers_share import DoorShare, StrangersShare
from services.platform.store.encryption import Keyring
from tests.support.engines.database import Database
from tests.support.in_process.carers import Carers, Kestrel, carers, import_kestrel, kinds
from tests.support.in_process.register import fresh_number

CHATTER = "please read this"
BEHIND = 10_000
RATIO = 3
COPIES = """
    INSERT INTO texts_in (message_sid, number_hash, sender, body, received_at, story_at, next_try_at, key_owner, priority)
    SELECT message_sid || '-' || n, sha256(number_hash || n::text::bytea), sender, body, received_at, story_at, next_try_at,
        key_owner, priority
    FROM texts_in, generate_series(1, :behind) AS n WHERE message_sid = :sid
"""


async def unread(service: Carers) -> list[str]:
    """In the order in which they came."""
    sql = "SELECT message_sid FROM texts_in WHERE worked_at IS NULL ORDER BY received_at"
    async with service.store.engine.connect() as connection:
        return list((await connection.execute(text(sql))).scalars())


async def read_one(service: Carers) -> str:
    read = await service.worker._read_next()
    assert read is not None
    return read.sid


async def stories(service: Carers, sids: Sequence[str]) -> list[str]:
    """Under which id each was brought to a person."""
    async with service.store.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT about[1] FROM texts_in WHERE message_sid = ANY(:sids)"), {"sids": sids}
        )
        return list(rows.scalars())


async def strangers(service: Carers, *said: str) -> list[str]:
    """The texts' ids."""
    sids = [f"SM-{fresh_number()}" for _ in said]
    for sid, body in zip(sids, said, strict=True):
        assert (await service.text(fresh_number(), body, sid=sid)).status_code == 200
    return sids


async def test_a_known_number_is_read_before_strangers_who_texted_earlier(service: Carers, kestrel: Kestrel) -> None:
    waiting = await strangers(service, "MISSING", CHATTER)
    await service.text(kestrel.phone("cat"), "thanks", sid="SM-of-cat")
    assert [await read_one(service) for _ in range(3)] == ["SM-of-cat", *waiting]


@pytest.mark.parametrize("body", ["STOP", "HELP", "MISSING", "he has a knife and says he will kill her"])
async def test_urgent_words_of_a_stranger_are_read_before_other_strangers(service: Carers, body: str) -> None:
    chatter, urgent = await strangers(service, CHATTER), await strangers(service, body)
    assert [await read_one(service) for _ in range(2)] == urgent + chatter


async def test_what_a_stranger_texted_before_urgent_words_comes_forward_with_them(service: Carers) -> None:
    chatter, phone = await strangers(service, CHATTER), fresh_number()
    for sid, body in (("SM-before", "hello"), ("SM-urgent", "MISSING")):
        await service.text(phone, body, sid=sid)
    assert [await read_one(service) for _ in range(3)] == ["SM-before", "SM-urgent", *chatter]


async def test_strangers_beyond_their_share_wait_and_each_is_read_once(
    service: Carers, kestrel: Kestrel, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.worker._strangers = StrangersShare()
    before, now = await service.last_position(), service.worker._clocks.wall()
    monkeypatch.setattr(service.worker._clocks, "wall", lambda: now)
    sids = await strangers(service, *[CHATTER] * (strangers_share.AT_ONCE + 10))
    await service.work()
    left = await unread(service)
    assert 0 < len(left) <= 10
    reported = await service.last_position()
    await service.text(kestrel.phone("cat"), "MISSING")
    await service.work()
    assert kinds(await service.said_after(reported)) == ["child.reported-missing.v1"], "they have their share, cat hers"
    for seconds in range(1, 11):
        monkeypatch.setattr(service.worker._clocks, "wall", lambda passed=seconds: now + timedelta(seconds=passed))
        await service.work()
    assert await unread(service) == []
    asked = [each for each in await service.said_after(before) if each.content.kind == "text.needs-human.v1"]
    assert Counter(each.subject for each in asked) == Counter(await stories(service, sids))


async def test_the_oldest_unread_text_of_a_known_number_is_measured_beside_strangers(
    service: Carers, kestrel: Kestrel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gauges() -> Sequence[int]:
        return [round(each._value.get()) for each in (metrics.OLDEST_UNREAD, metrics.OLDEST_KNOWN_UNREAD)]

    now = service.worker._clocks.wall()
    for passed, phone in ((0, fresh_number()), (40, kestrel.phone("cat")), (60, None)):
        at = now + timedelta(seconds=passed)
        monkeypatch.setattr(service.worker._clocks, "wall", lambda at=at: at)
        if phone is not None:
            await service.text(phone, "MISSING")
    await service.worker._measure()
    assert gauges() == [60, 20]
    await read_one(service)
    await service.worker._measure()
    assert gauges() == [60, 0]
    await service.work()


async def test_a_report_behind_ten_thousand_strangers_takes_at_most_three_times_as_long(
    service: Carers, database: Database, keyring: Keyring, kestrel: Kestrel
) -> None:
    """From the webhook to the commit, by the loop that runs in the service, once strangers have had what is read of them at once. The best of several: other work disturbs some. PostgreSQL's statistics are of a table of which all was read, and no others come."""

    async def report(phone: str, body: str) -> float:
        before = await service.last_position()
        begun = time.perf_counter()
        await service.text(phone, body)
        async with asyncio.timeout(60):
            while "child.reported-missing.v1" not in kinds(await service.said_after(before)):  # noqa: ASYNC110 the database is asked
                await asyncio.sleep(0.002)
        return time.perf_counter() - begun

    async def report_each(*registers: Kestrel) -> float:
        said = (("cat", "MISSING"), ("ash", "C1 is missing"), ("bea", "C2 is missing"))
        return min([await report(each.phone(carer), body) for each in registers for carer, body in said])

    with psycopg.connect(database.admin_url, autocommit=True, options="-c search_path=carers") as owner:
        for statement in (
            "UPDATE texts_in SET worked_at = now() WHERE worked_at IS NULL",
            "ALTER TABLE texts_in SET (autovacuum_enabled = false)",
            "VACUUM ANALYZE texts_in",
        ):
            owner.execute(statement)
    service.worker._strangers = StrangersShare()
    registers = [kestrel, *[await import_kestrel(database, keyring) for _ in range(3)]]
    [sid] = await strangers(service, CHATTER)
    await service.worker.loop.start()
    try:
        alone = await report_each(*registers[:2])
        async with service.store.engine.begin() as connection:
            await connection.execute(
                text("UPDATE texts_in SET worked_at = NULL WHERE message_sid = :sid"), {"sid": sid}
            )
            await connection.execute(text(COPIES), {"behind": BEHIND, "sid": sid})
        async with asyncio.timeout(60):
            while len(await unread(service)) > BEHIND - strangers_share.AT_ONCE + 2:  # noqa: ASYNC110 as above
                await asyncio.sleep(0.1)
        behind = await report_each(*registers[2:])
    finally:
        await service.worker.loop.stop()
        left = len(await unread(service))
        async with service.store.engine.begin() as connection:
            await connection.execute(text("DELETE FROM texts_in WHERE message_sid LIKE :like"), {"like": f"{sid}%"})
    print(f"alone {alone:.3f} s, behind {BEHIND} strangers' texts {behind:.3f} s")
    assert left > BEHIND / 2, "the strangers' texts were still waiting"
    assert behind <= RATIO * alone


async def test_a_number_that_the_register_knows_by_an_older_key_is_known(
    database: Database, kestrel: Kestrel, tmp_path: Path
) -> None:
    newer, older, master = (b64encode(each * 32).decode() for each in (b"n", b"p", b"m"))
    keys = Keyring(master, f"{newer}\n{older}")
    async with carers(database, keys, tmp_path / "spool", authority=kestrel.document["authority"]["id"]) as service:
        await strangers(service, CHATTER)
        await service.text(kestrel.phone("cat"), "thanks", sid="SM-by-an-older-key")
        assert await read_one(service) == "SM-by-an-older-key"
        await service.work()


async def kept(service: Carers, sids: Sequence[str]) -> int:
    async with service.store.engine.connect() as connection:
        counted = await connection.scalar(
            text("SELECT count(*) FROM texts_in WHERE message_sid = ANY(:sids)"), {"sids": list(sids)}
        )
        return int(counted)


def fill_the_door(service: Carers, monkeypatch: pytest.MonkeyPatch, at_once: int = 0) -> None:
    """The clock stands still, so that no room comes back."""
    service.intake._share = DoorShare(at_once)
    now = service.worker._clocks.wall()
    monkeypatch.setattr(service.worker._clocks, "wall", lambda: now)


async def test_of_some_hundred_strangers_those_beyond_the_share_come_again_and_a_report_is_taken_and_read_first(
    service: Carers, kestrel: Kestrel, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_the_door(service, monkeypatch, strangers_share.DOOR_AT_ONCE)
    before, came = metrics.SENT_BACK._value.get(), {f"SM-{fresh_number()}": fresh_number() for _ in range(300)}
    answers = await asyncio.gather(*(service.text(phone, CHATTER, sid=sid) for sid, phone in came.items()))
    assert (await service.text(kestrel.phone("cat"), "MISSING", sid="SM-report")).status_code == 200
    back = [sid for sid, answer in zip(came, answers, strict=True) if answer.status_code == 429]
    assert len(back) == len(came) - strangers_share.DOOR_AT_ONCE
    assert {each.headers.get("Retry-After") for each in answers if each.status_code == 429} == {"1"}
    assert metrics.SENT_BACK._value.get() - before == len(back)
    assert (await kept(service, back), await kept(service, list(came))) == (0, strangers_share.DOOR_AT_ONCE)
    assert await read_one(service) == "SM-report"
    again = await asyncio.gather(*(service.text(came[sid], CHATTER, sid=sid) for sid in back))
    assert {each.status_code for each in again} == {200}
    assert await kept(service, list(came)) == len(came)
    await service.work()


@pytest.mark.parametrize("body", ["STOP", "HELP", "MISSING", "he has a knife and says he will kill her"])
async def test_urgent_words_of_a_stranger_are_never_sent_back(
    service: Carers, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    fill_the_door(service, monkeypatch)
    assert (await service.text(fresh_number(), body)).status_code == 200
    assert (await service.text(fresh_number(), CHATTER)).status_code == 429


async def test_what_a_known_number_says_is_never_sent_back(
    service: Carers, kestrel: Kestrel, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_the_door(service, monkeypatch)
    assert (await service.text(kestrel.phone("cat"), "thanks")).status_code == 200


async def test_nothing_is_sent_back_that_may_not_be_repeated(service: Carers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what our stand-in has kept, nor what GOV.UK Notify sends, nor anything while the register cannot be asked."""
    fill_the_door(service, monkeypatch)
    now = service.worker._clocks.wall()
    assert (await service.text(fresh_number(), CHATTER, ReceivedAt=now.isoformat())).status_code == 200
    assert (await service.text_by_notify(fresh_number(), CHATTER)).status_code == 204

    def away(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(service.store, "read", away)
    assert (await service.text(fresh_number(), CHATTER)).status_code == 200
