"""Faust that stops consuming by itself ends the process, whoever runs it starts it again, and consuming goes on."""

import asyncio
import signal

import pytest

from tests.support.engines.bus import Echo, Kafka, Line


@pytest.mark.parametrize("how", ["crash", "no-commit"])
async def test_a_service_whose_faust_has_crashed_ends_and_takes_up_where_it_was(
    echo: Echo, kafka: Kafka, how: str
) -> None:
    async with Line(kafka) as line:
        await line.report()
        await line.all_decided()
        await line.report(authority=how)
        assert await asyncio.to_thread(echo.ended) not in {0, -signal.SIGKILL}
        await line.report()
        await asyncio.to_thread(echo.start)
        await line.all_decided()
        assert set(line.decided.values()) == {1}
    assert "a part has failed for good" in echo.log.read_text()
    assert echo.end(signal.SIGTERM) == 0
