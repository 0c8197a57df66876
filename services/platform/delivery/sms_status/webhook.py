"""Serves the providers' callbacks: `POST /texts/status`, where Twilio reports what became of a text, `POST
/calls/keys`, where it brings a pressed key (1 I have it, 2 I cannot, 9 again), and GOV.UK Notify's.

A Notify service has one URL for receipts (`POST /texts/notify/receipts` here) and one for incoming texts (wherever
`NotifyDoor` is used), and sends the bearer token that it was given. It repeats a callback that failed five times,
every five minutes. Every service that texts mounts these routes.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import yaml
from fastapi import FastAPI, Request, Response
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from services.platform.delivery import events, metrics
from services.platform.delivery.channels.sms import answered, conversation_twiml, keys_callback, twiml
from services.platform.delivery.links.signed_forms import FORM_TYPE, Form, TwilioDoor, Whose
from services.platform.delivery.model import Delivery, State
from services.platform.delivery.queue import repository as deliveries
from services.platform.delivery.sms_status.receipts import Receipts, Report
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.problems import Answers, Problem, bearer_of, body_within, header, refusals
from services.platform.runtime.limits import FORM_BYTES
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.identifiers import derived
from services.safeguarding.message import Message

WRITTEN = yaml.load(Path(__file__).with_name("openapi.yaml").read_text(), yaml.CSafeLoader)
SIGNATURE = header(
    "X-Twilio-Signature", "Twilio's signature of the public URL and this form, by the account's auth token."
)
TWILIO_REFUSED = refusals(400, 403, 413, 415)
SAID: Answers = {200: {"description": "What is said next.", "content": {"text/xml": {"schema": {"type": "string"}}}}}


def describe_form(name: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    """A request of Twilio's; each field with its description. Further fields are Twilio's own and are signed too."""
    properties = {field: {"type": "string", "description": about} for field, about in WRITTEN[name].items()}
    schema = {"type": "object", "properties": properties, "additionalProperties": {"type": "string"}}
    body = {"required": True, "content": {FORM_TYPE: {"schema": schema}}}
    return {"parameters": [SIGNATURE, *parameters], "requestBody": body}


KEYS = describe_form("call", WRITTEN["delivery"])
"""Of `POST /calls/keys`."""
STATUS = describe_form("status", WRITTEN["delivery"])
"""Of `POST /texts/status`."""


HAVE_IT, CANNOT = "1", "2"


@dataclass(frozen=True)
class CallKeys:
    """For one service's own deliveries. A key that Twilio repeats has one effect and the same answer."""

    store: Store
    clocks: Clocks
    keyring: Keyring
    public_url: str

    async def press(self, name: UUID, key: str) -> str:
        """TwiML: what is said next. Commits before it answers. Any other key than those two says the text again."""
        async with self.store.transaction() as uow:
            found = await deliveries.lock(uow, name)
            body = "" if found is None else await deliveries.body_of(uow.connection, self.keyring, found[0]) or ""
            if found is None or found[0].duty is None or found[1] is State.WITHDRAWN:
                return conversation_twiml([answered(body, "over")])
            if key not in {HAVE_IT, CANNOT}:
                return twiml(body, keys_callback(self.public_url, name))
            return conversation_twiml([answered(body, await self._answer(uow, *found, key))])

    async def _answer(self, uow: UnitOfWork, delivery: Delivery, state: State, key: str) -> str:
        """Who could not take it may still say that they have it; who has it keeps it."""
        duty, now = delivery.duty, self.clocks.wall()
        if duty is None or state is State.ACKNOWLEDGED:
            return "have-it"
        if key == HAVE_IT:
            self._publish(uow, delivery, events.acknowledged(duty, "call", by=delivery.person), key)
            await deliveries.acknowledge(uow, duty.duty, duty.step, now)
            return "have-it"
        if state is not State.FAILED:
            declined = events.failed(uow, delivery, "declined", delivery.person, given_up=False)
            self._publish(uow, delivery, declined, key)
            await deliveries.pass_on(uow, delivery.id, now)
        return "cannot"

    @staticmethod
    def _publish(uow: UnitOfWork, delivery: Delivery, message: Message | None, key: str) -> None:
        name = str(derived("key", str(delivery.id), key))
        uow.publish(message, subject=delivery.child, cause=delivery, message_id=name)


NOTIFY_REFUSED = refusals(400, 403, 413)
Short = Annotated[str, Field(min_length=1, max_length=200)]


