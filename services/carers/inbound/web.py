"""Twilio's two doors: texts that come in, and what became of those that went out."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from uuid import UUID

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from services.carers import metrics
from services.carers.card import Card
from services.carers.inbound.intake import Intake, NotKept
from services.carers.settings import CarersSettings
from services.carers.text import READ_LETTERS, Flaw, Text, e164
from services.platform.delivery.links.signed_forms import Form, SignedForm, TwilioDoor, Whose
from services.platform.delivery.sms_status import openapi as sms_status_openapi
from services.platform.delivery.sms_status.receipts import Receipts, Report
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.openapi_errors import described, refusals
from services.platform.runtime.http.problems import Problem, media_type_of
from services.platform.store.web import new_web_app

MOST_LETTERS = 200
"""Of an id and of a number; Twilio's ids have 34."""
FORM = "application/x-www-form-urlencoded"
NO_ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""Replies go out as deliveries of their own: an answer in the response could be lost without anybody knowing."""

STATUS_ANSWERS = sms_status_openapi.REFUSED | refusals(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
TEXT_ANSWERS = STATUS_ANSWERS | {200: described("Kept.", "text/xml", {"type": "string", "const": NO_ANSWER})}
TEXT = {
    "parameters": [sms_status_openapi.SIGNATURE],
    "requestBody": sms_status_openapi.form(
        MessageSid="Twilio's id of the text: the same again with the same words is a repeat.",
        AccountSid=sms_status_openapi.ACCOUNT,
        From="Whose number it came from, E.164.",
        Body="What it says. What is no UTF-8 is kept too, and a person reads it.",
        MediaUrl0="A picture; further ones are numbered on.",
    ),
}


def pages(intake: Intake, receipts: Receipts, clocks: Clocks, settings: CarersSettings, card: Card) -> FastAPI:
    app = new_web_app("carers")

    @app.post("/texts/inbound", response_class=Response, responses=TEXT_ANSWERS, openapi_extra=TEXT)
    async def take_text(request: Request) -> Response:
        """A text to Safe Return's number, as Twilio's webhook sends it. Kept before this answers."""
        door = _door("inbound", settings)
        text = _text(await _form(door, request), door, clocks)
        try:
            await intake.take(text)
        except NotKept:
            metrics.REFUSED.labels("inbound", "Not now", Whose.TWILIO).inc()
            detail = "The text could not be kept. Send the same again."
            headers = {"Retry-After": "1"}
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Not now", detail, headers=headers) from None
        except Exception:
            metrics.REFUSED.labels("inbound", "Our fault", Whose.TWILIO).inc()
            raise
        return Response(NO_ANSWER, media_type="text/xml")

    @app.post(
        "/texts/status",
        status_code=HTTPStatus.NO_CONTENT,
        responses=STATUS_ANSWERS,
        openapi_extra=sms_status_openapi.STATUS,
    )
    async def take_status(request: Request) -> None:
        """What became of a text of ours, as Twilio's status callback says."""
        door = _door("status", settings)
        form = await _form(door, request)
        await receipts.take(_report(form.fields, request, door))

    @app.get("/card", response_class=HTMLResponse)
    async def show_card() -> str:
        """The card that a carer keeps by the door, to be printed on A4. Holds no child and no carer."""
        return await card.page()

    return app


def _door(name: str, settings: CarersSettings) -> TwilioDoor:
    def refused(title: str, whose: Whose) -> None:
        metrics.REFUSED.labels(name, title, whose).inc()

    return TwilioDoor(
        public_url=settings.public_url,
        tokens=settings.twilio_tokens,
        accounts=settings.twilio_accounts,
        refused=refused,
        signed=metrics.SIGNED.inc,
    )


async def _form(door: TwilioDoor, request: Request) -> SignedForm:
    """Raises Problem: 415 for another type, and as `signed_form` does."""
    if media_type_of(request) != FORM:
        detail = f"The content type must be {FORM}."
        status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        raise door.refusal(status, "Not a form", detail, "content-type", Whose.ANYBODY)
    return await door.signed_form(request)


def _text(form: SignedForm, door: TwilioDoor, clocks: Clocks) -> Text:
    said = {name: _values(form, name) for name in form.fields}
    sid, sender = (_only(said, field, door) for field in ("MessageSid", "From"))
    pictures = tuple(each for name in sorted(said) if name.startswith("MediaUrl") for each in said[name] if each)
    bodies = said.get("Body", [])
    body = "\n".join(bodies)
    used = {"MessageSid", "From", "Body", *(name for name in said if name.startswith("MediaUrl"))}
    return Text(
        sid=sid,
        sender=e164(sender.strip()),
        body=body,
        pictures=pictures,
        received_at=clocks.wall(),
        story_at=clocks.story(),
        flaw="not-utf-8" if form.undecodable & used else _flaw(bodies),
    )


def _flaw(bodies: Sequence[str]) -> Flaw | None:
    if len(bodies) > 1:
        return "several-bodies"
    return "too-long" if any(len(each) > READ_LETTERS for each in bodies) else None


def _values(form: SignedForm, field: str) -> list[str]:
    """Each once: Twilio's signature covers no repetition. PostgreSQL holds no NUL."""
    return list(dict.fromkeys(value.replace("\x00", "") for value in form.fields.getlist(field)))


def _only(said: Mapping[str, Sequence[str]], field: str, door: TwilioDoor) -> str:
    """What a text cannot be without. Raises Problem: 400."""
    values = [value for value in said.get(field, ()) if value.strip()]
    if not values:
        detail = f"{field} is missing."
    elif len(values) > 1:
        detail = f"{field} is there more than once."
    elif len(values[0]) > MOST_LETTERS:
        detail = f"{field} may have {MOST_LETTERS} letters at most."
    else:
        return values[0]
    raise door.refusal(HTTPStatus.BAD_REQUEST, "Not a text", detail, field, Whose.TWILIO)


def _report(form: Form, request: Request, door: TwilioDoor) -> Report:
    try:
        delivery = UUID(request.query_params.get("delivery", ""))
    except ValueError:
        detail = "The query must name the delivery, as the callback's URL did."
        raise door.refusal(HTTPStatus.BAD_REQUEST, "Not a report", detail, "delivery", Whose.TWILIO) from None
    try:
        return Report.of(delivery, form)
    except KeyError as missing:
        field = str(missing.args[0])
        detail = f"{field} is missing."
        raise door.refusal(HTTPStatus.BAD_REQUEST, "Not a report", detail, field, Whose.TWILIO) from None
