"""A child whose case cannot be decided upon, whatever is said of it: the people on duty know, and nothing breeds."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.platform.bus import message_processor
from services.platform.bus.consumer import Consumer
from services.platform.bus.message_processor import MessageProcessor, Prefetch
from services.platform.bus.outbox_relay import OutboxRelay
from services.platform.messages.envelope import Raw, Received, read
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Origin, Store
from services.protocol.editions.choice import RulesInForce
from services.protocol.handlers import Handlers
from services.protocol.loader import files
from services.protocol.store import held_cases, remember
from services.safeguarding.child_events.events import ChildReportedMissing, PoliceClosed
from services.safeguarding.duty.decisions import MessageDeadLettered
from services.safeguarding.duty.duties import Duty, DutyAccepted
from services.safeguarding.identifiers import new_id
from services.safeguarding.message import Message, Topic
from tests.support.engines.database import Database
from tests.support.histories.reading import unsent_of
from tests.support.signatures import SIGNERS, SPEAKERS, say

MISSING = ChildReportedMissing(authority="northshire", channel="agency")
CLOSED = PoliceClosed(authority="northshire", force="northmoor-police", reply="reply")
ROUNDS_AT_MOST = 10


class Settled:
    """In the publisher's place: nothing is published, so that the outbox can be read."""

    async def wait_published(self, _keys: list[str]) -> None: ...


class Bus:
    """Brings the protocol what it says, and that each of its texts was taken."""

    def __init__(self, database: Database, child: str) -> None:
        self.child, self.clocks = child, Clocks()
        self.store = Store(database.engine("protocol"), origin=Origin("protocol", self.clocks, SIGNERS["protocol"]))
        handlers = Handlers(RulesInForce(files()), self.clocks)
        self.processor = MessageProcessor(
            "protocol",
            self.store,
            cast("OutboxRelay", Settled()),
            self.clocks,
            SPEAKERS,
            handlers.subscriptions(),
            handlers.last_resort,
            prefetch=Prefetch(lambda several: held_cases({each.subject for each in several}), remember),
            most_bundles=Consumer.BUNDLES_AT_ONCE,
        )
        self._brought: set[str] = set()

    async def brings(self, content: Message) -> None:
        """With all that follows from it, until nothing more does."""
        await self._bring(say(content, subject=self.child, at=self.clocks.story()), content.topic)
        for _ in range(ROUNDS_AT_MOST):
            news = [each for each in await self.said() if each.id not in self._brought]
            if not news:
                return
            for each in news:
                self._brought.add(each.id)
                if isinstance(each.content, MessageDeadLettered):
                    await self._bring(each.raw, each.content.topic)
                elif isinstance(each.content, Duty):
                    taken = DutyAccepted(duty=each.content.duty, step=0, authority=each.content.authority)
                    await self._bring(say(taken, subject=self.child, at=self.clocks.story()), taken.topic)
        pytest.fail("each brings about the next")

    async def said(self) -> list[Received[Message]]:
        async with self.store.engine.connect() as connection:
            return [read(each.envelope) for each in await unsent_of(connection, self.child)]

    async def letters_about(self) -> list[str]:
        said = [each.content for each in await self.said()]
        return sorted(each.original_kind or "" for each in said if isinstance(each, MessageDeadLettered))

    async def texts(self) -> list[Any]:
        return [each.content for each in await self.said() if isinstance(each.content, Duty)]

    async def _bring(self, envelope: bytes, topic: Topic) -> None:
        raw = Raw(envelope, topic, f"{topic}/0/{uuid4().int}")
        assert await self.processor.process_batch([raw]) == 1


@pytest.fixture
async def bus(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bus]:
    """Its child has a case with a field of a later release."""
    monkeypatch.setattr(message_processor, "ATTEMPT_PAUSE_SECONDS", 0.0)
    bus = Bus(database, new_id("child"))
    row = {"child": bus.child, "state": f'{{"child": "{bus.child}", "of_a_later_release": 1}}'}
    async with bus.store.engine.begin() as connection:
        written = "INSERT INTO protocol.cases (child, version, state) VALUES (:child, 0, :state)"
        await connection.execute(text(written), row)
    yield bus
    await bus.store.close()


async def test_each_role_is_told_of_each_report_and_else_once_a_day_and_every_letter_is_kept(bus: Bus) -> None:
    await bus.brings(MISSING)
    assert [each.role for each in await bus.texts()] == ["duty.worker", "duty.senior-manager", "duty.head-of-service"]
    of_texts = [DutyAccepted.kind] * 3
    assert await bus.letters_about() == [MISSING.kind, *of_texts, *[MessageDeadLettered.kind] * 4]
    await bus.brings(CLOSED)
    assert len(await bus.texts()) == 3
    assert (await bus.letters_about()).count(CLOSED.kind) == 1
    await bus.brings(MISSING)
    assert len({each.duty for each in await bus.texts()}) == len(await bus.texts()) == 6
    bus.clocks.move_to(timedelta(days=1))
    for _ in range(2):
        await bus.brings(CLOSED)
        assert len({each.duty for each in await bus.texts()}) == len(await bus.texts()) == 9
