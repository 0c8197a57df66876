"""Sends a text by one of our ways: by the second only what the first has surely not taken (docs/decisions/0089)."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import SendRequest, SendResult, TextWay
from services.platform.delivery.channels.sms import REPEAT_MARK, STRANGERS_ANSWER_WITHIN, TwilioWay
from services.platform.delivery.channels.ways.health import WayHealth
from services.platform.delivery.model import MediumName
from services.platform.runtime.logs import logger
from services.safeguarding.duty.evidence import AttemptResult

ASKED_FOR = {True: timedelta(seconds=40), False: timedelta(minutes=15)}
"""By urgency. For so long after a text was put, a way that may have it and does not say keeps it from the other way.
After that, silence is worse than a repeat.
"""


class Texts:
    """The channel. Twilio reads out what cannot be texted. Of one text all attempts, by either way, have one id."""

    name: MediumName = "text"

    def __init__(self, twilio: TwilioWay, notify: TextWay | None = None, health: WayHealth | None = None) -> None:
        self.ways: list[TextWay] = [twilio] if notify is None else [twilio, notify]
        self._twilio, self._health = twilio, health or WayHealth()
        self.obstacle = self._health.watch.obstacle

    async def start(self) -> None:
        for way in self.ways:
            await way.start()
        await self._health.watch.start()

    async def stop(self) -> None:
        await self._health.watch.stop()
        for way in self.ways:
            await way.stop()

    async def delete_copy(self, sid: str) -> bool:
        """Deletes what Twilio keeps of a text, call or recording; Notify forgets by itself. False: not now."""
        return await self._twilio.delete_copy(sid)

    async def send(self, sending: SendRequest) -> SendResult:
        """An urgent text that a number cannot take is read out by a call at once, but never to a stranger."""
        if sending.by_voice:
            return await self._twilio.ring(sending)
        if sending.to_stranger and sending.now - sending.created_at > STRANGERS_ANSWER_WITHIN:
            return SendResult(AttemptResult.REFUSED, reason="undeliverable")
        ways = self._health.ordered(self.ways, sending)
        if sending.uncertain:
            found, ways = await _look_up(ways, sending)
            if found is not None:
                return found
        text = replace(sending, body=REPEAT_MARK + sending.body) if sending.uncertain else sending
        refused = []
        for way in ways:
            answer = await self._text(way, text)
            self._health.note(answer, sending.now)
            if not answer.leaves_another_way:
                return answer
            refused.append(answer)
        return await self._close(sending, refused)

    async def _text(self, way: TextWay, sending: SendRequest) -> SendResult:
        """By the number that fits, or by the way's usual one where the provider does not have that: an authority's own
        may have gone back, and at Notify it belongs to a single service of ours.
        """
        sender = self._health.sender(way, sending)
        answer = await way.text(sending, sender)
        if answer.not_by_sender and sender is not None:
            logger().warning("a text goes out by the usual number, not by the authority's own", name=way.way)
            answer = await way.text(sending, None)
        return replace(answer, way=way.way)

    async def _close(self, sending: SendRequest, refused: Sequence[SendResult]) -> SendResult:
        """No way takes it now."""
        for_good = [each for each in refused if each.result is AttemptResult.REFUSED]
        if for_good and sending.urgent and not sending.to_stranger:
            metrics.SECOND_ROUTE.labels("refused").inc()
            return await self._twilio.ring(sending)
        return next((each for each in refused if each.result is AttemptResult.RETRY), refused[-1])


async def _look_up(ways: list[TextWay], sending: SendRequest) -> tuple[SendResult | None, list[TextWay]]:
    """What became of a text whose answer was lost; where no way has it, the ways that it may go by."""
    found = await asyncio.gather(*(way.look_up(sending) for way in ways))
    for way, each in zip(ways, found, strict=True):
        if each is not None and each.result is not AttemptResult.UNKNOWN:
            return replace(each, way=way.way), ways
    say = [way for way, each in zip(ways, found, strict=True) if each is None]
    waits = sending.now - sending.created_at < ASKED_FOR[sending.urgent]
    if not say or (len(say) < len(ways) and waits):
        return SendResult(AttemptResult.UNKNOWN), ways
    return None, say
