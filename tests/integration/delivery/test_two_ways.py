"""Two ways to text, both played: a text goes by the second only where the first surely has not taken it, and by one of them once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.options.second_text_way import notify as by_notify
from services.options.second_text_way.notify import NotifyWay
from services.platform.delivery import metrics
from services.platform.delivery.channels import sms
from services.platform.delivery.channels.channel import SendRequest, SendResult
from services.platform.delivery.channels.sms import REPEAT_MARK, TwilioWay
from services.platform.delivery.channels.text_ways import (
    ASKED_FOR,
    BACK_WITHIN,
    LOST_IN_A_ROW,
    SECOND_FOR,
    Texts,
    WayHealth,
)
from services.platform.delivery.model import Delivery, PreparedMessage
from services.platform.delivery.sms_status.receipts import Receipts
from services.platform.delivery.sms_status.webhook import NotifyDoor, mount_receipts_route
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.problems import answer_with_problems
from services.platform.store.encryption import Keyring
from services.platform.store.engine import connect
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.duty.duties import ProfessionalNotify
from services.safeguarding.roles import Channel, Role
from tests.support.engines.database import Database
from tests.support.in_process.delivery import all_withdrawn, received, running_floor
from tests.support.in_process.register import authority, load
from tests.support.outside.sandbox import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    CARER,
    NOTIFY_IDS,
    NOTIFY_KEY,
    NOTIFY_NUMBER,
    NOTIFY_SENDER,
    OWN_AT_NOTIFY,
    OWN_AT_TWILIO,
    OWN_NUMBER,
    Outside,
    eventually,
    play_outside_world,
)

NOWHERE = "http://127.0.0.1:9"
BEARER = "receipts-token"


@pytest.fixture
async def outside(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Outside]:
    monkeypatch.setattr(sms, "TOTAL_SECONDS", 0.5)
    monkeypatch.setattr(by_notify, "WITHIN", 0.5)
    async with play_outside_world() as played:
        yield played


def both(
    outside: Outside, health: WayHealth | None = None, *, twilio_url: str | None = None, notify_url: str | None = None
) -> Texts:
    twilio = TwilioWay(
        account_sid=ACCOUNT_SID, tokens=lambda: (AUTH_TOKEN,), number=OWN_NUMBER, public_url=outside.application.url,
        base_url=twilio_url or outside.url,
    )  # fmt: skip
    template, url = NOTIFY_IDS["template_id"], notify_url or outside.url
    notify = NotifyWay(api_key=NOTIFY_KEY, template=template, number=NOTIFY_NUMBER, base_url=url)
    return Texts(twilio, notify, health=health)


@pytest.fixture
async def texts(outside: Outside) -> AsyncIterator[Texts]:
    channel = both(outside)
    await channel.start()
    yield channel
    await channel.stop()


def sending(number: str = CARER, **more: Any) -> SendRequest:
    now = datetime.now(UTC)
    asked: dict[str, Any] = {"urgent": True, "uncertain": False, "created_at": now, "now": now} | more
    return SendRequest(uuid4(), 1, number, f"Safe Return. OK {uuid4().hex[:5]}", (), **asked)


async def on_the_air(outside: Outside) -> list[tuple[str, str, str]]:
    return [(each["way"], each["from"], each["body"]) for each in await outside.get("/texts")]


@pytest.mark.parametrize(
    ("twilio", "notify", "result", "way", "went"),
    [
        ("normal", "normal", "accepted", "twilio", ["twilio"]),
        ("failing", "normal", "accepted", "notify", ["notify"]),
        ("throttled", "normal", "accepted", "notify", ["notify"]),
        ("silent", "normal", "unknown", "twilio", []),
        ("lost-answer", "normal", "unknown", "twilio", ["twilio"]),
        ("failing", "throttled", "retry", "twilio", []),
        ("failing", "full", "retry", "twilio", []),
        ("failing", "silent", "unknown", "notify", []),
        ("failing", "failing", "unknown", "notify", []),
        ("failing", "lost-answer", "unknown", "notify", ["notify"]),
    ],
)
async def test_the_second_way_has_what_the_first_has_surely_not_taken(
    outside: Outside, texts: Texts, twilio: str, notify: str, result: str, way: str, went: list[str]
) -> None:
    await outside.behave("phone-network", mode=twilio)
    await outside.behave("notify", mode=notify)
    answer = await texts.send(sending())
    assert (answer.result, answer.way) == (result, way)
    assert [each for each, _, _ in await on_the_air(outside)] == went


@pytest.mark.parametrize(
    ("twilio_url", "notify_url", "answer"),
    [(NOWHERE, None, ("accepted", "notify")), (None, NOWHERE, ("retry", "twilio"))],
)
async def test_a_way_that_cannot_be_reached_has_surely_taken_nothing(
    outside: Outside, twilio_url: str | None, notify_url: str | None, answer: tuple[str, str]
) -> None:
    channel = both(outside, twilio_url=twilio_url, notify_url=notify_url)
    await outside.behave("phone-network", mode="failing" if notify_url else "normal")
    await channel.start()
    found = await channel.send(sending())
    await channel.stop()
    assert (found.result, found.way) == answer


NOT_TAKEN: tuple[Any, ...] = ([], "taken", 7, None, {}, {"id": None}, {"id": "3"}, {"id": {}})
NOT_REFUSED: tuple[Any, ...] = ([], "no", None, {"errors": "no"}, {"errors": {"a": 1}}, {"errors": [1]})
NOT_FOUND: tuple[Any, ...] = ([], 7, {}, {"status": []}, {"status": "sending"}, {"status": "sending", "id": "3"})


async def test_an_answer_of_notify_s_that_is_not_as_published_is_a_lost_one() -> None:
    """It may have taken the text."""
    answers = [
        *[await _played_by(201, each).text(sending(), None) for each in NOT_TAKEN],
        *[await _played_by(400, each).text(sending(), None) for each in NOT_REFUSED],
        *[await _played_by(200, {"notifications": [each]}).look_up(sending()) for each in NOT_FOUND],
    ]
    assert [each and each.result for each in answers] == [AttemptResult.UNKNOWN] * len(answers)


def _played_by(status: int, said: Any) -> NotifyWay:
    """One that gets this answer, whatever it asks."""
    way = NotifyWay(api_key=NOTIFY_KEY, template=NOTIFY_IDS["template_id"], base_url=NOWHERE)
    answer = httpx.MockTransport(lambda _: httpx.Response(status, json=said))
    way._http = httpx.AsyncClient(transport=answer, base_url=NOWHERE)
    return way


async def test_notify_is_asked_by_the_machines_own_clock(outside: Outside, texts: Texts) -> None:
    """It does not go by the database's, which may be the wrong one."""
    await outside.behave("phone-network", mode="failing")
    later = datetime.now(UTC) + timedelta(hours=1)
    answer = await texts.send(sending(created_at=later, now=later))
    assert (answer.result, answer.way) == ("accepted", "notify")


