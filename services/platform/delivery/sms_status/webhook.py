"""Reads forms that Twilio posts, byte by byte, so that what is not UTF-8 is not lost, and checks their signature.

Twilio does not say what it signs of bytes that are not UTF-8: the bytes themselves, or one of the ways to read them.
Each is tried. None can be made without the account's token, so the choice lets nobody in.

Serves the providers' callbacks: `POST /texts/status`, where Twilio reports what became of a text, `POST
/calls/keys`, where it brings a pressed key (1 I have it, 2 I cannot, 9 again), and GOV.UK Notify's.

A Notify service has one URL for receipts (`POST /texts/notify/receipts` here) and one for incoming texts (wherever
`NotifyDoor` is used), and sends the bearer token that it was given. It repeats a callback that failed five times,
every five minutes. Every service that texts mounts these routes.
"""

import hmac
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

import yaml
from fastapi import FastAPI, Request, Response
from pydantic import AwareDatetime, BaseModel, Field, ValidationError
from starlette.datastructures import ImmutableMultiDict

from services.platform.delivery import events, metrics
from services.platform.delivery.channels.sms import (
    Pairs,
    Tokens,
    answered,
    bytes_are_signed,
    conversation_twiml,
    keys_callback,
    signature_is_valid,
    twiml,
)
from services.platform.delivery.model import Delivery, State
from services.platform.delivery.queue import repository as deliveries
from services.platform.delivery.sms_status.receipts import Receipts, Report
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.problems import (
    FORM_BYTES,
    FORM_FIELDS,
    Answers,
    Problem,
    bearer_of,
    body_within,
    header,
    media_type_of,
    refusals,
)
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.identifiers import derived
from services.safeguarding.message import Message

SIGNATURE = "x-twilio-signature"
SIGNATURES_LOOKED_AT = 4
FORM_TYPE = "application/x-www-form-urlencoded"
Form: TypeAlias = ImmutableMultiDict[str, str]


class Whose(StrEnum):
    """Who a refused request is from, as far as it shows."""

    TWILIO = "twilio"
    """Its signature is right: what was refused may be somebody's report."""
    ACCOUNT = "account"
    """It names our account, which strangers do not know, with a wrong signature: our token or URL may be old."""
    NOTIFY = "notify"
    """Its token is right."""
    ANYBODY = "anybody"


@dataclass(frozen=True, slots=True)
class SignedForm:
    """`undecodable` names the fields whose bytes are no UTF-8. They were read as Windows-1252, which loses no byte."""

    fields: Form
    undecodable: frozenset[str]


