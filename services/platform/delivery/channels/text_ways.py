"""Sends a text by one of our ways: by the second only what the first has surely not taken (docs/decisions/0089).

Which way fails is known by its own failures and carers' probes.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import SendRequest, SendResult, TextWay
from services.platform.delivery.channels.sms import REPEAT_MARK, STRANGERS_ANSWER_WITHIN, TwilioWay
from services.platform.delivery.model import MediumName, WayName
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.runtime.process import Repeating
from services.platform.store.query import Query, all_rows
from services.platform.store.unit_of_work import Store
from services.safeguarding.duty.decisions import AttemptResult

BACK_WITHIN = timedelta(seconds=90)
"""A probe that takes longer, or never comes back, makes its way the second one."""
LOST_IN_A_ROW = 3
SECOND_FOR = timedelta(minutes=1)
"""After so many failures in a row a way is the second one for so long. Then one text tries it again."""
READ_EVERY_SECONDS = 10.0
WAYS = """
    SELECT way, coalesce(waiting_since < %(since)s, false) AND sent_at > %(since)s - interval '1 hour' AS fails,
        extract(epoch FROM came_back_at - sent_at)::float AS seconds, came_back_at >= sent_at AS is_back
    FROM delivery.text_ways
"""
"""Where nobody has texted ourselves for an hour, nobody knows."""
NUMBERS = """
    SELECT authority, way, number, sender FROM register.own_numbers
"""


class WayHealth:
    """As this process knows it. Without a store nothing is read."""

    def __init__(self, store: Store | None = None, clocks: Clocks | None = None) -> None:
        self._store, self._clocks = store, clocks
        self._lost: Counter[WayName | None] = Counter()
        self._second_until: dict[WayName | None, datetime] = {}
        self._failing: frozenset[WayName] = frozenset()
        self._numbers: Iterable[Any] = ()
        self.watch = Repeating("text ways", self.read, every_seconds=READ_EVERY_SECONDS)

    async def read(self) -> None:
        if self._store is None or self._clocks is None:
            return
        since = self._clocks.wall() - BACK_WITHIN
        async with self._store.read() as reader:
            ways, self._numbers = await reader.fetch(
                Query(WAYS, {"since": since}, all_rows), Query(NUMBERS, {}, all_rows)
            )
        self._failing = frozenset(each.way for each in ways if each.fails)
        for each in ways:
            metrics.WAY_FAILING.labels(each.way).set(each.fails)
            if each.is_back:
                metrics.WAY_SECONDS.labels(each.way).set(each.seconds)

    def note(self, answer: SendResult, now: datetime) -> None:
        if not answer.lane_fails:
            self._lost[answer.way] = 0
            self._second_until.pop(answer.way, None)
            return
        self._lost[answer.way] += 1
        if self._lost[answer.way] >= LOST_IN_A_ROW:
            self._second_until[answer.way] = now + SECOND_FOR

    def ordered(self, ways: Iterable[TextWay], sending: SendRequest) -> list[TextWay]:
        """A way that fails last; before the usual order, the way whose number was texted."""

        def place(way: TextWay) -> tuple[bool, bool]:
            second_until = self._second_until.get(way.way)
            fails = way.way in self._failing or (second_until is not None and sending.now < second_until)
            texted = sending.texted is not None and sending.texted in {way.number, *self._own(way)}
            return fails, not texted

        return sorted(ways, key=place)

    def sender(self, way: TextWay, sending: SendRequest) -> str | None:
        """How the provider knows the number to send from: the one texted, or the authority's own. None: its usual."""
        if sending.texted is not None and sending.texted == way.number:
            return None
        own = self._own(way)
        row = own.get(sending.texted) or next(
            (each for each in own.values() if each.authority == sending.authority), None
        )
        return None if row is None else str(row.sender or row.number)

    def _own(self, way: TextWay) -> dict[str | None, Any]:
        return {row.number: row for row in self._numbers if row.way == way.way}


ASKED_FOR = {True: timedelta(seconds=40), False: timedelta(minutes=15)}
"""By urgency. For so long after a text was put, a way that may have it and does not say keeps it from the other way.
After that, silence is worse than a repeat.
"""


class Texts:
    """The channel. Twilio reads out what cannot be texted. Of one text all attempts, by whichever way, have one id."""

    name: MediumName = "text"

    def __init__(self, twilio: TwilioWay, *others: TextWay, health: WayHealth | None = None) -> None:
        self.ways: list[TextWay] = [twilio, *others]
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