async def test_who_has_stopped_texts_is_not_texted_by_the_other_way(outside: Outside, texts: Texts) -> None:
    outside.world.network.opted_out.add(CARER)
    assert await texts.send(sending()) == SendResult(AttemptResult.REFUSED, 21610, reason="opted-out")
    assert await on_the_air(outside) == []


WAITS, PASSED = timedelta(0), ASKED_FOR[True] + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("lost_by", "modes", "age", "result", "way", "times"),
    [
        ("twilio", ("normal", "normal"), WAITS, "accepted", "twilio", 1),  # found again
        ("notify", ("failing", "normal"), WAITS, "accepted", "notify", 1),
        (None, ("normal", "normal"), WAITS, "accepted", "twilio", 1),  # surely with neither: sent
        (None, ("silent", "normal"), WAITS, "unknown", None, 0),  # it may be with Twilio, which does not say
        (None, ("silent", "normal"), PASSED, "accepted", "notify", 1),  # until the deadline
        (None, ("normal", "silent"), PASSED, "accepted", "twilio", 1),
        (None, ("silent", "silent"), PASSED, "unknown", None, 0),  # and there is no other
    ],
)
async def test_after_a_lost_answer_each_way_is_asked_before_the_text_goes_again(
    outside: Outside, texts: Texts, lost_by: str | None, modes: tuple[str, str], age: timedelta, result: str,
    way: str | None, times: int,
) -> None:  # fmt: skip
    first = sending()
    if lost_by is not None:
        await outside.behave("phone-network", mode="lost-answer" if lost_by == "twilio" else "failing")
        await outside.behave("notify", mode="lost-answer")
        assert (await texts.send(first)).result is AttemptResult.UNKNOWN
    for part, mode in zip(("phone-network", "notify"), modes, strict=True):
        await outside.behave(part, mode=mode)
    again = replace(first, uncertain=True, created_at=first.created_at - age)
    answer = await texts.send(again)
    assert (answer.result, answer.way) == (result, way)
    sent = [body for _, _, body in await on_the_air(outside)]
    assert sent == ([first.body] if lost_by else [REPEAT_MARK + first.body])[:times]


