"""The sandbox's GOV.UK Notify, against its published client and the shapes of its published documentation.

https://docs.notifications.service.gov.uk/python.html and the OpenAPI document of alphagov/notifications-tech-docs, both as of 2026.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import jsonschema
import pytest
from notifications_python_client.errors import HTTPError
from notifications_python_client.notifications import NotificationsAPIClient

from tests.support.outside.sandbox import (
    CARER,
    LANDLINE,
    NOTIFY_IDS,
    NOTIFY_KEY,
    NOTIFY_NUMBER,
    NOTIFY_SENDER,
    OWN_AT_NOTIFY,
    Outside,
    eventually,
    play_outside_world,
)

TEXT, NONE = {"type": "string"}, {"type": "null"}
TEXT_OR_NONE, ID = {"type": ["string", "null"]}, {"type": "string", "format": "uuid"}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"}
TIME_OR_NONE = {"anyOf": [TIME, NONE]}


def exactly(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


TEMPLATE = exactly(id=ID, version={"type": "integer"}, uri=TEXT)
SENT = exactly(id=ID, reference=TEXT_OR_NONE, content=exactly(body=TEXT, from_number=TEXT), uri=TEXT, template=TEMPLATE)
STATUSES = [
    "created",
    "sending",
    "pending",
    "sent",
    "delivered",
    "permanent-failure",
    "temporary-failure",
    "technical-failure",
]
NOTIFICATION = exactly(
    id=ID, reference=TEXT_OR_NONE, email_address=NONE, phone_number=TEXT, type={"const": "sms"}, status={"enum": STATUSES},
    template=TEMPLATE, body=TEXT, subject=NONE, created_at=TIME, created_by_name=TEXT_OR_NONE, sent_at=TIME_OR_NONE,
    completed_at=TIME_OR_NONE, scheduled_for=TIME_OR_NONE,
)  # fmt: skip
RECEIPT = exactly(
    id=ID, reference=TEXT_OR_NONE, to=TEXT, status={"enum": STATUSES[4:]}, created_at=TIME, completed_at=TIME_OR_NONE,
    sent_at=TIME_OR_NONE, notification_type={"const": "sms"}, template_id=ID, template_version={"type": "integer"},
)  # fmt: skip
RECEIVED = exactly(id=ID, source_number=TEXT, destination_number=TEXT, message=TEXT, date_received=TIME)


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    async with play_outside_world() as playing:
        yield playing


@pytest.fixture
def notify(outside: Outside) -> NotificationsAPIClient:
    return by_key(outside, NOTIFY_KEY)


def by_key(outside: Outside, key: str) -> NotificationsAPIClient:
    return NotificationsAPIClient(key, base_url=outside.url, timeout=30)  # type: ignore[no-untyped-call]


async def send(notify: Any, body: str = "Thank you.", **more: Any) -> Any:
    asked = {
        "phone_number": CARER,
        "template_id": NOTIFY_IDS["template_id"],
        "personalisation": {"message": body},
    } | more
    return await asyncio.to_thread(lambda: notify.send_sms_notification(**asked))


async def test_a_text_its_data_and_its_receipt_have_the_published_shapes(outside: Outside, notify: Any) -> None:
    reference = str(uuid4())
    sent = await send(notify, "Safe Return. OK 2BCDF", reference=reference)
    jsonschema.validate(sent, SENT)
    assert sent["content"] == {"body": "Safe Return. OK 2BCDF", "from_number": NOTIFY_NUMBER}
    await eventually(lambda: outside.application.at("/texts/notify/receipts"))
    [receipt] = outside.application.at("/texts/notify/receipts")
    assert receipt.headers["Authorization"] == "Bearer receipts-token"
    jsonschema.validate(receipt.document, RECEIPT)
    assert (receipt.document["id"], receipt.document["reference"]) == (sent["id"], reference)
    found = await asyncio.to_thread(notify.get_all_notifications, template_type="sms", reference=reference)
    assert set(found) == {"notifications", "links"}
    jsonschema.validate(found["notifications"], {"type": "array", "items": NOTIFICATION, "minItems": 1, "maxItems": 1})
    assert await asyncio.to_thread(notify.get_notification_by_id, sent["id"]) == found["notifications"][0]
    assert (await asyncio.to_thread(notify.get_all_notifications, reference="another"))["notifications"] == []


async def test_a_text_to_our_number_comes_as_published_and_is_repeated_until_it_is_taken(outside: Outside) -> None:
    outside.application.refusals["/texts/notify/received"] = [503]
    await outside.scripts.post("/texts", json={"from": CARER, "to": NOTIFY_NUMBER, "body": "MISSING"})
    await eventually(lambda: len(outside.application.at("/texts/notify/received")) == 2)
    first, second = outside.application.at("/texts/notify/received")
    assert first.headers["Authorization"] == "Bearer received-token"
    jsonschema.validate(second.document, RECEIVED)
    assert first.document == second.document
    said = {name: second.document[name] for name in ("source_number", "destination_number", "message")}
    ours, theirs = NOTIFY_NUMBER.removeprefix("+"), CARER.removeprefix("+")
    assert said == {"source_number": theirs, "destination_number": ours, "message": "MISSING"}


async def test_a_text_goes_out_by_another_sender_of_the_service(notify: Any) -> None:
    assert (await send(notify, sms_sender_id=NOTIFY_SENDER))["content"]["from_number"] == OWN_AT_NOTIFY


@pytest.mark.parametrize(
    ("mode", "asked", "status", "error"),
    [
        ("normal", {"phone_number": LANDLINE}, 400, "ValidationError"),
        ("normal", {"phone_number": "+44"}, 400, "ValidationError"),
        ("normal", {"template_id": str(UUID(int=1))}, 400, "BadRequestError"),
        ("normal", {"personalisation": {"other": "x"}}, 400, "BadRequestError"),
        ("normal", {"sms_sender_id": str(UUID(int=1))}, 400, "BadRequestError"),
        ("refusing", {}, 400, "BadRequestError"),
        ("throttled", {}, 429, "RateLimitError"),
        ("full", {}, 429, "TooManyRequestsError"),
        ("failing", {}, 500, "Exception"),
    ],
)
async def test_it_refuses_as_published(
    outside: Outside, notify: Any, mode: str, asked: dict[str, Any], status: int, error: str
) -> None:
    await outside.behave("notify", mode=mode)
    with pytest.raises(HTTPError) as refusal:
        await send(notify, **asked)
    assert refusal.value.status_code == status
    said: Any = refusal.value.message
    assert [(set(each), each["error"]) for each in said] == [({"error", "message"}, error)]


async def test_a_key_of_nobody_is_refused(outside: Outside) -> None:
    with pytest.raises(HTTPError) as refusal:
        await send(by_key(outside, f"x-{uuid4()}-{uuid4()}"))
    assert refusal.value.status_code == 403


async def test_its_template_is_told_as_published(notify: Any) -> None:
    template = await asyncio.to_thread(notify.get_template, NOTIFY_IDS["template_id"])
    assert (template["type"], template["body"]) == ("sms", "((message))")
    with pytest.raises(HTTPError) as refusal:
        await asyncio.to_thread(notify.get_template, str(UUID(int=1)))
    assert refusal.value.status_code == 404
