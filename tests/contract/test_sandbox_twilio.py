"""The sandbox's Twilio, against Twilio's own OpenAPI document and its published client."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.testing import MockRequest, MockResponse
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from infra.sandbox import phone_network
from tests.support.outside.sandbox import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    CARER,
    LANDLINE,
    OWN_NUMBER,
    Outside,
    play_outside_world,
)

CONTRACT = Path(__file__).parents[3] / "shared" / "data" / "twilio" / "twilio_messages.json"


class WatchedClient(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's own HTTP client, which also checks every request and answer against Twilio's document."""

    def __init__(self, contract: OpenAPI) -> None:
        super().__init__(pool_connections=False, timeout=30)
        self.contract = contract
        self.checked = 0

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        response = super().request(method, url, *args, **kwargs)
        self._check(method, url, kwargs or dict(zip(("params", "data"), args, strict=False)), response)
        return response

    def _check(self, method: str, url: str, sent: dict[str, Any], response: Response) -> None:
        asked, answered = seen_request(method, url, sent), seen_response(response)
        self.contract.validate_request(asked)
        if response.status_code < 400:  # the document describes no refusals
            self.contract.validate_response(asked, answered)
        self.checked += 1


def seen_request(method: str, url: str, sent: dict[str, Any]) -> MockRequest:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query)) | {name: str(value) for name, value in (sent.get("params") or {}).items()}
    form = urlencode({name: value for name, value in (sent.get("data") or {}).items() if value is not None})
    request = MockRequest(
        "https://api.twilio.com",
        method.lower(),
        parts.path,
        args=query,
        data=form.encode() or None,
        content_type="application/x-www-form-urlencoded",
        headers={"Authorization": "Basic checked-by-the-sandbox"},
    )
    assert isinstance(request.parameters, RequestParameters)
    return request


def seen_response(response: Response) -> MockResponse:
    return MockResponse(response.text.encode(), response.status_code, {}, response.headers.get("content-type", ""))


@pytest.fixture(scope="session")
def contract() -> OpenAPI:
    if not CONTRACT.exists():
        pytest.skip(f"Twilio's OpenAPI document is not here: {CONTRACT}")
    # Twilio calls its own paths (`uri`, `next_page_uri`) URIs, which a strict reading of the format refuses.
    anything_as_uri = Config(extra_format_validators={"uri": lambda _: True})
    return OpenAPI.from_dict(json.loads(CONTRACT.read_text()), config=anything_as_uri)


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    async with play_outside_world() as playing:
        yield playing


@pytest.fixture
def http_client(contract: OpenAPI) -> WatchedClient:
    return WatchedClient(contract)


@pytest.fixture
def twilio(outside: Outside, http_client: WatchedClient) -> Client:
    client = Client(ACCOUNT_SID, AUTH_TOKEN, http_client=http_client)
    client.api.base_url = outside.url
    return client


async def create(twilio: Client, body: str = "Thank you.", **more: Any) -> Any:
    asked = {"to": CARER, "from_": OWN_NUMBER, "body": body} | more
    return await asyncio.to_thread(twilio.messages.create, **asked)


async def ended(twilio: Client, created: Any) -> Any:
    """The message, once it has arrived or been given up."""
    async with asyncio.timeout(30):
        while True:
            fetched = await asyncio.to_thread(twilio.messages(created.sid).fetch)
            if fetched.status in {"delivered", "undelivered"}:
                return fetched
            await asyncio.sleep(0.05)


async def refused(ask: Callable[[], Any]) -> TwilioRestException:
    with pytest.raises(TwilioRestException) as refusal:
        await asyncio.to_thread(ask)
    return refusal.value


async def test_the_published_client_creates_a_message_in_the_published_shape(
    twilio: Client, http_client: WatchedClient
) -> None:
    message = await create(twilio, "a" * 161, status_callback="http://127.0.0.1:9/texts/status", validity_period=600)
    assert (message.status, message.direction, message.num_segments) == ("queued", "outbound-api", "2")
    assert message.sid.startswith("SM")
    assert len(message.sid) == 34
    assert http_client.checked == 1


