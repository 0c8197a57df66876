"""Texts through the played phone network, which speaks Twilio's protocol: lost answers, refusals, reports, signatures."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine
from twilio.request_validator import RequestValidator

from services.platform.delivery.channels import sms as texts
from services.platform.delivery.channels.channel import SendRequest, SendResult
from services.platform.delivery.channels.sms import REPEAT_MARK, STRANGERS_ANSWER_WITHIN, TwilioWay, signature_is_valid
from services.platform.delivery.channels.text_ways import Texts
from services.platform.delivery.model import Delivery, PreparedMessage
from services.platform.delivery.sending.attempt import Prepare
from services.platform.delivery.sms_status.receipts import AFTER, SOON_AFTER, Receipts, VoiceFallback
from services.platform.delivery.sms_status.webhook import CallKeys, TwilioDoor, mount_status_route
from services.platform.runtime.problems import answer_with_problems
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.professionals.wording import CALLED
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.duty.duties import ProfessionalNotify
from services.safeguarding.roles import Channel, Role, Wording
from tests.support.engines.database import Database
from tests.support.in_process.delivery import Floor, all_withdrawn, received, running_floor
from tests.support.outside.sandbox import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    CARER,
    LANDLINE,
    OWN_NUMBER,
    Outside,
    eventually,
    play_outside_world,
)
from tests.support.tables import deliveries

PUBLIC = "https://texts.safe-return.example"
TOKENS = ("new-token", AUTH_TOKEN)


def sending(number: str = CARER, *, uncertain: bool = False, body: str | None = None) -> SendRequest:
    now = datetime.now(UTC)
    return SendRequest(
        id=uuid4(), attempt=1, recipient=number, body=body or f"Safe Return. OK {uuid4().hex[:5]}", secrets=(),
        urgent=True, uncertain=uncertain, created_at=now, now=now,
    )  # fmt: skip


def by_twilio(base_url: str, tokens: Sequence[str] = (AUTH_TOKEN,), *, public_url: str = PUBLIC) -> Texts:
    """The one way where there is no second."""
    return Texts(
        TwilioWay(
            account_sid=ACCOUNT_SID, tokens=lambda: tokens, number=OWN_NUMBER, public_url=public_url, base_url=base_url
        )
    )


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    async with play_outside_world() as played:
        yield played


@pytest.fixture
def not_started(outside: Outside) -> Texts:
    return by_twilio(outside.url, public_url=outside.application.url)


@pytest.fixture
async def medium(not_started: Texts) -> AsyncIterator[Texts]:
    await not_started.start()
    yield not_started
    await not_started.stop()


async def bodies(outside: Outside) -> list[str]:
    return [each["body"] for each in await outside.get("/texts")]


async def test_one_that_is_started_again_sends_again(not_started: Texts) -> None:
    for _ in range(2):
        await not_started.start()
        assert (await not_started.send(sending())).result is AttemptResult.ACCEPTED
        await not_started.stop()


async def test_a_text_goes_out_and_its_reports_name_the_delivery(outside: Outside, medium: Texts) -> None:
    text = sending()
    answer = await medium.send(text)
    assert answer.result is AttemptResult.ACCEPTED
    assert answer.provider_id is not None
    await eventually(lambda: len(outside.application.requests) == 3)
    reports = outside.application.at("/texts/status")
    assert {report.form["MessageStatus"] for report in reports} == {"queued", "sent", "delivered"}
    assert all(report.url.endswith(f"/texts/status?delivery={text.id}") for report in reports)


async def test_a_report_that_we_could_not_take_comes_again(outside: Outside, medium: Texts) -> None:
    outside.application.refusals["/texts/status"] = [503, 503, 503]
    await medium.send(sending())
    await eventually(lambda: len(outside.application.requests) == 6)
    assert outside.application.requests[-1].form["MessageStatus"] == "delivered"


@pytest.mark.parametrize(("urgent", "seconds"), [(True, 300), (False, 36_000)])
async def test_an_urgent_text_is_soon_given_up_by_the_network_so_that_another_way_is_tried(
    outside: Outside, medium: Texts, urgent: bool, seconds: int
) -> None:
    await medium.send(replace(sending(), urgent=urgent))
    [sent] = outside.world.network.texts.newest_first()
    assert sent.validity_seconds == seconds


async def test_a_lost_answer_is_unknown_and_found_again_in_twilios_list(
    outside: Outside, medium: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "TOTAL_SECONDS", 0.5)
    await outside.behave("phone-network", mode="lost-answer")
    text = sending()
    assert (await medium.send(text)).result is AttemptResult.UNKNOWN
    await outside.behave("phone-network", mode="normal")
    answer = await medium.send(replace(text, uncertain=True))
    assert answer.result is AttemptResult.ACCEPTED
    assert answer.provider_id is not None
    assert (await bodies(outside)).count(text.body) == 1
    assert len(await bodies(outside)) == 1


async def test_what_twilio_never_had_is_sent_again_marked_as_a_possible_repeat(outside: Outside, medium: Texts) -> None:
    text = sending(uncertain=True)
    assert (await medium.send(text)).result is AttemptResult.ACCEPTED
    assert await bodies(outside) == [REPEAT_MARK + text.body]


async def test_another_text_to_the_same_number_is_not_taken_for_the_lost_one(outside: Outside, medium: Texts) -> None:
    await medium.send(sending())
    lost = sending(uncertain=True)
    await medium.send(lost)
    assert (await bodies(outside))[-1] == REPEAT_MARK + lost.body


async def test_a_text_of_last_week_with_the_same_words_is_not_taken_for_the_lost_one(
    outside: Outside, medium: Texts
) -> None:
    text = sending(body="the same words")
    await medium.send(text)
    later = replace(sending(body="the same words", uncertain=True), created_at=datetime.now(UTC) + timedelta(days=7))
    await medium.send(later)
    assert len(await bodies(outside)) == 2


async def test_while_twilio_cannot_be_asked_nobody_knows(
    outside: Outside, medium: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "TOTAL_SECONDS", 0.5)
    await outside.behave("phone-network", mode="failing")
    assert (await medium.send(sending(uncertain=True))).result is AttemptResult.UNKNOWN


async def test_twilios_own_error_is_tried_again(outside: Outside, medium: Texts) -> None:
    await outside.behave("phone-network", mode="failing")
    assert await medium.send(sending()) == SendResult(AttemptResult.RETRY, 20500)


async def test_throttling_says_when_to_come_back(outside: Outside, medium: Texts) -> None:
    await outside.behave("phone-network", mode="throttled", retry_after_seconds=9)
    assert await medium.send(sending()) == SendResult(AttemptResult.RETRY, 429, retry_after=timedelta(seconds=9))


async def test_a_person_who_opted_out_is_not_texted(outside: Outside, medium: Texts) -> None:
    outside.world.network.opted_out.add(CARER)
    assert await medium.send(sending()) == SendResult(AttemptResult.REFUSED, 21610, reason="opted-out")


async def test_a_number_that_is_none_is_refused(medium: Texts) -> None:
    answer = await medium.send(sending("+44"))
    assert (answer.result, answer.reason) == (AttemptResult.REFUSED, "no-address")


async def test_wrong_credentials_are_tried_again_until_they_are_mended_and_nothing_restarts(outside: Outside) -> None:
    tokens = ["wrong"]
    texts = by_twilio(outside.url, tokens)
    await texts.start()
    assert (await texts.send(sending())).result is AttemptResult.RETRY
    tokens[:] = [AUTH_TOKEN, "wrong"]
    assert (await texts.send(sending())).result is AttemptResult.ACCEPTED
    await texts.stop()


async def test_nobody_at_the_other_end_is_tried_again() -> None:
    nowhere = by_twilio("http://127.0.0.1:9")
    await nowhere.start()
    assert (await nowhere.send(sending())).result is AttemptResult.RETRY
    await nowhere.stop()


def signed(url: str, form: dict[str, str], token: str = AUTH_TOKEN) -> str:
    return str(RequestValidator(token).compute_signature(url, form))


FORM_TYPE = {"content-type": "application/x-www-form-urlencoded"}
FORM = {"MessageSid": "SM1", "Body": "", "From": CARER}
URL = f"{PUBLIC}/texts/status?delivery=1"


@pytest.mark.parametrize("token", TOKENS)
def test_primary_and_alternate_token_are_good(token: str) -> None:
    assert signature_is_valid(URL, FORM, signed(URL, FORM, token), TOKENS)


@pytest.mark.parametrize(
    ("url", "form", "signature"),
    [
        (URL, FORM, None),
        (URL, FORM, ""),
        (URL, FORM, "é"),
        (URL, FORM, signed(URL, FORM, "stolen")),
        (URL.replace("https", "http"), FORM, signed(URL, FORM)),
        (URL + "2", FORM, signed(URL, FORM)),
        (URL, FORM | {"From": "+447700900999"}, signed(URL, FORM)),
        (URL, {"MessageSid": "SM1", "From": CARER}, signed(URL, FORM | {"Body": "x"})),
        (URL, FORM | {"Extra": "1"}, signed(URL, FORM)),
    ],
)
def test_anything_else_is_not(url: str, form: dict[str, str], signature: str | None) -> None:
    assert not signature_is_valid(url, form, signature, TOKENS)


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    async with all_withdrawn(database, "professionals") as opened:
        yield opened


async def prepare_to_carer(_: UnitOfWork, delivery: Delivery) -> PreparedMessage:
    return PreparedMessage(CARER, f"Safe Return. OK {delivery.code}", number=CARER)


async def prepare_to_landline(_: UnitOfWork, delivery: Delivery) -> PreparedMessage:
    return PreparedMessage(LANDLINE, f"Safe Return. OK {delivery.code}", number=LANDLINE)


def told(**about: Any) -> Any:
    return received(ProfessionalNotify, role=Role.DUTY_WORKER, channel=Channel.TEXT, **about)


def door(floor: Floor) -> httpx.AsyncClient:
    app = FastAPI()
    answer_with_problems(app, passing=(), passes_by_itself=lambda _: False)
    receipts = Receipts("professionals", floor.store, floor.clocks)
    keys = CallKeys(floor.store, floor.clocks, floor.keyring, PUBLIC)
    mount_status_route(
        app, receipts, keys, TwilioDoor("status", public_url=PUBLIC, tokens=lambda: TOKENS, accounts={ACCOUNT_SID})
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC)


async def report(client: httpx.AsyncClient, delivery: object, sid: str, status: str, **more: str) -> int:
    form = {"MessageSid": sid, "MessageStatus": status} | more
    url = f"{PUBLIC}/texts/status?delivery={delivery}"
    answer = await client.post(url, data=form, headers={"X-Twilio-Signature": signed(url, form)})
    return answer.status_code


async def report_call(client: httpx.AsyncClient, delivery: object, sid: str, status: str, **more: str) -> int:
    form = {"CallSid": sid, "CallStatus": status} | more
    url = f"{PUBLIC}/texts/status?delivery={delivery}"
    answer = await client.post(url, data=form, headers={"X-Twilio-Signature": signed(url, form)})
    return answer.status_code


async def press(client: httpx.AsyncClient, delivery: object, key: str, **headers: str) -> httpx.Response:
    form, url = {"CallSid": "CA1", "Digits": key}, f"{PUBLIC}/calls/keys?delivery={delivery}"
    return await client.post(url, data=form, headers={"X-Twilio-Signature": signed(url, form)} | headers)


class Texted(NamedTuple):
    """A duty whose text or call the provider has taken as `sid`, and the door at which it reports."""

    floor: Floor
    duty: Any
    delivery: UUID
    sid: str
    client: httpx.AsyncClient


@asynccontextmanager
async def texted(engine: AsyncEngine, keyring: Keyring, medium: Texts, prepare: Prepare) -> AsyncIterator[Texted]:
    async with running_floor(engine, keyring, medium, service="professionals", prepare=prepare) as floor:
        duty = told()
        delivery = await floor.put(duty, "texts")
        sid = (await floor.until(delivery.id, "accepted"))["provider_id"]
        async with door(floor) as client:
            yield Texted(floor, duty, delivery.id, sid, client)


@pytest.mark.parametrize(
    ("keys", "outcomes", "last_said"),
    [
        ("1", ["duty.acknowledged.v1"], "Your OK is recorded"),
        ("11", ["duty.acknowledged.v1"], "Your OK is recorded"),
        ("2", ["duty.failed.v1"], "next person is asked now"),
        ("22", ["duty.failed.v1"], "next person is asked now"),
        ("21", ["duty.failed.v1", "duty.acknowledged.v1"], "Your OK is recorded"),
        ("12", ["duty.acknowledged.v1"], "Your OK is recorded"),
        ("9", [], "Press 9 to hear it again"),
    ],
)
async def test_a_key_in_a_call_answers_once_and_is_told_so(
    engine: AsyncEngine, keyring: Keyring, not_started: Texts, keys: str, outcomes: list[str], last_said: str
) -> None:
    async with texted(engine, keyring, not_started, prepare_to_landline) as (floor, duty, delivery, _, client):
        said = [(await press(client, delivery, key)).text for key in keys][-1]
        answers = [each["data"] | {"type": each["type"]} for each in await floor.said(duty.subject)]
    assert last_said in said
    told_of = [each for each in answers if each["type"] in {"duty.acknowledged.v1", "duty.failed.v1"}]
    assert [each["type"] for each in told_of] == outcomes
    assert {each.get("how", each.get("reason")) for each in told_of} <= {"call", "declined"}


async def test_who_cannot_take_it_stays_so_when_the_call_is_over(
    engine: AsyncEngine, keyring: Keyring, not_started: Texts
) -> None:
    """Else the next step would ask them again before anybody else."""
    async with texted(engine, keyring, not_started, prepare_to_landline) as (floor, duty, delivery, sid, client):
        await press(client, delivery, "2")
        assert await report_call(client, delivery, sid, "completed", AnsweredBy="human") == 204
        assert (await floor.row(delivery))["state"] == "failed"
        assert "duty.delivered.v1" not in await floor.kinds_said(duty.subject)


async def test_only_twilio_presses_a_key_and_of_a_call_nobody_knows_nothing_is_said(
    engine: AsyncEngine, keyring: Keyring, not_started: Texts
) -> None:
    async with texted(engine, keyring, not_started, prepare_to_carer) as (floor, duty, delivery, _, client):
        forged = await press(client, delivery, "1", **{"X-Twilio-Signature": "wrong"})
        assert forged.status_code == 403
        assert (await press(client, "nonsense", "1")).status_code == 400
        assert "This is over" in (await press(client, uuid4(), "1")).text
        assert "duty.acknowledged.v1" not in await floor.kinds_said(duty.subject)


async def test_a_report_of_arrival_is_said_once_whatever_order_reports_come_in(
    engine: AsyncEngine, keyring: Keyring, not_started: Texts
) -> None:
    async with texted(engine, keyring, not_started, prepare_to_carer) as (floor, duty, delivery, sid, client):
        for status in ("delivered", "queued", "sent", "delivered"):
            assert await report(client, delivery, sid, status) == 204
        kinds = await floor.kinds_said(duty.subject)
        assert (await floor.row(delivery))["state"] == "delivered"
    assert kinds.count("duty.delivered.v1") == 1


async def test_a_text_that_did_not_arrive_is_read_out_by_a_call_and_then_sends_the_protocol_to_the_next_person(
    engine: AsyncEngine, keyring: Keyring, not_started: Texts
) -> None:
    async with texted(engine, keyring, not_started, prepare_to_landline) as (floor, duty, delivery, sid, client):
        await report(client, delivery, sid, "undelivered", ErrorCode="30006")
        await report(client, delivery, sid, "undelivered", ErrorCode="30006")
        call = (await floor.until(delivery, "accepted"))["provider_id"]
        assert "duty.failed.v1" not in await floor.kinds_said(duty.subject)
        assert await report_call(client, delivery, call, "no-answer") == 204
        said = await floor.said(duty.subject)
    assert call.startswith("CA")
    assert [each["data"]["reason"] for each in said if each["type"] == "duty.failed.v1"] == ["undeliverable"]
    attempts = [each["data"]["medium"] for each in said if each["type"] == "delivery.attempted.v1"]
    assert attempts == ["text", "voice"]


async def test_a_call_that_a_person_answers_counts_as_arrived_and_a_machine_does_not(
    engine: AsyncEngine, keyring: Keyring, not_started: Texts
) -> None:
    async with running_floor(engine, keyring, not_started, service="professionals", prepare=prepare_to_carer) as floor:
        ends = []
        for answered_by in ("human", "machine_start"):
            delivery = await floor.put(told(), "texts")
            sid = (await floor.until(delivery.id, "accepted"))["provider_id"]
            async with door(floor) as client:
                await report(client, delivery.id, sid, "undelivered", ErrorCode="30003")
                call = (await floor.until(delivery.id, "accepted"))["provider_id"]
                await report_call(client, delivery.id, call, "completed", AnsweredBy=answered_by)
            ends.append((await floor.row(delivery.id))["state"])
    assert ends == ["delivered", "failed"]


async def test_a_text_of_which_nothing_is_heard_for_two_minutes_is_read_out_by_a_call(
    outside: Outside, engine: AsyncEngine, keyring: Keyring, not_started: Texts
) -> None:
    async with running_floor(engine, keyring, not_started, service="professionals", prepare=prepare_to_carer) as floor:
        second_route = VoiceFallback("professionals", floor.store, floor.clocks)
        delivery, over = await floor.put(told(), "texts"), told()
        withdrawn = await floor.put(over, "texts")
        for each in (delivery, withdrawn):
            await floor.until(each.id, "accepted")
        await floor.withdraw(over)
        await second_route.turn()
        assert await outside.get("/calls") == []
        async with engine.begin() as connection:
            long_ago = floor.clocks.wall() - AFTER - timedelta(seconds=1)
            await connection.execute(
                update(deliveries).where(deliveries.c.state == "accepted").values(changed_at=long_ago)
            )
        await second_route.turn()
        assert (await floor.until(delivery.id, "accepted"))["provider_id"].startswith("CA")
        await second_route.turn()
        [call] = await outside.get("/calls")
    assert (call["to"], "Safe Return. OK" in call["says"]) == (CARER, True)


async def test_a_text_of_danger_is_read_out_by_a_call_although_it_arrived_unless_somebody_answers_first(
    outside: Outside, engine: AsyncEngine, keyring: Keyring, not_started: Texts
) -> None:
    async with running_floor(engine, keyring, not_started, service="professionals", prepare=prepare_to_carer) as floor:
        second_route = VoiceFallback("professionals", floor.store, floor.clocks, CALLED)
        danger, answered, other = (
            told(wording=Wording(each)) for each in ("danger-texted", "carer-unclear", "watch-known")
        )
        deliveries_put = [await floor.put(each, "texts") for each in (danger, answered, other)]
        async with door(floor) as client:
            for each in deliveries_put:
                sid = (await floor.until(each.id, "accepted"))["provider_id"]
                await report(client, each.id, sid, "delivered")
            await press(client, deliveries_put[1].id, "1")
            await second_route.turn()
            assert await outside.get("/calls") == []
            async with engine.begin() as connection:
                before = floor.clocks.wall() - SOON_AFTER - timedelta(seconds=1)
                await connection.execute(update(deliveries).values(changed_at=before))
            await second_route.turn()
            call = (await floor.until(deliveries_put[0].id, "accepted"))["provider_id"]
            await second_route.turn()
            assert len(await outside.get("/calls")) == 1
            await report_call(client, deliveries_put[0].id, call, "no-answer")
        kinds = await floor.kinds_said(danger.subject)
        states = [(await floor.row(each.id))["state"] for each in deliveries_put[1:]]
    assert call.startswith("CA")
    assert "duty.failed.v1" in kinds, "nobody picks up: the next person is told"
    assert states == ["acknowledged", "delivered"]


@pytest.mark.parametrize("code", ["30006", "30001"])
async def test_a_withdrawn_text_that_did_not_arrive_is_neither_read_out_nor_sent_anew(
    outside: Outside, engine: AsyncEngine, keyring: Keyring, not_started: Texts, code: str
) -> None:
    """30006 would be cured by a call, 30001 passes by itself."""
    async with running_floor(engine, keyring, not_started, service="professionals", prepare=prepare_to_carer) as floor:
        duty = told()
        delivery = await floor.put(duty, "texts")
        before = await floor.until(delivery.id, "accepted")
        await floor.withdraw(duty)
        assert (await floor.row(delivery.id))["changed_at"] == before["changed_at"]
        async with door(floor) as client:
            assert await report(client, delivery.id, before["provider_id"], "undelivered", ErrorCode=code) == 204
        row = await floor.row(delivery.id)
        said = await floor.kinds_said(duty.subject)
    assert row["state"] == "failed"
    assert said[-1] == "duty.failed.v1"
    assert await outside.get("/calls") == []


async def test_a_number_that_no_text_reaches_is_rung_at_once(
    outside: Outside, medium: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = SendResult(AttemptResult.REFUSED, 21614, reason="undeliverable", by_voice=True)

    async def refuse(_: SendRequest, __: str | None) -> SendResult:
        return refused

    monkeypatch.setattr(medium.ways[0], "text", refuse)
    answer = await medium.send(sending())
    assert (answer.result, answer.medium) == (AttemptResult.ACCEPTED, "voice")
    assert await medium.send(replace(sending(), urgent=False)) == refused
    assert len(await outside.get("/calls")) == 1


@pytest.mark.parametrize("code", [21614, 30003])
async def test_a_phone_that_may_be_a_childs_is_never_rung(
    outside: Outside, medium: Texts, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    refused = SendResult(AttemptResult.REFUSED, code, reason="undeliverable", by_voice=True)

    async def refuse(_: SendRequest, __: str | None) -> SendResult:
        return refused

    monkeypatch.setattr(medium.ways[0], "text", refuse)
    assert await medium.send(replace(sending(), to_stranger=True)) == refused
    assert await outside.get("/calls") == []


async def test_the_answer_to_an_unknown_phone_goes_out_within_minutes_or_not_at_all(
    outside: Outside, medium: Texts
) -> None:
    answer = replace(sending(), to_stranger=True)
    late = replace(answer, now=answer.created_at + STRANGERS_ANSWER_WITHIN + timedelta(seconds=1))
    assert await medium.send(late) == SendResult(AttemptResult.REFUSED, reason="undeliverable")
    assert await bodies(outside) == []
    assert (await medium.send(answer)).result is AttemptResult.ACCEPTED
    assert (await medium.send(replace(late, to_stranger=False))).result is AttemptResult.ACCEPTED


@pytest.mark.parametrize("person", [None, "person-1"])
async def test_only_a_reply_to_somebody_whom_nobody_knows_is_one_to_a_stranger(
    outside: Outside, engine: AsyncEngine, keyring: Keyring, not_started: Texts, person: str | None
) -> None:
    await outside.behave("phone-network", mode="failing")
    async with running_floor(engine, keyring, not_started, service="professionals") as floor:
        long_ago = floor.clocks.wall() - STRANGERS_ANSWER_WITHIN - timedelta(seconds=1)
        reply = Delivery(
            uuid4(), "texts", f"child-{uuid4()}", long_ago, person=person, to_number=CARER, body="An answer (2B2B2)"
        )
        async with floor.store.transaction() as uow:
            await floor.loop.put(uow, reply)
        await floor.until(reply.id, "failed" if person is None else "waiting")


@pytest.mark.parametrize("seconds_old", [0.0, 2.0])
async def test_a_call_whose_answer_was_lost_is_found_again(
    outside: Outside, medium: Texts, monkeypatch: pytest.MonkeyPatch, seconds_old: float
) -> None:
    """Twilio tells when it was made in whole seconds: the parcel's own second began before the parcel."""
    monkeypatch.setattr(texts, "TOTAL_SECONDS", 0.5)
    await outside.behave("phone-network", mode="lost-answer")
    ringing = replace(sending(), by_voice=True, created_at=datetime.now(UTC) - timedelta(seconds=seconds_old))
    assert (await medium.send(ringing)).result is AttemptResult.UNKNOWN
    await outside.behave("phone-network", mode="normal")
    assert (await medium.send(replace(ringing, uncertain=True))).result is AttemptResult.ACCEPTED
    assert len(await outside.get("/calls")) == 1


