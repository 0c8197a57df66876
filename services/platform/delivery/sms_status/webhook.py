"""`POST /texts/status`: where Twilio reports what became of a text. Each service that texts mounts its own."""

from collections.abc import Collection, Sequence
from http import HTTPStatus
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.platform.delivery.links.signed_forms import Form, TwilioDoor
from services.platform.delivery.sms_status.receipts import Receipts, Report

PATH = "/texts/status"


def status_route(receipts: Receipts, *, public_url: str, tokens: Sequence[str], accounts: Collection[str]) -> Route:
    """The application that mounts it answers problems, and 503 while the database is away, so that Twilio repeats it."""
    door = TwilioDoor(public_url=public_url, tokens=tokens, accounts=accounts)

    async def take(request: Request) -> Response:
        form = (await door.signed_form(request)).fields
        report = _report(request.query_params.get("delivery", ""), form)
        if report is not None:
            await receipts.take(report)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return Route(PATH, take, methods=["POST"])


def _report(delivery: str, form: Form) -> Report | None:
    """None for a report that names no delivery of ours: nothing to do about it, and nothing that a repeat would better."""
    try:
        return Report.of(UUID(delivery), form)
    except (ValueError, KeyError):
        return None