async def test_a_message_is_fetched_with_times_that_the_client_can_read(twilio: Client) -> None:
    fetched = await ended(twilio, await create(twilio))
    assert fetched.status == "delivered"
    assert abs(datetime.now(UTC) - fetched.date_sent) < timedelta(seconds=10)


async def test_messages_are_listed_newest_first_by_recipient_and_exact_body_can_be_found(twilio: Client) -> None:
    for body in ("one", "two", "three"):
        await create(twilio, body)
    await create(twilio, "to somebody else", to="+447700900102")
    since = datetime.now(UTC) - timedelta(minutes=1)
    listed = await asyncio.to_thread(twilio.messages.list, to=CARER, from_=OWN_NUMBER, date_sent_after=since)
    assert [message.body for message in listed] == ["three", "two", "one"]


async def test_pages_follow_each_other_without_a_gap_while_new_messages_come_in(
    twilio: Client, http_client: WatchedClient
) -> None:
    for number in range(5):
        await create(twilio, str(number))
    first = await asyncio.to_thread(twilio.messages.page, page_size=2)
    seen = [message.body for message in first]
    await create(twilio, "newer")
    second = await asyncio.to_thread(first.next_page)
    third = await asyncio.to_thread(second.next_page)
    seen += [message.body for page in (second, third) for message in page]
    assert seen == ["4", "3", "2", "1", "0"]
    assert await asyncio.to_thread(third.next_page) is None
    assert http_client.checked == 9


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"date_sent": lambda: datetime.now(UTC).date()}, 1),
        ({"date_sent_before": lambda: datetime.now(UTC) - timedelta(days=1)}, 0),
        ({"date_sent_after": lambda: datetime.now(UTC) + timedelta(hours=1)}, 0),
        ({"to": lambda: "+447700900777"}, 0),
    ],
)
async def test_lists_are_filtered_by_date_and_number(
    twilio: Client, filters: dict[str, Callable[[], Any]], found: int
) -> None:
    await create(twilio)
    asked = {name: value() for name, value in filters.items()}
    assert len(await asyncio.to_thread(twilio.messages.list, **asked)) == found


async def test_a_queued_message_can_be_cancelled_and_is_never_delivered(
    twilio: Client, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone_network, "SECONDS_TO_SEND", 2.0)
    created = await create(twilio)
    cancelled = await asyncio.to_thread(twilio.messages(created.sid).update, status="canceled")
    assert cancelled.status == "canceled"
    await asyncio.sleep(2.4)
    assert [text["status"] for text in await outside.get("/texts")] == ["canceled"]


async def test_a_delivered_message_is_redacted_and_deleted_but_not_cancelled(twilio: Client) -> None:
    created = await create(twilio)
    message = twilio.messages(created.sid)
    assert (await refused(message.delete)).code == 20009
    await ended(twilio, created)
    assert (await refused(lambda: message.update(status="canceled"))).code == 30409
    assert (await asyncio.to_thread(message.update, body="")).body == ""
    assert await asyncio.to_thread(message.delete) is True
    assert (await refused(message.fetch)).code == 20404


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"to": "07700900101"}, 400, 21211),
        ({"to": "+44"}, 400, 21211),
        ({"to": ""}, 400, 21604),
        ({"body": ""}, 400, 21602),
        ({"body": "a" * 1601}, 400, 21617),
        ({"from_": "+447700900501"}, 400, 21606),
        ({"from_": ""}, 400, 21603),
        ({"status_callback": "texts/status"}, 400, 21609),
        ({"validity_period": 40_000}, 400, 20001),
    ],
)
async def test_what_twilio_refuses_is_refused_with_its_code_and_leaves_no_message(
    twilio: Client, outside: Outside, wrong: dict[str, Any], status: int, code: int
) -> None:
    asked = {"to": CARER, "from_": OWN_NUMBER, "body": "Thank you."} | wrong
    refusal = await refused(lambda: twilio.messages.create(**asked))
    assert (refusal.status, refusal.code) == (status, code)
    assert await outside.get("/texts") == []


async def test_a_wrong_token_is_told_so(outside: Outside) -> None:
    client = Client(ACCOUNT_SID, "wrong", http_client=TwilioHttpClient(pool_connections=False))
    client.api.base_url = outside.url
    refusal = await refused(lambda: client.messages.create(to=CARER, from_=OWN_NUMBER, body="x"))
    assert (refusal.status, refusal.code) == (401, 20003)