async def test_a_way_that_fails_in_a_row_is_second_for_a_minute(outside: Outside, texts: Texts) -> None:
    await outside.behave("phone-network", mode="silent")
    for _ in range(LOST_IN_A_ROW):
        assert (await texts.send(sending())).result is AttemptResult.UNKNOWN
    assert (await texts.send(sending())).way == "notify"
    await outside.behave("phone-network", mode="normal")
    assert (await texts.send(sending())).way == "notify"
    assert (await texts.send(sending(now=datetime.now(UTC) + SECOND_FOR))).way == "twilio"
    assert (await texts.send(sending())).way == "twilio"


@pytest.fixture
async def kestrel(database: Database, keyring: Keyring) -> AsyncIterator[str]:
    """An authority with numbers of its own."""
    document, casework = authority(), database.engine("casework")
    await load(casework, keyring, document, datetime(2026, 11, 24, tzinfo=UTC))
    name = document["authority"]["id"]
    numbers = {"twilio": OWN_AT_TWILIO, "notify": OWN_AT_NOTIFY, "sender": NOTIFY_SENDER}
    await write(database, "console", f"{NUMBERED} WHERE id = :name", name=name, **numbers)
    yield name
    await write(database, "console", f"{NUMBERED} WHERE id = :name", name=name, twilio=None, notify=None, sender=None)
    await casework.dispose()


NUMBERED = "UPDATE register.authorities SET text_number = :twilio, notify_number = :notify, notify_sender = :sender"
PROBED = """
    INSERT INTO delivery.text_ways VALUES ('twilio', 'x', :now, :since, :now)
    ON CONFLICT (way) DO UPDATE SET waiting_since = excluded.waiting_since
"""


async def write(database: Database, role: str, statement: str, **row: Any) -> None:
    engine = database.engine(role)
    async with engine.begin() as connection:
        await connection.execute(text(statement), row)
    await engine.dispose()


@pytest.fixture
async def health(database: Database) -> AsyncIterator[WayHealth]:
    store = Store(connect(database.settings("professionals"), "professionals"))
    yield WayHealth(store, Clocks())
    await store.close()


@pytest.mark.parametrize(
    ("of_kestrel", "texted", "twilio", "way", "number"),
    [
        (False, None, "normal", "twilio", OWN_NUMBER),
        (True, None, "normal", "twilio", OWN_AT_TWILIO),
        (True, None, "failing", "notify", OWN_AT_NOTIFY),
        (False, NOTIFY_NUMBER, "normal", "notify", NOTIFY_NUMBER),  # it answers a text that came there
        (True, OWN_NUMBER, "normal", "twilio", OWN_NUMBER),
        (True, OWN_AT_NOTIFY, "normal", "notify", OWN_AT_NOTIFY),
        (False, OWN_AT_TWILIO, "normal", "twilio", OWN_AT_TWILIO),
    ],
)
async def test_a_text_goes_out_by_the_number_that_was_texted_or_by_the_authoritys_own(
    outside: Outside, health: WayHealth, kestrel: str, of_kestrel: bool, texted: str | None, twilio: str, way: str,
    number: str,
) -> None:  # fmt: skip
    await health.read()
    channel = both(outside, health)
    await outside.behave("phone-network", mode=twilio)
    await channel.start()
    await channel.send(sending(authority=kestrel if of_kestrel else "another", texted=texted))
    await channel.stop()
    assert [(each, sender) for each, sender, _ in await on_the_air(outside)] == [(way, number)]


