"""Knows which way to text fails, by its own failures and carers' probes, and which numbers are an authority's own."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import SendRequest, SendResult, TextWay
from services.platform.delivery.model import WayName
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating
from services.platform.store.query import Query, all_rows
from services.platform.store.unit_of_work import Store

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
    SELECT authority, text_number AS twilio, notify_number AS notify, notify_sender FROM register.duty_lines
    WHERE text_number IS NOT NULL OR notify_number IS NOT NULL
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
        if row is None:
            return None
        return str(row.twilio) if way.way == "twilio" else str(row.notify_sender)

    def _own(self, way: TextWay) -> dict[str | None, Any]:
        return {number: row for row in self._numbers if (number := getattr(row, way.way)) is not None}