async def test_a_message_that_is_not_there_is_20404(twilio: Client) -> None:
    refusal = await refused(twilio.messages(f"SM{'0' * 32}").fetch)
    assert (refusal.status, refusal.code) == (404, 20404)


async def test_a_throttled_network_says_when_to_come_back(outside: Outside) -> None:
    await outside.behave("phone-network", mode="throttled", retry_after_seconds=7)
    path = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    answer = await outside.scripts.post(path, auth=(ACCOUNT_SID, AUTH_TOKEN))
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (429, 20429, "7")


async def test_after_stop_a_number_gets_nothing_until_start(twilio: Client, outside: Outside) -> None:
    await outside.scripts.post("/texts", json={"from": CARER, "body": " Stop "})
    refusal = await refused(lambda: twilio.messages.create(to=CARER, from_=OWN_NUMBER, body="x"))
    assert (refusal.status, refusal.code) == (400, 21610)
    await outside.scripts.post("/texts", json={"from": CARER, "body": "START"})
    assert (await create(twilio)).status == "queued"


async def test_a_landline_is_accepted_and_then_undelivered(twilio: Client) -> None:
    fetched = await ended(twilio, await create(twilio, to=LANDLINE))
    assert (fetched.status, fetched.error_code) == ("undelivered", 30006)


async def test_a_lost_answer_leaves_a_message_that_a_later_list_finds(twilio: Client, outside: Outside) -> None:
    await outside.behave("phone-network", mode="lost-answer")
    path = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    form = {"To": CARER, "From": OWN_NUMBER, "Body": "reply OK 4BCDF"}
    with pytest.raises(httpx.ReadTimeout):
        await outside.scripts.post(path, data=form, auth=(ACCOUNT_SID, AUTH_TOKEN), timeout=1.0)
    await outside.behave("phone-network")
    (found,) = await asyncio.to_thread(twilio.messages.list, to=CARER)
    assert found.body == "reply OK 4BCDF"


async def test_a_failing_network_has_sent_nothing(twilio: Client, outside: Outside) -> None:
    await outside.behave("phone-network", mode="failing", status=500)
    refusal = await refused(lambda: twilio.messages.create(to=CARER, from_=OWN_NUMBER, body="x"))
    assert (refusal.status, refusal.code) == (500, 20500)
    assert await outside.get("/texts") == []


async def test_times_in_the_document_are_rfc_2822_in_gmt(twilio: Client, outside: Outside) -> None:
    await create(twilio)
    path = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    (message,) = (await outside.scripts.get(path, auth=(ACCOUNT_SID, AUTH_TOKEN))).json()["messages"]
    assert parsedate_to_datetime(message["date_created"]).utcoffset() == timedelta(0)


async def test_the_account_and_its_numbers_are_told_as_its_client_reads_them(outside: Outside) -> None:
    """Twilio's document here has no paths of theirs: its published client is the contract."""
    client = Client(ACCOUNT_SID, AUTH_TOKEN)
    client.api.base_url = outside.url
    account = await asyncio.to_thread(client.api.accounts(ACCOUNT_SID).fetch)
    assert (account.sid, account.status, account.type) == (ACCOUNT_SID, "active", "Full")
    [number] = await asyncio.to_thread(client.incoming_phone_numbers.list, phone_number=OWN_NUMBER)
    assert number.phone_number == OWN_NUMBER
    assert number.sms_url == f"{outside.application.url}/texts/inbound#rc=5&rp=all&rt=5000"
    assert {name for name, value in vars(number).items() if value is None} <= {
        "address_sid", "address_requirements", "identity_sid", "status_callback", "status_callback_method",
        "voice_receive_mode", "voice_application_sid", "voice_caller_id_lookup", "trunk_sid", "emergency_status",
        "emergency_address_sid", "emergency_address_status", "bundle_sid", "type", "_context",
    }  # fmt: skip
    assert await asyncio.to_thread(client.incoming_phone_numbers.list, phone_number="+447700900999") == []