@pytest.mark.parametrize(("waits", "way"), [(BACK_WITHIN * 2, "notify"), (BACK_WITHIN / 2, "twilio"), (None, "twilio")])
async def test_a_way_whose_text_to_ourselves_does_not_come_back_is_second(
    database: Database, outside: Outside, health: WayHealth, waits: timedelta | None, way: str
) -> None:
    now = datetime.now(UTC)
    await write(database, "carers", PROBED, now=now, since=None if waits is None else now - waits)
    await health.read()
    channel = both(outside, health)
    await channel.start()
    assert (await channel.send(sending())).way == way
    await channel.stop()
    await write(database, "carers", PROBED, now=now, since=None)


async def test_how_long_a_text_to_ourselves_took_is_shown_until_the_next_is_back(
    database: Database, health: WayHealth
) -> None:
    """Also while the next is being sent, and nothing waits for it yet."""
    now = datetime.now(UTC)
    await write(database, "carers", PROBED, now=now, since=None)
    claimed = "UPDATE delivery.text_ways SET sent_at = :now, came_back_at = :back WHERE way = 'twilio'"
    for sent_at, seconds in ((now - timedelta(seconds=7), 7.0), (now + timedelta(seconds=60), 7.0)):
        await write(database, "carers", claimed, now=sent_at, back=now)
        await health.read()
        assert metrics.WAY_SECONDS.labels("twilio")._value.get() == seconds
    await write(database, "carers", claimed, now=now, back=now)


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    async with all_withdrawn(database, "professionals") as opened:
        yield opened


async def prepare(_: UnitOfWork, delivery: Delivery) -> PreparedMessage:
    return PreparedMessage(CARER, f"Safe Return. OK {delivery.code}", number=CARER)


@pytest.mark.parametrize(
    ("status", "state", "rung"),
    [("delivered", "delivered", 0), ("permanent-failure", "accepted", 1), ("technical-failure", "accepted", 0)],
)
async def test_a_receipt_of_notify_ends_a_text_has_it_rung_or_sent_again(
    outside: Outside, engine: AsyncEngine, keyring: Keyring, status: str, state: str, rung: int
) -> None:
    await outside.behave("phone-network", mode="failing")
    await outside.behave("notify", delivery="none")
    async with running_floor(engine, keyring, both(outside), service="professionals", prepare=prepare) as floor:
        told = received(ProfessionalNotify, role=Role.DUTY_WORKER, channel=Channel.TEXT)
        delivery = await floor.put(told, "texts")
        taken = (await floor.until(delivery.id, "accepted"))["provider_id"]
        await outside.behave("phone-network")
        receipt = {"id": taken, "reference": str(delivery.id), "status": status}
        app = FastAPI()
        answer_with_problems(app, passing=(), passes_by_itself=lambda _: False)
        mount_receipts_route(app, Receipts("professionals", floor.store, floor.clocks), NotifyDoor("status", [BEARER]))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            url, bears = "/texts/notify/receipts", {"Authorization": f"Bearer {BEARER}"}
            assert (await client.post(url, json=receipt)).status_code == 403
            assert (await client.post(url, json=receipt | {"status": ""}, headers=bears)).status_code == 400
            assert (await client.post(url, json=receipt | {"reference": "another's"}, headers=bears)).status_code == 204
            assert (await client.post(url, json=receipt, headers=bears)).status_code == 204
        await eventually(lambda: len(outside.world.calls.to(CARER)) == rung)
        async with asyncio.timeout(45):
            while state == "accepted" and (await floor.row(delivery.id))["provider_id"] == taken:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert (await floor.row(delivery.id))["state"] == state
        said = [each["data"] for each in await floor.said(told.subject) if each["type"] == "delivery.attempted.v1"]
    assert [each.get("way") for each in said] == [
        "notify",
        *([None] if rung else ["twilio"] if state == "accepted" else []),
    ]
