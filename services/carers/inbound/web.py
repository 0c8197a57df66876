"""Serves the webhooks of Twilio and GOV.UK Notify, for texts that come in and reports on others, and the card.

Whoever rings our number, for when texts fail, is answered too: key 1 is a text MISSING, and a person hears a
recording. That asks the database nothing, so that a report is taken while the database is away, as a text is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, get_args

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from services.carers.card import Card
from services.carers.inbound.intake import Intake, NotKept
from services.carers.inbound.probes import Probes
from services.carers.messages import FOLDER, LANGUAGES
from services.carers.settings import CarersSettings
from services.carers.text import READ_LETTERS, Flaw, Text
from services.platform.delivery import metrics
from services.platform.delivery.channels.sms import REPEATED, VOICE, Spoken, conversation_twiml
from services.platform.delivery.sms_status import webhook
from services.platform.delivery.sms_status import webhook as sms_status_openapi
from services.platform.delivery.sms_status.receipts import Receipts
from services.platform.delivery.sms_status.webhook import (
    CallKeys,
    ReceivedText,
    SignedForm,
    TwilioDoor,
    Whose,
    mount_receipts_route,
    mount_status_route,
)
from services.platform.register.directory import e164, with_plus
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.problems import Problem, refusals
from services.platform.store.engine import new_web_app
from services.wording import read_words

REPORT = "1"
WITHHELD = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
"""What Twilio may give for the number of somebody who withholds it: ANONYMOUS and the like, on a telephone's keys. Or
it gives the word, or nothing.
"""
CALL = webhook.describe_form("call")


@dataclass(frozen=True)
class VoiceLine:
    """What the caller says or presses is kept before the next word is said. A repeat has no second effect."""

    intake: Intake
    clocks: Clocks
    public_url: str
    door: TwilioDoor

    def mount(self, app: FastAPI) -> None:
        for path, answer in (("inbound", self.greet), ("choice", self.choose), ("recording", self.record)):
            app.add_api_route(
                f"/calls/{path}",
                answer,
                methods=["POST"],
                response_class=Response,
                responses=webhook.TWILIO_REFUSED | webhook.SAID,
                openapi_extra=CALL,
            )

    async def greet(self, request: Request) -> Response:
        """Somebody rings. Without a key they are asked to speak."""
        await self.door.signed_form(request)
        keys, recording = self._url("choice"), self._url("recording")
        return _answer(_spoken("menu"), keys=keys, unpressed=_spoken("speak"), recording=recording)

    async def choose(self, request: Request) -> Response:
        """The caller has pressed a key."""
        said = await self._read(request, "CallSid", "Digits")
        if said["Digits"] != REPORT:
            return _answer(_spoken("speak"), recording=self._url("recording"))
        if await self._keep(said["CallSid"], said, "MISSING"):
            return _answer(_spoken("reported"), recording=self._url("recording"))
        return _answer(_spoken("not-kept"))

    async def record(self, request: Request) -> Response:
        """What the caller said."""
        said = await self._read(request, "RecordingSid", "RecordingUrl")
        kept = await self._keep(said["RecordingSid"], said, "", said["RecordingUrl"])
        return _answer(_spoken("recorded" if kept else "not-kept"))

    def _url(self, path: str) -> str:
        return f"{self.public_url.rstrip('/')}/calls/{path}{REPEATED}"

    async def _read(self, request: Request, *fields: str) -> dict[str, str]:
        form = (await self.door.signed_form(request)).fields
        for field in fields:
            if not form.get(field, "").strip():
                detail = f"{field} is missing."
                raise self.door.refusal(HTTPStatus.BAD_REQUEST, "Not a call", detail, field, Whose.TWILIO)
        return {field: form.get(field, "").replace("\x00", "").strip() for field in (*fields, "CallSid", "From", "To")}

    async def _keep(self, sid: str, said: Mapping[str, str], body: str, *recordings: str) -> bool:
        """False where neither the database nor the disk takes it: the caller is told to ring somebody else."""
        now, story, to = self.clocks.wall(), self.clocks.story(), e164(said["To"])
        try:
            await self.intake.take(
                Text(sid, _read_caller(said), body, recordings, received_at=now, story_at=story, to=to)
            )
        except NotKept:
            metrics.REFUSED.labels("inbound", "Not now", Whose.TWILIO).inc()
            return False
        except Exception:
            metrics.REFUSED.labels("inbound", "Our fault", Whose.TWILIO).inc()
            raise
        return True


def _read_caller(said: Mapping[str, str]) -> str:
    """Whoever withholds their number is somebody of their own at each call: two of them do not report one child."""
    number = e164(said["From"])
    is_given = number.startswith("+") and said["From"] not in WITHHELD
    return number if is_given else f"withheld {said['CallSid']}"


def _spoken(words: str) -> list[Spoken]:
    """In each language, since nobody knows yet who rings."""
    said = read_words(FOLDER / "calls.yaml")
    return [Spoken(said[language][words], f"{language}-GB", VOICE[language]) for language in LANGUAGES]


def _answer(says: Sequence[Spoken], **then: Any) -> Response:
    return Response(conversation_twiml(says, **then), media_type="text/xml")


MOST_LETTERS = 200
"""In an id or a number; Twilio's ids have 34."""
CAME_AT = "ReceivedAt"
"""When our stand-in took a text that it hands over (`services.options.stand_in`)."""
FLAW = "Flaw"
"""What was wrong with that text as it came: its bytes and bodies are not handed over as they were."""
KEPT_AT_MOST = timedelta(days=14)
NO_ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""Replies go out as deliveries of their own: an answer in the response could be lost unnoticed."""

TEXT_ANSWERS = (
    sms_status_openapi.TWILIO_REFUSED
    | refusals(429)
    | {200: {"description": "Kept.", "content": {"text/xml": {"schema": {"type": "string", "const": NO_ANSWER}}}}}
)


def pages(
    intake: Intake,
    receipts: Receipts,
    keys: CallKeys,
    clocks: Clocks,
    settings: CarersSettings,
    card: Card,
    probes: Probes,
) -> FastAPI:
    app = new_web_app("carers")
    door, notify_door = settings.twilio_door("inbound"), settings.notify_door("inbound")

    async def keep(text: Text, whose: Whose) -> None:
        """Unless it is what we texted to ourselves."""
        if await probes.take(text):
            return
        try:
            await intake.take(text)
        except NotKept:
            metrics.REFUSED.labels("inbound", "Not now", whose).inc()
            detail = "The text could not be kept. Send the same again."
            headers = {"Retry-After": "1"}
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Not now", detail, headers=headers) from None
        except Exception:
            metrics.REFUSED.labels("inbound", "Our fault", whose).inc()
            raise

    asks = sms_status_openapi.describe_form("text")

    @app.post("/texts/inbound", response_class=Response, responses=TEXT_ANSWERS, openapi_extra=asks)
    async def take_text(request: Request) -> Response:
        """A text to Safe Return's number, as Twilio's webhook sends it. Kept before this answers."""
        form = await door.signed_form(request)
        text = read_text(form, door, clocks)
        # What our stand-in has kept is not sent back, nor what Notify sends: it may not repeat it.
        if CAME_AT not in form.fields and await intake.sends_back(text):
            detail = "Too many texts come at once. Send the same again."
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "Too many at once", detail, headers={"Retry-After": "1"})
        await keep(text, Whose.TWILIO)
        return Response(NO_ANSWER, media_type="text/xml")

    @app.post(
        "/texts/notify/received",
        status_code=HTTPStatus.NO_CONTENT,
        responses=webhook.NOTIFY_REFUSED,
        openapi_extra=webhook.described(ReceivedText),
    )
    async def take_notify_text(request: Request) -> None:
        """A text to Safe Return's number at GOV.UK Notify, as its callback sends it. Kept before this answers."""
        await keep(read_notify_text(await notify_door.read(request, ReceivedText), clocks), Whose.NOTIFY)

    mount_status_route(app, receipts, keys, settings.twilio_door("status"))
    mount_receipts_route(app, receipts, settings.notify_door("status"))
    VoiceLine(intake, clocks, settings.public_url, door).mount(app)

    @app.get("/card", response_class=HTMLResponse)
    async def show_card() -> str:
        """The card that a carer keeps by the door, to be printed on A4. Holds no child and no carer."""
        return await card.page()

    return app


