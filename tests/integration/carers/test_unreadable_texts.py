"""What Twilio signed is never lost, however it came: a person reads what did not come as texts do."""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.carers.conversation import context
from services.carers.conversation.worker import CONTENDED_FOR, KEY_AWAY_FOR
from services.carers.text import Text
from services.platform.messages.envelope import Received
from services.platform.store.encryption import Keyring, KeyServiceAway
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.events import ChildReportedMissing, TextNeedsHuman
from services.safeguarding.message import Message
from tests.support.engines.database import Database
from tests.support.in_process.carers import Carers, Kestrel, kinds, now
from tests.support.in_process.register import words_kept
from tests.support.outside.twilio_posts import escaped, form_of, post, signed_as, signed_bytes

Pairs = list[tuple[bytes, bytes]]
BOTH = ["child.reported-missing.v1", "text.needs-human.v1"]
SIGNED: dict[str, Callable[[Pairs], str]] = {
    "the bytes": signed_bytes,
    "read as Latin-1": lambda pairs: signed_as(pairs, "latin-1"),
    "read as Windows-1252": lambda pairs: signed_as(pairs, "cp1252"),
    "what does not decode replaced": lambda pairs: signed_as(pairs, "utf-8", "replace"),
}


async def said_because_of(service: Carers, raw: bytes, signature: str) -> list[Received[Message]]:
    await service.work()
    before = await service.last_position()
    assert (await post(service, raw, signature)).status_code == 200
    await service.work()
    return await service.said_after(before)


def is_damaged(said: Received[Message]) -> bool:
    return isinstance(said.content, TextNeedsHuman) and said.content.reason == "damaged"


async def kept_of(service: Carers, sid: str) -> list[tuple[str, str | None]]:
    async with service.store.engine.connect() as connection:
        asked = text("SELECT message_sid, flaw FROM texts_in WHERE message_sid LIKE :s ORDER BY message_sid")
        return [(row[0], row[1]) for row in await connection.execute(asked, {"s": f"{sid}%"})]


@pytest.mark.parametrize("signed", SIGNED.values(), ids=SIGNED)
async def test_a_text_that_is_no_utf_8_reports_and_a_person_reads_it_too(
    service: Carers, kestrel: Kestrel, database: Database, keyring: Keyring, signed: Callable[[Pairs], str]
) -> None:
    """Whatever it is that Twilio signs of such a text."""
    pairs = form_of(kestrel.phone("cat"), b"MISSING from the caf\xe9 \x96 now")
    said = await said_because_of(service, escaped(pairs), signed(pairs))
    assert kinds(said) == BOTH
    assert is_damaged(said[1])
    report = said[0].content
    assert isinstance(report, ChildReportedMissing)
    assert "MISSING from the café – now" in [each.text for each in await words_kept(database, keyring, report.words)]


async def test_bytes_that_are_not_escaped_are_read_too(service: Carers, kestrel: Kestrel) -> None:
    pairs = form_of(kestrel.phone("cat"), b"MISSING\xff")
    raw = escaped(pairs[:-1]) + b"&Body=MISSING\xff"
    assert kinds(await said_because_of(service, raw, signed_bytes(pairs))) == BOTH


async def test_bytes_that_mean_nothing_in_windows_1252_are_kept(service: Carers, kestrel: Kestrel) -> None:
    pairs = form_of(kestrel.phone("cat"), b"MISSING\x81")
    assert kinds(await said_because_of(service, escaped(pairs), signed_bytes(pairs))) == BOTH


async def test_what_is_broken_in_a_field_that_nobody_reads_troubles_nobody(service: Carers, kestrel: Kestrel) -> None:
    pairs = [*form_of(kestrel.phone("cat"), b"MISSING"), (b"FromCity", b"\xff")]
    said = await said_because_of(service, escaped(pairs), signed_bytes(pairs))
    assert kinds(said) == ["child.reported-missing.v1"]


@pytest.mark.parametrize("sign", [signed_bytes, lambda pairs, token: signed_as(pairs, "latin-1", token=token)])
async def test_no_utf_8_is_no_way_past_the_signature(
    service: Carers, kestrel: Kestrel, sign: Callable[[Pairs, str], str]
) -> None:
    pairs = form_of(kestrel.phone("cat"), b"MISSING\xff")
    assert (await post(service, escaped(pairs), sign(pairs, "stolen"))).status_code == 403
    other = form_of(kestrel.phone("cat"), b"MISSING\xfe", sid=pairs[0][1].decode())
    assert (await post(service, escaped(other), signed_bytes(pairs))).status_code == 403