async def test_the_phone_network_tells_how_a_call_went(outside: Outside, medium: Texts) -> None:
    await outside.behave("phone-network", calls="machine")
    ringing = replace(sending(), by_voice=True)
    await medium.send(ringing)
    await eventually(lambda: len(outside.application.requests) == 3)
    reports = outside.application.at("/texts/status")
    assert [each.form["CallStatus"] for each in reports] == ["ringing", "in-progress", "completed"]
    assert reports[-1].form["AnsweredBy"] == "machine_start"
    assert all(each.url.endswith(f"/texts/status?delivery={ringing.id}") for each in reports)


@pytest.mark.parametrize(
    ("code", "leads_to"),
    [
        ("21610", "failed opted-out"), ("21211", "failed no-address"), ("21611", "again"), ("30001", "again"),
        ("30003", "call"), ("30004", "call"), ("30005", "call"), ("30006", "call"), ("30007", "call"), ("30008", "again"),
        ("30036", "call"), ("63018", "again"), ("20429", "again"),
    ],
)  # fmt: skip
async def test_each_error_that_the_network_reports_leads_to_another_try_a_call_or_the_next_person(
    engine: AsyncEngine, keyring: Keyring, not_started: Texts, code: str, leads_to: str
) -> None:
    async with running_floor(engine, keyring, not_started, service="professionals", prepare=prepare_to_carer) as floor:
        duty = told()
        delivery = await floor.put(duty, "texts")
        sid = (await floor.until(delivery.id, "accepted"))["provider_id"]
        async with door(floor) as client:
            assert await report(client, delivery.id, sid, "undelivered", ErrorCode=code) == 204
        row = await floor.row(delivery.id)
        failed = [each["data"]["reason"] for each in await floor.said(duty.subject) if each["type"] == "duty.failed.v1"]
    if leads_to.startswith("failed"):
        assert failed == [leads_to.removeprefix("failed ")]
    else:
        assert failed == []
        assert row["by_voice"] is (leads_to == "call")


