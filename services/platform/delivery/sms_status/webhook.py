"""Serves `POST /texts/status`, where Twilio reports what became of a text, and `POST /calls/keys`, where it brings a
pressed key. Every service that texts mounts them.
"""

from http import HTTPStatus
from uuid import UUID

from fastapi import FastAPI, Request, Response

from services.platform.delivery.links.signed_forms import Form, TwilioDoor, Whose
from services.platform.delivery.sms_status import openapi
from services.platform.delivery.sms_status.call_keys import CallKeys
from services.platform.delivery.sms_status.receipts import Receipts, Report


def mount_status_route(app: FastAPI, receipts: Receipts, keys: CallKeys, door: TwilioDoor) -> None:
    """`app` answers problems, and 503 while the database is away, so that Twilio repeats the report."""

    @app.post(
        "/calls/keys", response_class=Response, responses=openapi.REFUSED | openapi.SAID, openapi_extra=openapi.KEYS
    )
    async def take_key(request: Request) -> Response:
        """The key that the recipient of a call pressed. Its effect is committed before this answers."""
        form = await door.signed_form(request)
        said = await keys.press(_delivery(request, door), form.fields.get("Digits", ""))
        return Response(said, media_type="text/xml")

    @app.post(
        "/texts/status", status_code=HTTPStatus.NO_CONTENT, responses=openapi.REFUSED, openapi_extra=openapi.STATUS
    )
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
