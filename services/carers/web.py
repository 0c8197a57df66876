"""Twilio's two doors: texts that come in, and what became of those that went out."""

from http import HTTPStatus
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.datastructures import ImmutableMultiDict

from services.carers import metrics
from services.carers.card import Card
from services.carers.intake import Intake, NotKept
from services.carers.settings import CarersSettings
from services.carers.text import Text, e164
from services.delivery import callback_contract
from services.delivery.receipts import Receipts, Report
from services.delivery.text import signature_is_valid
from services.runtime.clocks import Clocks
from services.runtime.problems import Problem, answer_with_problems, body_within, media_type_of
from services.runtime.refusals import described, refusals
from services.store.failures import OF_DATABASE, passes_by_itself

MOST_BYTES = 64 * 1024
MOST_FIELDS = 200
FORM = "application/x-www-form-urlencoded"
NO_ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""Replies go out as deliveries of their own: an answer in the response could be lost without anybody knowing."""

STATUS_ANSWERS = callback_contract.REFUSED | refusals(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
TEXT_ANSWERS = STATUS_ANSWERS | {200: described("Kept.", "text/xml", {"type": "string", "const": NO_ANSWER})}
TEXT = {
    "parameters": [callback_contract.SIGNATURE],
    "requestBody": callback_contract.form(
        MessageSid="Twilio's id of the text: the same again is a repeat.",
        From="Whose number it came from, E.164.",
        Body="What it says.",
        MediaUrl0="A picture; further ones are numbered on.",
    ),
}

Form = ImmutableMultiDict[str, str]


def pages(intake: Intake, receipts: Receipts, clocks: Clocks, settings: CarersSettings, card: Card) -> FastAPI:
    app = FastAPI(title="Safe Return: carers", version="1", docs_url=None, redoc_url=None)
    answer_with_problems(app, passing=OF_DATABASE, passes_by_itself=passes_by_itself)

    @app.post("/texts/inbound", response_class=Response, responses=TEXT_ANSWERS, openapi_extra=TEXT)
    async def take_text(request: Request) -> Response:
        """A text to Safe Return's number, as Twilio's webhook sends it. Kept before this answers."""
        text = _text(await _signed_form(request, settings), clocks)
        try:
            await intake.take(text)
        except NotKept:
            detail = "The text could not be kept. Send the same again."
            headers = {"Retry-After": "1"}
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Not now", detail, headers=headers) from None
        return Response(NO_ANSWER, media_type="text/xml")

    @app.post(
        "/texts/status",
        status_code=HTTPStatus.NO_CONTENT,
        responses=STATUS_ANSWERS,
        openapi_extra=callback_contract.STATUS,
    )
    async def take_status(request: Request) -> None:
        """What became of a text of ours, as Twilio's status callback says."""
        form = await _signed_form(request, settings)
        await receipts.take(_report(form, request))

    @app.get("/card", response_class=HTMLResponse)
    async def show_card() -> str:
        """The card that a carer keeps by the door, to be printed on A4. Holds no child and no carer."""
        return await card.page()

    return app


async def _signed_form(request: Request, settings: CarersSettings) -> Form:
    """Raises Problem: 413 over 64 KiB, 415 for another type, 400 for what is no form, 403 without Twilio's signature."""
    if media_type_of(request) != FORM:
        raise _refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Not a form", f"The content type must be {FORM}.", "content-type"
        )
    raw = await body_within(request, MOST_BYTES)
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        detail = f"A form in UTF-8 of {MOST_FIELDS} fields at most is needed."
        raise _refused(HTTPStatus.BAD_REQUEST, "Not a form", detail, "body") from None
    form = ImmutableMultiDict(pairs)
    query = f"?{request.url.query}" if request.url.query else ""
    url = f"{settings.public_url.rstrip('/')}{request.url.path}{query}"
    if not signature_is_valid(url, form, request.headers.get("x-twilio-signature"), settings.twilio_tokens):
        detail = "X-Twilio-Signature must be Twilio's signature of the public URL and this form."
        raise _refused(HTTPStatus.FORBIDDEN, "Not from Twilio", detail, "x-twilio-signature")
    return form


def _text(form: Form, clocks: Clocks) -> Text:
    said = {name: value.replace("\x00", "") for name, value in form.items()}
    for field in ("MessageSid", "From"):
        if not said.get(field, "").strip():
            raise _refused(HTTPStatus.BAD_REQUEST, "Not a text", f"{field} is missing.", field)
    pictures = tuple(said[name] for name in sorted(said) if name.startswith("MediaUrl") and said[name])
    return Text(
        sid=said["MessageSid"],
        sender=e164(said["From"].strip()),
        body=said.get("Body", ""),
        pictures=pictures,
        received_at=clocks.wall(),
        story_at=clocks.story(),
    )


def _report(form: Form, request: Request) -> Report:
    try:
        delivery = UUID(request.query_params.get("delivery", ""))
    except ValueError:
        detail = "The query must name the delivery, as the callback's URL did."
        raise _refused(HTTPStatus.BAD_REQUEST, "Not a report", detail, "delivery") from None
    try:
        return Report.of(delivery, form)
    except KeyError as missing:
        field = str(missing.args[0])
        raise _refused(HTTPStatus.BAD_REQUEST, "Not a report", f"{field} is missing.", field) from None


def _refused(status: HTTPStatus, title: str, detail: str, field: str) -> Problem:
    metrics.REFUSED.labels(title).inc()
    return Problem(status, title, detail, field=field)
