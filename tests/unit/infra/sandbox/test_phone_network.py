"""Texts from people to the application, and the application's texts to people."""

import asyncio
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from twilio.request_validator import RequestValidator

from infra.sandbox import phone_network, webhook_calls
from tests.support.outside.sandbox import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    CARER,
    OWN_NUMBER,
    STAFF,
    Outside,
    Request,
    eventually,
    play_outside_world,
)

INBOUND, STATUS = "/texts/inbound", "/texts/status"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_calls, "RETRY_PAUSES", (0.01,) * 5)
    monkeypatch.setattr(phone_network, "SECONDS_OF_PATIENCE", 0.02)


async def type_text(outside: Outside, body: str, sender: str = CARER) -> str:
    answer = await outside.scripts.post("/texts", json={"from": sender, "body": body})
    assert answer.status_code == 202
    sid: str = answer.json()["sid"]
    return sid


async def send(outside: Outside, body: str, to: str = CARER, **more: str) -> dict[str, Any]:
    form = {"To": to, "From": OWN_NUMBER, "Body": body, "StatusCallback": f"{outside.application.url}{STATUS}"} | more
    path = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    answer = await outside.scripts.post(path, data=form, auth=(ACCOUNT_SID, AUTH_TOKEN))
    created: dict[str, Any] = answer.raise_for_status().json()
    return created


async def text_of(outside: Outside, sid: str) -> dict[str, Any]:
    return next(text for text in await outside.get("/texts") if text["sid"] == sid)


def signed(request: Request) -> bool:
    signature = request.headers["X-Twilio-Signature"]
    valid: bool = RequestValidator(AUTH_TOKEN).validate(request.url, request.form, signature)
    return valid


async def test_a_typed_text_reaches_the_webhook_once_and_the_published_validator_accepts_its_signature(
    outside: Outside,
) -> None:
    sid = await type_text(outside, "MISSING")
    await eventually(lambda: outside.application.at(INBOUND))
    (request,) = outside.application.at(INBOUND)
    assert signed(request)
    assert request.form["MessageSid"] == sid
    assert (request.form["From"], request.form["To"], request.form["Body"]) == (CARER, OWN_NUMBER, "MISSING")
    assert request.form["NumMedia"] == "0"
    await eventually(lambda: outside.world.network.texts.get(sid).answered)  # type: ignore[union-attr]


async def test_a_changed_body_would_not_pass_the_published_validator(outside: Outside) -> None:
    await type_text(outside, "MISSING")
    await eventually(lambda: outside.application.at(INBOUND))
    (request,) = outside.application.at(INBOUND)
    request.form["Body"] = "BACK"
    assert not signed(request)


async def test_blank_fields_and_letters_beyond_ascii_are_sent_and_signed(outside: Outside) -> None:
    await type_text(outside, "  wedi mynd, tŷ gwag 😟 ")
    await eventually(lambda: outside.application.at(INBOUND))
    (request,) = outside.application.at(INBOUND)
    assert request.form["Body"] == "  wedi mynd, tŷ gwag 😟 "
    assert request.form["FromCity"] == ""
    assert signed(request)


async def test_a_refused_webhook_is_repeated_five_times_with_the_same_ids_and_is_taken_at_the_sixth_request(
    outside: Outside,
) -> None:
    outside.application.refusals[INBOUND] = [500, 404, 503, 429, 502]
    sid = await type_text(outside, "MISSING")
    await eventually(lambda: len(outside.application.at(INBOUND)) == 6)
    requests = outside.application.at(INBOUND)
    assert {request.form["MessageSid"] for request in requests} == {sid}
    assert len({request.headers["I-Twilio-Idempotency-Token"] for request in requests}) == 1
    await eventually(lambda: outside.world.network.texts.get(sid).answered)  # type: ignore[union-attr]
    assert (await text_of(outside, sid))["attempts"] == 6


async def test_after_the_retries_the_fallback_url_is_asked_and_told_what_failed() -> None:
    async with play_outside_world(fallback_url="{application}/texts/fallback") as outside:
        outside.application.refusals[INBOUND] = [500] * 100
        await type_text(outside, "MISSING")
        await eventually(lambda: outside.application.at("/texts/fallback"))
        assert len(outside.application.at(INBOUND)) == 6
        (fallback,) = outside.application.at("/texts/fallback")
        assert fallback.form["ErrorCode"] == "11200"
        assert signed(fallback)