async def test_other_words_by_one_id_are_a_text_of_their_own_that_a_person_reads(
    service: Carers, kestrel: Kestrel
) -> None:
    phone, sid = kestrel.phone("cat"), f"SM{uuid4().hex}"
    assert "child.reported-missing.v1" not in kinds(await service.says(phone, "thanks, all well", sid=sid))
    said = await service.says(phone, "MISSING", sid=sid)
    assert kinds(said) == BOTH
    assert is_damaged(said[1])
    for again in ("MISSING", "thanks, all well"):
        assert await service.says(phone, again, sid=sid) == [], "a repeat has no second effect"
    assert [flaw for _, flaw in await kept_of(service, sid)] == [None, "other-words"]


async def test_one_id_from_another_number_is_a_text_of_its_own(service: Carers, kestrel: Kestrel) -> None:
    sid = f"SM{uuid4().hex}"
    await service.says(kestrel.phone("cat"), "MISSING", sid=sid)
    said = await service.says(kestrel.phone("ash"), "MISSING", sid=sid)
    assert "text.needs-human.v1" in kinds(said)


async def test_three_texts_by_one_id_that_come_at_once_are_three(service: Carers, kestrel: Kestrel) -> None:
    """They may be committed together."""
    phone, sid = kestrel.phone("cat"), f"SM{uuid4().hex}"
    bodies = ["MISSING", "BACK", "he took his bag"] * 4
    answers = await asyncio.gather(*(service.text(phone, body, sid=sid) for body in bodies))
    assert {each.status_code for each in answers} == {200}
    assert sorted(flaw or "" for _, flaw in await kept_of(service, sid)) == ["", "other-words", "other-words"]


async def test_what_another_process_keeps_meanwhile_by_the_same_id_drops_no_words(
    service: Carers, kestrel: Kestrel
) -> None:
    phone, sid = kestrel.phone("cat"), f"SM{uuid4().hex}"
    async with service.store.engine.connect() as other:
        async with other.begin():
            copied = "number_hash, sender, body, received_at, story_at, next_try_at, key_owner"
            await service.text(phone, "thanks", sid="SMcopied")
            await other.execute(
                text(
                    f"INSERT INTO texts_in (message_sid, content_hash, {copied}) "
                    f"SELECT :s, 'other', {copied} FROM texts_in WHERE message_sid = 'SMcopied'"
                ),
                {"s": sid},
            )
            waiting = asyncio.create_task(service.text(phone, "MISSING", sid=sid))
            await asyncio.sleep(0.3)
            assert not waiting.done()
        assert (await waiting).status_code == 200
    assert [flaw for _, flaw in await kept_of(service, sid)] == [None, "other-words"]


async def test_two_bodies_are_both_read_and_a_person_reads_them(
    service: Carers, kestrel: Kestrel, database: Database, keyring: Keyring
) -> None:
    pairs = form_of(kestrel.phone("cat"), b"hello there", b"MISSING")
    said = await said_because_of(service, escaped(pairs), signed_bytes(pairs))
    assert kinds(said) == BOTH
    assert is_damaged(said[1])
    report = said[0].content
    assert isinstance(report, ChildReportedMissing)
    assert "hello there\nMISSING" in [each.text for each in await words_kept(database, keyring, report.words)]


async def test_one_body_twice_is_one(service: Carers, kestrel: Kestrel) -> None:
    once = form_of(kestrel.phone("cat"), b"MISSING")
    said = await said_because_of(service, escaped([*once, once[-1]]), signed_bytes(once))
    assert kinds(said) == ["child.reported-missing.v1"]


async def test_a_text_of_sixty_thousand_letters_is_kept_whole_and_holds_up_no_other(
    service: Carers, kestrel: Kestrel, database: Database, keyring: Keyring
) -> None:
    body = ("MISSING, he went at 5 " * 3000)[:58_000]
    begun = time.monotonic()
    pairs = form_of(kestrel.phone("cat"), body.encode())
    said = await said_because_of(service, escaped(pairs), signed_bytes(pairs))
    assert time.monotonic() - begun < 15  # a way of reading that grows with the square of the letters takes minutes
    assert set(kinds(said)) == set(BOTH)
    report = said[0].content
    assert isinstance(report, ChildReportedMissing)
    assert body in [each.text for each in await words_kept(database, keyring, report.words)]