async def test_a_failure_that_passes_is_sent_again_under_another_message_id(
    engine: AsyncEngine, keyring: Keyring, not_started: Texts
) -> None:
    async with running_floor(engine, keyring, not_started, service="professionals", prepare=prepare_to_carer) as floor:
        duty = told()
        delivery = await floor.put(duty, "texts")
        sid = (await floor.until(delivery.id, "accepted"))["provider_id"]
        async with door(floor) as client:
            await report(client, delivery.id, sid, "undelivered", ErrorCode="30001")
            again = await floor.until(delivery.id, "accepted")
            await report(client, delivery.id, sid, "delivered")
        assert again["provider_id"] != sid
        assert (await floor.row(delivery.id))["state"] == "accepted"


async def test_a_report_for_another_account_and_one_with_two_signatures_are_refused(
    engine: AsyncEngine, keyring: Keyring, not_started: Texts
) -> None:
    async with running_floor(engine, keyring, not_started, service="professionals") as floor, door(floor) as client:
        assert await report(client, uuid4(), "SM1", "delivered", AccountSid=ACCOUNT_SID) == 204
        assert await report(client, uuid4(), "SM1", "delivered", AccountSid="AC" + "9" * 32) == 403
        url = f"{PUBLIC}/texts/status?delivery=1"
        twice = [("X-Twilio-Signature", signed(url, FORM))] * 2
        assert (await client.post(url, data=FORM, headers=twice)).status_code == 400


