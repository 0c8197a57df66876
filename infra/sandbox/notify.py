"""Plays GOV.UK Notify behind its API: texts to handsets, and callbacks with receipts and the texts that come in."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

import aiohttp

from infra.sandbox.behaviours import Behaviours, Mode, current_mode
from infra.sandbox.config import NotifyService
from infra.sandbox.errands import Errands
from infra.sandbox.texts import Text

if TYPE_CHECKING:
    from infra.sandbox.phone_network import PhoneNetwork

SECONDS_TO_HANDSET = 0.2
CALLBACK_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Notify waits five minutes before each of its five repeats."""
ENDS = frozenset({"delivered", "permanent-failure", "temporary-failure", "technical-failure"})


class Notify:
    """The texts lie with the phone network's others."""

    def __init__(
        self, network: "PhoneNetwork", behaviours: Behaviours, session: aiohttp.ClientSession, errands: Errands
    ) -> None:
        self._network, self._behaviours, self._session, self._errands = network, behaviours, session, errands

    def send(self, service: NotifyService, recipient: str, body: str, sender: str, reference: str | None) -> Text:
        """Accept a text to a handset."""
        text = Text(sender, recipient, body, "outbound-api", "created", service=service, reference=reference)
        self._network.texts.add(text)
        self._errands.start(self._deliver(text, service))
        return text

    async def _deliver(self, text: Text, service: NotifyService) -> None:
        behaviour = self._behaviours.notify
        text.becomes("sending")
        slow = current_mode(behaviour) is Mode.SLOW
        await asyncio.sleep(behaviour.delay_seconds if slow else SECONDS_TO_HANDSET)
        if behaviour.delivery == "none":
            return
        if behaviour.delivery == "delivered":
            self._network.arrive(text)
        else:
            text.becomes(behaviour.delivery)
        if service.receipts_url:
            await self._call_back(service.receipts_url, service.bearer, receipt(text), text)

    async def forward(self, text: Text, service: NotifyService) -> None:
        """Hand a text that came in over to the application."""
        if service.received_url:
            await self._call_back(service.received_url, service.received_bearer, received(text), text)

    async def _call_back(self, url: str, bearer: str, document: dict[str, Any], text: Text) -> None:
        """Repeat after no answer, 429 and 5xx, as Notify does."""
        for pause in (*CALLBACK_PAUSES, None):
            text.count_attempt()
            try:
                async with self._session.post(
                    url, json=document, headers={"Authorization": f"Bearer {bearer}"}
                ) as answer:
                    text.answered = answer.ok
                    if answer.status < 500 and answer.status != 429:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            if pause is not None:
                await asyncio.sleep(pause)


def notify_id(text: Text) -> str:
    """Make the UUID that Notify would know a text by, of the sandbox's own id."""
    digits = text.sid.removeprefix("SM")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def receipt(text: Text) -> dict[str, Any]:
    """Write a delivery receipt as Notify's documentation has it."""
    return {
        "id": notify_id(text),
        "reference": text.reference,
        "to": text.recipient,
        "status": text.status,
        "created_at": written(text.created_at),
        "completed_at": written(text.updated_at) if text.status in ENDS else None,
        "sent_at": written(text.created_at),
        "notification_type": "sms",
        "template_id": text.service.template_id if text.service else None,
        "template_version": 1,
    }


def received(text: Text) -> dict[str, str]:
    """Write a received text as Notify's documentation has it: numbers without a plus."""
    return {
        "id": notify_id(text),
        "source_number": text.sender.removeprefix("+"),
        "destination_number": text.recipient.removeprefix("+"),
        "message": text.body,
        "date_received": written(text.created_at),
    }


def written(moment: datetime) -> str:
    """Write a time as Notify does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
