"""Answers Twilio while carers cannot, and shows whether it is us who are down."""

from collections import Counter
from datetime import datetime
from http import HTTPStatus
from string import Template
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse

from services.carers.inbound.spool import Spool
from services.carers.inbound.web import NO_ANSWER, read_notify_text, read_text
from services.carers.messages import FOLDER, LANGUAGES
from services.carers.responder.hand_over import HandOver
from services.carers.settings import ResponderSettings
from services.carers.text import Text
from services.platform.delivery import metrics
from services.platform.delivery.channels.sms import VOICE, Spoken, conversation_twiml, text_twiml
from services.platform.delivery.links.signed_forms import Whose
from services.platform.delivery.sms_status.webhook import ReceivedText
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.problems import answer_with_problems
from services.wording import day_and_time, read_words


class AnswerLimit:
    """Of a number's texts within an hour of the clock the 1st, 2nd, 4th, 8th and so on are answered: two machines that
    answer each other stop, and a flood costs little. Nobody knows here who is a carer, so each hour begins anew.
    """

    def __init__(self) -> None:
        self._hour: datetime | None = None
        self._came: Counter[str] = Counter()

    def allows(self, sender: str, now: datetime) -> bool:
        hour = now.replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour, self._came = hour, Counter()
        self._came[sender] += 1
        return self._came[sender].bit_count() == 1


def pages(spool: Spool, hand_over: HandOver, clocks: Clocks, settings: ResponderSettings) -> FastAPI:
    app = FastAPI(title="Safe Return: stand-in", version="1", docs_url=None, redoc_url=None)
    # A disk that takes nothing: Twilio is to send the same again.
    answer_with_problems(app, passing=(OSError,), passes_by_itself=lambda _: True)
    door, notify_door = settings.twilio_door("inbound"), settings.notify_door("inbound")
    words: dict[str, Any] = read_words(FOLDER / "responder.yaml")
    limit = AnswerLimit()

    def keep(text: Text, whose: Whose) -> None:
        try:
            spool.put(text)
        except Exception as error:
            metrics.REFUSED.labels("inbound", "Not now" if isinstance(error, OSError) else "Our fault", whose).inc()
            raise
        hand_over.repeating.wake_after(1)

    @app.post("/texts/inbound", response_class=Response)
    async def keep_text(request: Request) -> Response:
        """A text that carers did not take. On the disk before this answers; the answer claims nothing more."""
        text = read_text(await door.signed_form(request), door, clocks)
        keep(text, Whose.TWILIO)
        if not limit.allows(text.sender, clocks.wall()):
            return Response(NO_ANSWER, media_type="text/xml")
        says = (Template(words["text"][each]).substitute(duty_line=settings.duty_line) for each in LANGUAGES)
        return Response(text_twiml(*says), media_type="text/xml")

    @app.post("/texts/notify/received", status_code=HTTPStatus.NO_CONTENT)
    async def keep_notify_text(request: Request) -> None:
        """As above, once GOV.UK Notify is told this URL. It takes no answer in the response."""
        keep(read_notify_text(await notify_door.read(request, ReceivedText), clocks), Whose.NOTIFY)

    @app.post("/calls/inbound", response_class=Response)
    async def put_through(request: Request) -> Response:
        """Somebody rings. They are put through to the duty team."""
        await door.signed_form(request)
        says = [Spoken(words["call"][each], f"{each}-GB", VOICE[each]) for each in LANGUAGES]
        return Response(conversation_twiml(says, dial=settings.duty_line), media_type="text/xml")

    @app.get("/", response_class=PlainTextResponse)
    def is_it_us() -> str:
        """For whoever wonders whether it is us. Counts and times alone."""
        aside = f"{spool.set_aside} texts were set aside: somebody has to read them.\n" if spool.set_aside else ""
        if not spool.count:
            return f"{aside}No text waits here. If texts get no answer, ask Twilio: https://status.twilio.com\n"
        took = "not since this stand-in started"
        if hand_over.took_at is not None:
            took = day_and_time(hand_over.took_at)
        return f"{aside}It is us. Texts kept here: {spool.count}. Safe Return last took one: {took}.\n"

    return app