class ReceivedText(BaseModel):
    """A text to a number of ours at Notify. Numbers may be without a plus."""

    id: UUID
    source_number: Short
    destination_number: Short
    message: str
    date_received: AwareDatetime


class Receipt(BaseModel):
    """What became of a text. `reference` is the delivery's id, or another's that is none."""

    id: UUID
    reference: str | None = None
    status: Short


Posted = TypeVar("Posted", bound=BaseModel)


class NotifyDoor:
    """Lets in what bears one of `tokens`; without any, nothing. Counts what it refuses."""

    def __init__(self, name: metrics.DoorName, tokens: Sequence[str]) -> None:
        self._name, self._tokens = name, [each.encode() for each in tokens if each]
        metrics.begin_counts(name)

    async def read(self, request: Request, kind: type[Posted]) -> Posted:
        """Raises Problem: 403 without the token, 413 over 64 KiB, 400 for anything else than a `kind`."""
        given = bearer_of(request).encode()
        if not any(hmac.compare_digest(given, each) for each in self._tokens):
            metrics.REFUSED.labels(self._name, "Not from Notify", Whose.ANYBODY).inc()
            detail = "The bearer token must be the one that GOV.UK Notify was given."
            raise Problem(HTTPStatus.FORBIDDEN, "Not from Notify", detail, field="authorization")
        try:
            return kind.model_validate_json(await body_within(request, FORM_BYTES))
        except ValidationError as error:
            metrics.REFUSED.labels(self._name, "Not a callback", Whose.NOTIFY).inc()
            field = str((error.errors()[0]["loc"] or ("body",))[0])
            raise Problem(
                HTTPStatus.BAD_REQUEST, "Not a callback", f"{field} is not as published.", field=field
            ) from None


def described(kind: type[BaseModel]) -> dict[str, Any]:
    """Its request, for OpenAPI."""
    schema = kind.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def mount_receipts_route(app: FastAPI, receipts: Receipts, door: NotifyDoor) -> None:
    @app.post(
        "/texts/notify/receipts",
        status_code=HTTPStatus.NO_CONTENT,
        responses=NOTIFY_REFUSED,
        openapi_extra=described(Receipt),
    )
    async def take_receipt(request: Request) -> None:
        """What became of a text of ours, as GOV.UK Notify's delivery receipt says."""
        receipt = await door.read(request, Receipt)
        try:
            delivery = UUID(receipt.reference or "")
        except ValueError:
            return
        await receipts.take(Report(delivery, str(receipt.id), receipt.status))


def mount_status_route(app: FastAPI, receipts: Receipts, keys: CallKeys, door: TwilioDoor) -> None:
    """`app` answers problems, and 503 while the database is away, so that Twilio repeats the report."""

    @app.post("/calls/keys", response_class=Response, responses=TWILIO_REFUSED | SAID, openapi_extra=KEYS)
    async def take_key(request: Request) -> Response:
        """The key that the recipient of a call pressed. Its effect is committed before this answers."""
        form = await door.signed_form(request)
        said = await keys.press(_delivery(request, door), form.fields.get("Digits", ""))
        return Response(said, media_type="text/xml")

    @app.post("/texts/status", status_code=HTTPStatus.NO_CONTENT, responses=TWILIO_REFUSED, openapi_extra=STATUS)
    async def take_status(request: Request) -> None:
        """What became of a text of ours, as Twilio's status callback says."""
        form = await door.signed_form(request)
        await receipts.take(_report(form.fields, request, door))


def _report(form: Form, request: Request, door: TwilioDoor) -> Report:
    """Raises Problem 400 for a report without a delivery's id.

    Its signature is right and the URL is one that we gave, so the fault is ours. Twilio's debugger shows a 400, while a
    204 would hide it. The id of a delivery that we do not have, or no longer have, is no fault: 204.
    """
    try:
        return Report.of(_delivery(request, door), form)
    except KeyError as missing:
        field = str(missing.args[0])
        detail = f"{field} is missing."
        raise door.refusal(HTTPStatus.BAD_REQUEST, "Not a report", detail, field, Whose.TWILIO) from None


def _delivery(request: Request, door: TwilioDoor) -> UUID:
    """Raises Problem 400 as `_report` does."""
    try:
        return UUID(request.query_params.get("delivery", ""))
    except ValueError:
        detail = "The query must name the delivery, as the callback's URL did."
        raise door.refusal(HTTPStatus.BAD_REQUEST, "Not a report", detail, "delivery", Whose.TWILIO) from None