@pytest.mark.parametrize(
    ("delivery", "sid", "status"),
    [("", "SM1", 400), ("not-a-uuid", "SM1", 400), (str(uuid4()), "", 400), (str(uuid4()), "SM1", 204)],
    ids=["no delivery", "no id", "no text", "nobody's"],
)
async def test_a_signed_report_that_names_no_delivery_or_no_text_shows_at_twilio_and_one_of_nobody_s_passes(
    engine: AsyncEngine, keyring: Keyring, not_started: Texts, delivery: str, sid: str, status: int
) -> None:
    async with running_floor(engine, keyring, not_started, service="professionals") as floor, door(floor) as client:
        assert await report(client, delivery, sid, "delivered") == status


async def test_an_unsigned_report_is_refused(engine: AsyncEngine, keyring: Keyring, not_started: Texts) -> None:
    async with running_floor(engine, keyring, not_started, service="professionals") as floor, door(floor) as client:
        answer = await client.post(f"{PUBLIC}/texts/status?delivery=1", data=FORM)
        too_long = await client.post(
            f"{PUBLIC}/texts/status?delivery=1", content=b"a=" + b"x" * 70_000, headers=FORM_TYPE
        )
        not_utf8 = await client.post(f"{PUBLIC}/texts/status?delivery=1", content=b"a=\xff\xfe", headers=FORM_TYPE)
        no_form = await client.post(f"{PUBLIC}/texts/status?delivery=1", json=FORM)
    assert [each.status_code for each in (answer, too_long, not_utf8, no_form)] == [403, 413, 403, 415]
    assert answer.headers["content-type"] == "application/problem+json"
