"""Texts our number at each provider by way of another: what does not come back in time shows a way that fails.

A provider's receipts tell only what it believes. What came to our own number has been all the way.
"""

import re
import secrets
from datetime import timedelta
from uuid import uuid4

from services.carers.text import Text
from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import SendRequest
from services.platform.delivery.channels.text_ways import Texts
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.process import Repeating
from services.platform.store.engine import is_transient
from services.platform.store.query import Query
from services.platform.store.unit_of_work import Store

EVERY = timedelta(minutes=15)
LETTERS = 16
PROBE = re.compile(f"probe [0-9a-f]{{{LETTERS}}}")
"""No person's text, however late it comes and whatever number a network says that it is from."""
LOOK_EVERY_SECONDS = 15.0
CLAIM = """
    INSERT INTO delivery.text_ways (way, probe, sent_at) VALUES (%(way)s, %(probe)s, %(now)s)
    ON CONFLICT (way) DO UPDATE SET probe = excluded.probe, sent_at = excluded.sent_at
    WHERE text_ways.sent_at <= %(due)s RETURNING way
"""
"""One process has it: the others' turn comes when the next is due."""
WAITS = """
    UPDATE delivery.text_ways SET waiting_since = coalesce(waiting_since, sent_at)
    WHERE probe = %(probe)s AND (came_back_at IS NULL OR came_back_at < sent_at)
"""
"""Once it is sent: of a process that dies before, nothing comes back, and its way has not failed. One that dies after
leaves the way untried until the next.
"""
CAME_BACK = """
    UPDATE delivery.text_ways SET waiting_since = NULL, came_back_at = greatest(%(now)s, sent_at)
    WHERE probe = %(probe)s RETURNING way
"""


class Probes:
    """Nothing is sent where there is one way alone. `delivery.channels.ways.health` reads what is found here."""

    def __init__(self, store: Store, clocks: Clocks, texts: Texts) -> None:
        self._store, self._clocks = store, clocks
        numbered = [way for way in texts.ways if way.number]
        self._pairs = list(zip(numbered, [*numbered[1:], numbered[0]], strict=True)) if len(numbered) > 1 else []
        self.numbers = frozenset(way.number for way, _ in self._pairs)
        """What comes from them is no person's text."""
        for way, _ in self._pairs:
            metrics.WAY_TRIED.labels(way.way).set(clocks.wall().timestamp())
        self.sending = Repeating("text probes", self.turn, every_seconds=LOOK_EVERY_SECONDS)

    async def turn(self) -> None:
        for way, other in self._pairs:
            now, probe = self._clocks.wall(), f"probe {secrets.token_hex(LETTERS // 2)}"
            claim = {"way": way.way, "probe": probe, "now": now, "due": now - EVERY}
            async with self._store.transaction() as uow:
                is_ours = await uow.fetch(Query(CLAIM, claim, bool))
            if is_ours:
                metrics.WAY_TRIED.labels(way.way).set(now.timestamp())
                probing = SendRequest(
                    uuid4(), 1, other.number, probe, (), urgent=True, uncertain=False, created_at=now, now=now
                )
                try:
                    await way.text(probing, None)
                finally:
                    async with self._store.transaction() as uow:
                        uow.write(WAITS, {"probe": probe})

    async def take(self, text: Text) -> bool:
        """Whether it is one of ours: one that came back, or anything else from our own number, which says nothing."""
        said = text.body.strip()
        if text.sender not in self.numbers and not PROBE.fullmatch(said):
            return False
        try:
            async with self._store.transaction() as uow:
                await uow.fetch(Query(CAME_BACK, {"probe": said, "now": self._clocks.wall()}, bool))
        except Exception as error:
            if not is_transient(error):
                raise
        return True
