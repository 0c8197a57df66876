"""Serves GOV.UK Notify's callbacks: `POST /texts/notify/receipts` here, and incoming texts wherever `NotifyDoor` is
used.

A Notify service has one URL for each, and sends the bearer token that it was given. It repeats a callback that failed
five times, every five minutes.
"""

import hmac
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import FastAPI, Request
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from services.platform.delivery import metrics
from services.platform.delivery.links.signed_forms import Whose
from services.platform.delivery.sms_status.receipts import Receipts, Report
from services.platform.runtime.http.openapi_errors import refusals
from services.platform.runtime.http.problems import Problem, bearer_of, body_within
from services.platform.runtime.limits import FORM_BYTES

REFUSED = refusals(400, 403, 413)
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
        "/texts/notify/receipts", status_code=HTTPStatus.NO_CONTENT, responses=REFUSED, openapi_extra=described(Receipt)
    )
    async def take_receipt(request: Request) -> None:
        """What became of a text of ours, as GOV.UK Notify's delivery receipt says."""
        receipt = await door.read(request, Receipt)
        try:
            delivery = UUID(receipt.reference or "")
        except ValueError:
            return
        await receipts.take(Report(delivery, str(receipt.id), receipt.status))
