"""A service that starts while Kafka is away runs all the same, says so, and consumes once Kafka is back."""

import signal
from dataclasses import replace

import httpx

from tests.support.engines.bus import Echo, Kafka, Line
from tests.support.engines.database import Database
from tests.support.engines.proxy import proxy_to


async def test_a_service_that_starts_without_kafka_answers_http_and_consumes_when_kafka_is_back(
    echo: Echo, kafka: Kafka, database: Database
) -> None:
    async with proxy_to(int(kafka.address.rpartition(":")[2])) as way, Line(kafka) as line:
        await line.report()
        await line.all_decided()
        echo.end(signal.SIGTERM)
        await way.cut()
        echo = Echo(replace(kafka, address=f"127.0.0.1:{way.port}"), database.port)
        echo.start()
        try:
            async with httpx.AsyncClient(base_url=echo.url, timeout=30) as client:
                assert (await client.get("/health/live")).status_code == 200
                not_ready = await client.get("/health/ready")
                assert not_ready.status_code == 503
                assert "Kafka is away" in not_ready.text
                await line.report()
                await way.mend()
                await line.all_decided()
                assert "Kafka is away" not in (await client.get("/health/ready")).text
        finally:
            assert echo.end(signal.SIGTERM) == 0


async def test_a_service_that_never_found_kafka_stops_in_order(kafka: Kafka, database: Database) -> None:
    echo = Echo(replace(kafka, address="127.0.0.1:1"), database.port)
    echo.start()
    assert echo.end(signal.SIGTERM) == 0