def read_notify_text(received: ReceivedText, clocks: Clocks) -> Text:
    late_by = min(max(clocks.wall() - received.date_received, timedelta(0)), KEPT_AT_MOST)
    sender, to, body = (
        each.replace("\x00", "") for each in (received.source_number, received.destination_number, received.message)
    )
    return Text(
        sid=str(received.id),
        sender=e164(with_plus(sender)),
        body=body,
        pictures=(),
        received_at=clocks.wall() - late_by,
        story_at=clocks.story() - late_by,
        flaw=_find_flaw([body]),
        to=e164(with_plus(to)),
    )


def read_text(form: SignedForm, door: TwilioDoor, clocks: Clocks) -> Text:
    """Raises Problem: 400 for what is no text."""
    said = {name: _read_values(form, name) for name in form.fields}
    sid, sender = (_require_one(said, field, door) for field in ("MessageSid", "From"))
    pictures = tuple(each for name in sorted(said) if name.startswith("MediaUrl") for each in said[name] if each)
    bodies = said.get("Body", [])
    body = "\n".join(bodies)
    late_by = _late_by(said, door, clocks)
    used = {"MessageSid", "From", "Body", *(name for name in said if name.startswith("MediaUrl"))}
    return Text(
        sid=sid,
        sender=e164(sender.strip()),
        body=body,
        pictures=pictures,
        received_at=clocks.wall() - late_by,
        story_at=clocks.story() - late_by,
        flaw="not-utf-8" if form.undecodable & used else _said_flaw(said) or _find_flaw(bodies),
        to=e164(next(iter(said.get("To", ())), "")[:MOST_LETTERS]),
    )