@pytest.mark.parametrize("who", ["cat", "ash", "resi", "day"])
@pytest.mark.parametrize("body", ["", " ", "\x00"])
async def test_a_text_without_anything_reaches_a_person(service: Carers, kestrel: Kestrel, who: str, body: str) -> None:
    assert "text.needs-human.v1" in kinds(await service.says(kestrel.phone(who), body))


async def test_a_text_whose_key_is_away_holds_up_its_sender_alone(
    service: Carers, kestrel: Kestrel, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, load, before = kestrel.phone("cat"), context.load, await service.last_position()

    async def away(uow: UnitOfWork, keyring: Keyring, kept: Text, *about: Any, **more: Any) -> Any:
        if kept.sender == waits:
            raise KeyServiceAway
        return await load(uow, keyring, kept, *about, **more)

    monkeypatch.setattr(context, "load", away)
    for sender in (waits, kestrel.phone("ash")):
        assert (await service.text(sender, "MISSING C1")).status_code == 200
    await service.work()
    ash = await service.said_after(before)
    assert kinds(ash).count("child.reported-missing.v1") == 1
    monkeypatch.setattr(context, "load", load)
    later = now() + KEY_AWAY_FOR
    monkeypatch.setattr(service.worker._clocks, "wall", lambda: later)
    await service.work()
    assert len(await service.said_after(before)) > len(ash)


@pytest.mark.parametrize("state", ["55P03", "57014", "40P01"])
async def test_a_text_that_keeps_meeting_a_lock_or_a_limit_of_time_holds_up_its_sender_alone(
    service: Carers, kestrel: Kestrel, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    waits, load, before = kestrel.phone("cat"), context.load, await service.last_position()
    read: list[str] = []

    async def meets(uow: UnitOfWork, keyring: Keyring, kept: Text, *about: Any, **more: Any) -> Any:
        if kept.sender == waits:
            await uow.connection.execute(text(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$"))
        return await load(uow, keyring, kept, *about, **more)

    async def meets_nothing(uow: UnitOfWork, keyring: Keyring, kept: Text, *about: Any, **more: Any) -> Any:
        read.append(kept.body)
        return await load(uow, keyring, kept, *about, **more)

    monkeypatch.setattr(context, "load", meets)
    sids = [f"SM{uuid4().hex}" for _ in range(2)]
    for sid, sender, body in (
        (sids[0], waits, "MISSING"),
        (sids[1], waits, "BACK"),
        (None, kestrel.phone("ash"), "MISSING C1"),
    ):
        assert (await service.text(sender, body, sid=sid)).status_code == 200
    await service.work()
    assert kinds(await service.said_after(before)) == ["child.reported-missing.v1"]
    async with service.store.engine.connect() as connection:
        asked = text("SELECT tries, worked_at FROM texts_in WHERE message_sid = ANY(:sids)")
        rows = await connection.execute(asked, {"sids": sids})
        assert [tuple(row) for row in rows] == [(0, None)] * 2
    monkeypatch.setattr(context, "load", meets_nothing)
    later = now() + CONTENDED_FOR
    monkeypatch.setattr(service.worker._clocks, "wall", lambda: later)
    await service.work()
    assert read == ["MISSING", "BACK"]
    assert kinds(await service.said_after(before))[:2] == ["child.reported-missing.v1"] * 2


async def test_a_lost_connection_stops_the_turn_and_counts_as_no_failure_of_the_text(
    service: Carers, kestrel: Kestrel, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, before = context.load, await service.last_position()

    async def shut_down(uow: UnitOfWork, *_: Any, **__: Any) -> Any:
        await uow.connection.execute(text("DO $$ BEGIN RAISE SQLSTATE '57P01'; END $$"))

    monkeypatch.setattr(context, "load", shut_down)
    await service.text(kestrel.phone("cat"), "MISSING")
    for _ in range(4):
        with pytest.raises(DBAPIError):
            await service.worker._turn()
    monkeypatch.setattr(context, "load", load)
    await service.work()
    assert kinds(await service.said_after(before)) == ["child.reported-missing.v1"]