class TwilioDoor:
    """Lets in what Twilio sends for one of `accounts` to the public URL, and counts what it refuses."""

    def __init__(self, name: metrics.DoorName, *, public_url: str, tokens: Tokens, accounts: Collection[str]) -> None:
        self._name, self._public_url = name, public_url.rstrip("/")
        self._tokens, self._accounts = tokens, accounts
        metrics.begin_counts(name)

    async def signed_form(self, request: Request) -> SignedForm:
        """Raises Problem: 415 for another type, 413 over 64 KiB, 400 for what is no form and for several signatures,
        403 without Twilio's signature and for another account.
        """
        if media_type_of(request) != FORM_TYPE:
            detail = f"The content type must be {FORM_TYPE}."
            status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
            raise self.refusal(status, "Not a form", detail, "content-type", Whose.ANYBODY)
        pairs = await self._pairs(request)
        form = _decoded(pairs)
        signatures = _signatures(request)
        url = f"{self._public_url}{request.scope['path']}{_query(request)}"
        by_twilio = any(self._is_signed(url, pairs, form, each) for each in signatures[:SIGNATURES_LOOKED_AT])
        whose = Whose.TWILIO if by_twilio else self._unsigned(form)
        if len(signatures) > 1:
            detail = "X-Twilio-Signature must be there once, with one signature."
            raise self.refusal(HTTPStatus.BAD_REQUEST, "Several signatures", detail, SIGNATURE, whose)
        if not by_twilio:
            detail = "X-Twilio-Signature must be Twilio's signature of the public URL and this form."
            raise self.refusal(HTTPStatus.FORBIDDEN, "Not from Twilio", detail, SIGNATURE, whose)
        if set(form.fields.getlist("AccountSid")) - set(self._accounts):
            detail = "AccountSid must be the account that this service was told of."
            raise self.refusal(HTTPStatus.FORBIDDEN, "Another account", detail, "AccountSid", whose)
        metrics.SIGNED.inc()
        return form

    def refusal(self, status: HTTPStatus, title: str, detail: str, field: str, whose: Whose) -> Problem:
        """Counted, and to be raised."""
        metrics.REFUSED.labels(self._name, title, whose).inc()
        return Problem(status, title, detail, field=field)

    async def _pairs(self, request: Request) -> Pairs:
        try:
            raw = await body_within(request, FORM_BYTES)
        except Problem as problem:
            metrics.REFUSED.labels(self._name, problem.title, Whose.ANYBODY).inc()
            raise
        try:
            found = parse_qsl(
                raw.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=FORM_FIELDS
            )
        except ValueError:
            detail = f"A form of {FORM_FIELDS} fields at most is needed."
            raise self.refusal(HTTPStatus.BAD_REQUEST, "Not a form", detail, "body", Whose.ANYBODY) from None
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in found]

    def _is_signed(self, url: str, pairs: Pairs, form: SignedForm, signature: str) -> bool:
        tokens = self._tokens()
        if not form.undecodable:
            return signature_is_valid(url, form.fields, signature, tokens)
        if bytes_are_signed(url, pairs, signature, tokens):
            return True
        return any(signature_is_valid(url, _read(pairs, each), signature, tokens) for each in READINGS)

    def _unsigned(self, form: SignedForm) -> Whose:
        return Whose.ACCOUNT if set(form.fields.getlist("AccountSid")) & set(self._accounts) else Whose.ANYBODY


def _windows(raw: bytes) -> str:
    """Five bytes mean nothing in Windows-1252."""
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


READINGS: tuple[Callable[[bytes], str], ...] = (
    partial(str, encoding="latin-1"),
    _windows,
    partial(str, encoding="utf-8", errors="replace"),
)


def _decoded(pairs: Pairs) -> SignedForm:
    undecodable = {_or(name, _windows) for name, value in pairs if not (_is_utf8(name) and _is_utf8(value))}
    return SignedForm(_read(pairs, _windows), frozenset(undecodable))


def _read(pairs: Pairs, otherwise: Callable[[bytes], str]) -> Form:
    return ImmutableMultiDict([(_or(name, otherwise), _or(value, otherwise)) for name, value in pairs])


def _or(raw: bytes, otherwise: Callable[[bytes], str]) -> str:
    return raw.decode() if _is_utf8(raw) else otherwise(raw)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _signatures(request: Request) -> list[str]:
    """As many as there are, in however many headers: a comma and a blank are in none."""
    return [each for header in request.headers.getlist(SIGNATURE) for each in header.replace(",", " ").split()]


def _query(request: Request) -> str:
    raw = request.scope["query_string"].decode("latin-1")
    return f"?{raw}" if raw else ""


WRITTEN = yaml.load(Path(__file__).with_name("openapi.yaml").read_text(), yaml.CSafeLoader)
STATUS_SIGNATURE = header(
    "X-Twilio-Signature", "Twilio's signature of the public URL and this form, by the account's auth token."
)
TWILIO_REFUSED = refusals(400, 403, 413, 415)
SAID: Answers = {200: {"description": "What is said next.", "content": {"text/xml": {"schema": {"type": "string"}}}}}


def describe_form(name: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    """A request of Twilio's; each field with its description. Further fields are Twilio's own and are signed too."""
    properties = {field: {"type": "string", "description": about} for field, about in WRITTEN[name].items()}
    schema = {"type": "object", "properties": properties, "additionalProperties": {"type": "string"}}
    body = {"required": True, "content": {FORM_TYPE: {"schema": schema}}}
    return {"parameters": [STATUS_SIGNATURE, *parameters], "requestBody": body}


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
