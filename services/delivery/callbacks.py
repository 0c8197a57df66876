"""`POST /texts/status`: where Twilio reports what became of a text. Each service that texts mounts its own."""

from collections.abc import Sequence
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.delivery.receipts import Receipts, Report
from services.delivery.text import signature_is_valid
from services.store.failures import passes_by_itself

PATH = "/texts/status"
BODY_AT_MOST = 65_536


class Oversized(Exception):
    """More than anybody who means well would send."""


async def read_form(request: Request, most: int = BODY_AT_MOST) -> ImmutableMultiDict[str, str]:
    """A form as Twilio sends it, blank fields kept, since its signature counts them. Raises Oversized, or ValueError where it
    is none.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise Oversized
    return ImmutableMultiDict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200))


def status_route(receipts: Receipts, *, public_url: str, tokens: Sequence[str]) -> Route:
    """403 without a valid signature on `public_url`; 503 while the database is away, so that Twilio may repeat it."""

    async def take(request: Request) -> Response:
        try:
            form = await read_form(request)
        except Oversized:
            return Response(status_code=413)
        except ValueError:
            return Response(status_code=400)
        url = f"{public_url.rstrip('/')}{PATH}" + (f"?{request.url.query}" if request.url.query else "")
        if not signature_is_valid(url, form, request.headers.get("x-twilio-signature"), tokens):
            return Response(status_code=403)
        report = _report(request.query_params.get("delivery", ""), form)
        if report is None:
            return Response(status_code=204)
        try:
            await receipts.take(report)
        except Exception as error:
            if not passes_by_itself(error):
                raise
            return Response(status_code=503, headers={"Retry-After": "2"})
        return Response(status_code=204)

    return Route(PATH, take, methods=["POST"])


def _report(delivery: str, form: ImmutableMultiDict[str, str]) -> Report | None:
    """None for a report that names no delivery of ours: nothing to do about it, and nothing that a repeat would better."""
    code = form.get("ErrorCode", "")
    try:
        return Report(
            delivery=UUID(delivery),
            provider_id=form["MessageSid"],
            status=form["MessageStatus"],
            error_code=int(code) if code.isdecimal() else None,
        )
    except (ValueError, KeyError):
        return None