async def test_a_patient_network_offers_a_text_again_until_it_is_taken(outside: Outside) -> None:
    outside.application.refusals[INBOUND] = [500] * 9
    sid = await type_text(outside, "MISSING")
    await eventually(lambda: outside.world.network.texts.get(sid).answered)  # type: ignore[union-attr]
    assert len(outside.application.at(INBOUND)) == 10


async def test_a_network_that_is_not_patient_gives_up_after_the_retries_and_says_so(outside: Outside) -> None:
    await outside.behave("phone-network", patient=False)
    outside.application.refusals[INBOUND] = [500] * 9
    sid = await type_text(outside, "MISSING")
    await eventually(lambda: outside.world.network.texts.get(sid).error_code == 11200)  # type: ignore[union-attr]
    await asyncio.sleep(0.1)
    assert len(outside.application.at(INBOUND)) == 6
    assert (await text_of(outside, sid))["answered"] is False


async def test_a_network_that_repeats_offers_a_taken_text_once_more_under_the_same_ids(outside: Outside) -> None:
    await outside.behave("phone-network", repeats=True)
    await type_text(outside, "MISSING")
    await eventually(lambda: len(outside.application.at(INBOUND)) == 2)
    first, second = outside.application.at(INBOUND)
    assert first.form == second.form
    assert first.headers["I-Twilio-Idempotency-Token"] == second.headers["I-Twilio-Idempotency-Token"]


async def test_texts_of_one_sender_arrive_in_order_even_where_the_first_is_refused(outside: Outside) -> None:
    outside.application.refusals[INBOUND] = [500] * 8
    for body in ("one", "two", "three"):
        await type_text(outside, body)
    await eventually(lambda: len(outside.application.at(INBOUND)) == 11)
    bodies = [request.form["Body"] for request in outside.application.at(INBOUND)]
    assert bodies == ["one"] * 9 + ["two", "three"]


async def test_one_sender_who_is_refused_does_not_delay_another(outside: Outside) -> None:
    outside.application.refusals[INBOUND] = [500] * 3
    await type_text(outside, "refused at first", CARER)
    await eventually(lambda: len(outside.application.at(INBOUND)) == 1)
    outside.application.refusals[INBOUND] = []
    sid = await type_text(outside, "taken", STAFF)
    await eventually(lambda: outside.world.network.texts.get(sid).answered)  # type: ignore[union-attr]


@pytest.mark.parametrize(("answer", "error"), [("", None), ("<Response/>", None), ("<Response", 12100)])
async def test_twiml_that_does_not_parse_is_noticed(outside: Outside, answer: str, error: int | None) -> None:
    outside.application.answer = answer
    sid = await type_text(outside, "MISSING")
    await eventually(lambda: outside.world.network.texts.get(sid).answered)  # type: ignore[union-attr]
    assert (await text_of(outside, sid))["error_code"] == error


async def test_a_text_out_is_queued_then_sent_then_delivered_and_each_is_a_signed_callback(outside: Outside) -> None:
    created = await send(outside, "Thank you.")
    assert created["status"] == "queued"
    await eventually(lambda: len(outside.application.at(STATUS)) == 3)
    callbacks = outside.application.at(STATUS)
    assert [callback.form["MessageStatus"] for callback in callbacks] == ["queued", "sent", "delivered"]
    assert all(signed(callback) and callback.form["MessageSid"] == created["sid"] for callback in callbacks)
    assert (await text_of(outside, created["sid"]))["status"] == "delivered"


async def test_a_callback_urls_query_is_asked_for_as_it_was_signed(outside: Outside) -> None:
    url = f"{outside.application.url}{STATUS}?delivery=a%2Fb&name=%7Ex"
    await send(outside, "Thank you.", StatusCallback=f"{url}#rc=5&rp=all")
    await eventually(lambda: outside.application.at(STATUS))
    callback = outside.application.at(STATUS)[0]
    assert callback.url == url
    assert signed(callback)