def _late_by(said: Mapping[str, Sequence[str]], door: TwilioDoor, clocks: Clocks) -> timedelta:
    """How long our stand-in kept the text. Twilio itself sends no such field; the signature covers it."""
    if CAME_AT not in said:
        return timedelta(0)
    try:
        kept_for: timedelta | None = clocks.wall() - datetime.fromisoformat(_require_one(said, CAME_AT, door))
    except (ValueError, TypeError):
        kept_for = None
    if kept_for is None or kept_for > KEPT_AT_MOST:
        detail = f"{CAME_AT} must be a time with its zone, {KEPT_AT_MOST.days} days ago at most."
        raise door.refusal(HTTPStatus.BAD_REQUEST, "Not a text", detail, CAME_AT, Whose.TWILIO)
    return max(kept_for, timedelta(0))  # a clock that is ahead costs no report


def _said_flaw(said: Mapping[str, Sequence[str]]) -> Flaw | None:
    return next((flaw for flaw in get_args(Flaw) if flaw in said.get(FLAW, ())), None)


def _find_flaw(bodies: Sequence[str]) -> Flaw | None:
    if len(bodies) > 1:
        return "several-bodies"
    return "too-long" if any(len(each) > READ_LETTERS for each in bodies) else None


def _read_values(form: SignedForm, field: str) -> list[str]:
    """Each once, since Twilio's signature covers no repetition; without NUL, which PostgreSQL does not hold."""
    return list(dict.fromkeys(value.replace("\x00", "") for value in form.fields.getlist(field)))


def _require_one(said: Mapping[str, Sequence[str]], field: str, door: TwilioDoor) -> str:
    """The value of a field that a text must have once. Raises Problem: 400."""
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
