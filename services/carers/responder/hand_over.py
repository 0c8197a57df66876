"""Hands kept texts over to carers as Twilio would have sent them, oldest first, once carers take them again."""

import asyncio
from datetime import datetime
from http import HTTPStatus

import httpx

from services.carers import metrics
from services.carers.inbound.spool import Spool
from services.carers.inbound.web import CAME_AT, FLAW, NO_ANSWER
from services.carers.settings import ResponderSettings
from services.carers.text import Text
from services.platform.delivery.channels.sms import signature_of
from services.platform.delivery.links.signed_forms import SIGNATURE
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.runtime.periodic import Repeating

EVERY_SECONDS = 10.0
INBOUND = "/texts/inbound"
REFUSES_THE_TEXT = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})
"""Any other refusal is not about the text: a token was changed, or a proxy answered. Nor is a 200 whose body is not
that of carers an answer of theirs.
"""


class HandOver:
    """Carers knows a text that it had before by its MessageSid, so one that is handed over twice has one effect."""

    def __init__(
        self,
        settings: ResponderSettings,
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