async def test_callbacks_that_are_refused_are_repeated_and_still_come_in_order(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The retries of "queued" go on for longer than the text takes to be delivered.
    monkeypatch.setattr(webhook_calls, "RETRY_PAUSES", (0.15,) * 5)
    outside.application.refusals[STATUS] = [500, 500, 500]
    await send(outside, "Thank you.", StatusCallback=f"{outside.application.url}{STATUS}#rc=5&rp=all")
    await eventually(lambda: len(outside.application.at(STATUS)) == 6)
    statuses = [callback.form["MessageStatus"] for callback in outside.application.at(STATUS)]
    rank = {"queued": 0, "sent": 1, "delivered": 2}
    assert all(rank[before] <= rank[after] for before, after in pairwise(statuses))
    assert statuses[-1] == "delivered"


@pytest.mark.parametrize(
    ("fragment", "statuses", "requests", "taken"),
    [
        ("", [503], 1, False),
        ("#rc=2&rp=5xx", [503] * 9, 3, False),
        ("#rc=5&rp=5xx,ct", [503, 404], 2, False),
        ("#rc=5&rp=all", [404, 503], 3, True),
        ("#rt=100", [0], 1, False),
        ("#rc=5&rp=5xx,rt&rt=100", [0, 503], 3, True),
    ],
)
async def test_a_failure_is_repeated_only_where_the_urls_fragment_says_so(
    outside: Outside, fragment: str, statuses: list[int], requests: int, taken: bool
) -> None:
    outside.application.refusals[STATUS] = list(statuses)
    async with aiohttp.ClientSession() as session:
        caller = webhook_calls.SignedCaller(session, AUTH_TOKEN)
        answer = await caller.call(f"{outside.application.url}{STATUS}{fragment}", {"MessageSid": "SM1"}, "token")
    asked = outside.application.at(STATUS)
    assert (len(asked), answer is not None) == (requests, taken)
    assert all(each.url.endswith(STATUS) and signed(each) for each in asked)


async def test_an_undelivered_text_carries_the_error_code_that_was_set(outside: Outside) -> None:
    await outside.behave("phone-network", delivery="undelivered", error_code=30005)
    created = await send(outside, "Thank you.")
    await eventually(lambda: len(outside.application.at(STATUS)) == 3)
    last = outside.application.at(STATUS)[-1]
    assert (last.form["MessageStatus"], last.form["ErrorCode"]) == ("undelivered", "30005")
    assert (await text_of(outside, created["sid"]))["error_code"] == 30005


async def test_with_no_delivery_nothing_is_heard_after_sent(outside: Outside) -> None:
    await outside.behave("phone-network", delivery="none")
    await send(outside, "Thank you.")
    await eventually(lambda: len(outside.application.at(STATUS)) == 2)
    await asyncio.sleep(0.3)
    assert [one.form["MessageStatus"] for one in outside.application.at(STATUS)] == ["queued", "sent"]


async def test_a_text_that_outlives_its_validity_is_not_delivered(outside: Outside) -> None:
    await outside.behave("phone-network", mode="slow", delay_seconds=1.2)
    created = await send(outside, "Thank you.", ValidityPeriod="1")
    await eventually(lambda: outside.world.network.texts.get(created["sid"]).error_code == 30036)  # type: ignore[union-attr]


async def test_threads_and_since_show_only_what_was_asked_for(outside: Outside) -> None:
    await type_text(outside, "one", CARER)
    await type_text(outside, "two", STAFF)
    await type_text(outside, "three", CARER)
    assert [text["body"] for text in await outside.get("/texts", number=CARER)] == ["one", "three"]
    assert [text["body"] for text in await outside.get("/texts", since=1)] == ["two", "three"]
    assert (await outside.scripts.get(f"/texts?number={CARER}&since=1")).json()[0]["body"] == "three"
    assert [text["body"] for text in await outside.get("/texts", number=CARER, since=1)] == ["three"]


@pytest.mark.parametrize("wrong", [{"from": "07700900101"}, {"from": "+447700900101x"}, {}])
async def test_a_text_from_what_is_no_number_is_refused_with_the_field_named(
    outside: Outside, wrong: dict[str, str]
) -> None:
    answer = await outside.scripts.post("/texts", json={"body": "MISSING"} | wrong)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][-1] == "from"
