"""Answers Twilio while carers cannot, and shows whether it is us who are down: `python -m services responder`.

Kept texts are handed over to carers as Twilio would have sent them, oldest first, once carers take them again.
"""

import asyncio
from collections import Counter
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from string import Template
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import REGISTRY
from pydantic import Field, SecretStr
from starlette.types import ASGIApp

from services.carers import metrics
from services.carers.inbound.intake import Spool
from services.carers.inbound.web import CAME_AT, FLAW, NO_ANSWER, read_notify_text, read_text
from services.carers.messages import LANGUAGES
from services.carers.text import Text
from services.platform.delivery import metrics as delivery_metrics
from services.platform.delivery.channels.sms import VOICE, Spoken, conversation_twiml, signature_of, text_twiml
from services.platform.delivery.settings.keys import OurAddress
from services.platform.delivery.settings.sms import TextSettings
from services.platform.delivery.sms_status.webhook import SIGNATURE, ReceivedText, Whose
from services.platform.runtime import logs
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.runtime.problems import answer_with_problems
from services.platform.runtime.process import Health, Repeating, run_until_told
from services.platform.runtime.server import Web, exposition
from services.wording import day_and_time, read_words

WORDS = Path(__file__).with_name("words.yaml")
EVERY_SECONDS = 10.0
INBOUND = "/texts/inbound"
REFUSES_THE_TEXT = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})
"""Any other refusal is not about the text: a token was changed, or a proxy answered. Nor is a 200 whose body is not
that of carers an answer of theirs.
"""


class StandInSettings(TextSettings):
    """The stand-in needs neither database nor bus. `public_url` is its own address, as Twilio calls and signs it. Its
    keys are its own.
    """

    database_password: SecretStr = SecretStr("none is used")
    twilio_from: str = ""
    spool_dir: Path = Field(description="a folder of the stand-in's own, for texts that it keeps")
    hands_over_to: OurAddress = Field(
        description="the address of carers as Twilio calls it, such as https://safe-return.kestrel.example"
    )
    """The texts travel there."""
    duty_line: str = Field(
        pattern=r"^\+\d{7,15}$",
        description="the duty team's number that callers are put through to, such as +441214960000",
    )


class HandOver:
    """Carers knows a text that it had before by its MessageSid, so one that is handed over twice has one effect."""

    def __init__(
        self,
        settings: StandInSettings,
        spool: Spool,
        clocks: Clocks,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._transport = transport
        self._tokens = settings.twilio_tokens
        self._settings, self._spool, self._clocks = settings, spool, clocks
        self._url = f"{settings.hands_over_to.rstrip('/')}{INBOUND}"
        self.took_at: datetime | None = None
        """When carers last took a text from here."""
        self.repeating = Repeating("hand-over", self.turn, every_seconds=EVERY_SECONDS)

    async def turn(self) -> bool:
        """True while there is more. A text leaves the disk only once carers has answered that it is kept.

        Raises HTTPStatusError if carers did not take a text. Where carers failed at that one, other senders' went on.
        """
        try:
            return await self._hand_over()
        finally:
            metrics.SPOOLED.set(self._spool.count)
            metrics.SET_ASIDE.set(self._spool.set_aside)

    async def _hand_over(self) -> bool:
        kept = await asyncio.to_thread(self._spool.oldest) if self._spool.count else []
        if not kept:
            return False
        async with httpx.AsyncClient(timeout=15, trust_env=False, transport=self._transport) as client:
            failed: dict[str, httpx.Response] = {}
            for name, text in kept:
                if text.sender in failed:
                    continue
                form = self._form(text)
                signed = {SIGNATURE: signature_of(self._url, form, self._tokens()[0])}
                answer = await client.post(self._url, data=form, headers=signed)
                if answer.status_code in REFUSES_THE_TEXT:
                    # It would hold up all that came after it. A person has to look.
                    logger().error("carers refuses a kept text, and it was set aside", status=answer.status_code)
                    await asyncio.to_thread(self._spool.refuse, name)
                    continue
                if answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
                    failed[text.sender] = answer
                    continue
                answer.raise_for_status()
                if answer.text != NO_ANSWER:
                    raise httpx.HTTPStatusError("another answers", request=answer.request, response=answer)
                self._spool.forget(name)
                self.took_at = self._clocks.wall()
        for answer in failed.values():
            answer.raise_for_status()
        return self._spool.count > 0

    def _form(self, text: Text) -> dict[str, str]:
        pictures = {f"MediaUrl{number}": each for number, each in enumerate(text.pictures)}
        return {
            "AccountSid": self._settings.twilio_account_sid,
            "MessageSid": text.sid,
            "From": text.sender,
            "To": text.to,
            "Body": text.body + text.rest,
            CAME_AT: text.received_at.isoformat(),
            **({FLAW: text.flaw} if text.flaw else {}),
            **pictures,
        }


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


def pages(spool: Spool, hand_over: HandOver, clocks: Clocks, settings: StandInSettings) -> FastAPI:
    app = FastAPI(title="Safe Return: stand-in", version="1", docs_url=None, redoc_url=None)
    # A disk that takes nothing: Twilio is to send the same again.
    answer_with_problems(app, passing=(OSError,), passes_by_itself=lambda _: True)
    door, notify_door = settings.twilio_door("inbound"), settings.notify_door("inbound")
    words: dict[str, Any] = read_words(WORDS)
    limit = AnswerLimit()

    def keep(text: Text, whose: Whose) -> None:
        try:
            spool.put(text)
        except Exception as error:
            delivery_metrics.REFUSED.labels(
                "inbound", "Not now" if isinstance(error, OSError) else "Our fault", whose
            ).inc()
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


async def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    settings, clocks = StandInSettings(), Clocks()
    logs.configure("responder", settings.slot)
    spool = Spool(settings.spool_dir, settings.keyring)
    hand_over = HandOver(settings, spool, clocks)
    web = Web(serve(spool, hand_over, clocks, settings), settings.http_port, settings.http_host)
    await run_until_told([hand_over.repeating, web])


def serve(spool: Spool, hand_over: HandOver, clocks: Clocks, settings: StandInSettings) -> ASGIApp:
    """With the metrics and obstacles by which alerts tell of it: nobody looks at a stand-in."""
    health = Health()
    health.watch(hand_over.repeating.name, hand_over.repeating.obstacle)
    return exposition(REGISTRY, health, pages(spool, hand_over, clocks, settings), settings.metrics_network)
