"""What was acknowledged while a log's leader changed is looked for, though it comes while that change is looked at."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest
from aiokafka import TopicPartition

from services.platform.bus.publishing import kept_messages
from services.platform.bus.publishing.kept_messages import KeptMessages
from services.platform.bus.publishing.log_epochs import Log
from services.platform.store.outbox import Unsent

PLACE = TopicPartition("child-events", 0)
BEFORE, AFTER = ({PLACE: Log("log", epoch, 1)} for epoch in (4, 5))
MESSAGE = Unsent(1, "child-x", "child-events", b"")
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
