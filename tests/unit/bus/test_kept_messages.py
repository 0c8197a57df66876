"""What was acknowledged while a log's leader changed is looked for, though it comes while that change is looked at."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest
from aiokafka import TopicPartition

from services.platform.bus import connection, kept_messages
from services.platform.bus.kept_messages import KeptMessages, Log
from services.platform.store import outbox
from services.platform.store.outbox import Unsent, Written

PLACE = TopicPartition("child-events", 0)
BEFORE, AFTER = ({PLACE: Log("log", epoch, 1)} for epoch in (4, 5))
MESSAGE = Unsent(1, "child-x", "child-events", b"")
SILENT, LOST = (Written("child-events", "log", each, 4) for each in (0, 1))
ACKNOWLEDGED: Any = SimpleNamespace(topic_partition=PLACE, partition=0, offset=9)


async def test_what_comes_late_from_the_epoch_before_is_looked_for_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_messages, "find_logs", AsyncMock(return_value=AFTER))
    store, asked = MagicMock(), list[object]()
    kept = KeptMessages(store, AsyncMock(), AsyncMock(), MagicMock())

    async def written(query: object) -> list[object]:
        """The first time, a message of the epoch before is acknowledged while the database is asked."""
        asked.append(query)
        if len(asked) == 1:
            assert kept.place(MESSAGE, ACKNOWLEDGED, BEFORE).epoch == 4
        return []

    store.read.return_value.__aenter__.return_value.fetch = written
    for looks in (1, 2, 2):
        await kept._turn()
        assert len(asked) == looks


async def test_what_others_have_lost_does_not_wait_for_a_leader_that_does_not_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logs = {TopicPartition("child-events", each): Log("log", 5, 1) for each in (0, 1)}
    ends = {(TopicPartition("child-events", 1), 4): 7}
    put_back = AsyncMock(side_effect=[["child-x"], []] * 2)
    monkeypatch.setattr(kept_messages, "find_logs", AsyncMock(return_value=logs))
    monkeypatch.setattr(kept_messages, "find_ends", AsyncMock(return_value=ends))
    monkeypatch.setattr(outbox, "put_back", put_back)
    store, wake = MagicMock(), MagicMock()
    store.read.return_value.__aenter__.return_value.fetch = AsyncMock(return_value=[SILENT, LOST])
    kept = KeptMessages(store, AsyncMock(), AsyncMock(), wake)
    await kept._turn()
    assert [call.args[1] for call in put_back.await_args_list] == [[replace(LOST, ends_at=7)]] * 2
    assert (wake.call_count, connection.UNCHECKED._value.get()) == (1, 1)
    ends[TopicPartition("child-events", 0), 4] = 9
    await kept._turn()
    assert (put_back.await_count, connection.UNCHECKED._value.get()) == (4, 0), "it is asked again"
    await kept._turn()
    assert put_back.await_count == 4
