"""A second process of a service takes half of its partitions, and gives them back when it ends."""

import asyncio
import signal

from tests.support.engines.bus import Echo, Kafka, Line
from tests.support.engines.database import Database

CHILDREN = 24
"""Enough for all twelve partitions."""


async def test_the_first_process_lives_while_partitions_go_and_come_back(
    echo: Echo, kafka: Kafka, database: Database
) -> None:
    second, earlier = Echo(kafka, database.port, slot=1), len(echo.log.read_text())
    async with Line(kafka) as line:
        await _report_of_each_child(line)
        await asyncio.to_thread(second.start)
        try:
            await _report_of_each_child(line)
            assert second.end(signal.SIGTERM) == 0
            await _report_of_each_child(line)
        finally:
            second.end(signal.SIGKILL)
        assert set(line.decided.values()) == {1}
    log = echo.log.read_text()[earlier:]
    assert "rebalancing" in log
    assert "a part has failed for good" not in log
    assert echo.end(signal.SIGTERM) == 0


async def _report_of_each_child(line: Line) -> None:
    for _ in range(CHILDREN):
        await line.report()
    await line.all_decided()
