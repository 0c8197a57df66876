"""What is done with messages once Kafka has them."""

import asyncio
from unittest.mock import MagicMock

import pytest

from services.platform.bus.outbox_relay import OutboxRelay
from services.platform.store import outbox
from services.platform.store.outbox import Sent


async def test_removals_that_run_at_once_take_each_message_out_once_and_none_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The relay's own turn, and that of the check of what is kept, which begins when a log's leader changes. A message
    that the check has put back meanwhile would be taken out as published, and be lost.
    """
    kept = list[int]()

    async def keep(connection: object, sent: list[Sent]) -> None:
        await asyncio.sleep(0)
        kept.extend(each.position for each in sent)

    monkeypatch.setattr(outbox, "keep", keep)
    relay = OutboxRelay(MagicMock(), MagicMock(), MagicMock(), MagicMock())
    relay._published = {position: Sent(position, "child-x", "log", 0, 1, position) for position in (1, 2)}
    await asyncio.gather(relay._remove(), relay._remove())
    assert (sorted(kept), relay._published) == ([1, 2], {})
