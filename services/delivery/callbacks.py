"""`POST /texts/status`: where Twilio reports what became of a text. Each service that texts mounts its own."""

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.delivery.receipts import Receipts, Report
from services.delivery.text import signature_is_valid
from services.runtime.problems import Problem, body_within

PATH = "/texts/status"
BODY_AT_MOST = 65_536
FIELDS_AT_MOST = 200


async def read_form(request: Request) -> ImmutableMultiDict[str, str]:
    """A form as Twilio sends it, blank fields kept, since its signature counts them. Raises Problem."""
    body = await body_within(request, BODY_AT_MOST)
    try:
        return ImmutableMultiDict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_AT_MOST))
    except ValueError:
        detail = "A form is expected, application/x-www-form-urlencoded, in UTF-8."
        raise Problem(HTTPStatus.BAD_REQUEST, "Not a form", detail) from None


def status_route(receipts: Receipts, *, public_url: str, tokens: Sequence[str]) -> Route:
    """The application that mounts it answers problems, and 503 while the database is away, so that Twilio repeats it."""

    async def take(request: Request) -> Response:
        form = await read_form(request)
        url = f"{public_url.rstrip('/')}{PATH}" + (f"?{request.url.query}" if request.url.query else "")
        if not signature_is_valid(url, form, request.headers.get("x-twilio-signature"), tokens):
            raise Problem(HTTPStatus.FORBIDDEN, "Not signed", "X-Twilio-Signature does not fit this request.")
        report = _report(request.query_params.get("delivery", ""), form)
        if report is not None:
            await receipts.take(report)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return Route(PATH, take, methods=["POST"])


def _report(delivery: str, form: ImmutableMultiDict[str, str]) -> Report | None:
    """None for a report that names no delivery of ours: nothing to do about it, and nothing that a repeat would better."""
    try:
        return Report.of(UUID(delivery), form)
    except (ValueError, KeyError):
        return None
