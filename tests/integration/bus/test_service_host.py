"""How a service is put together: what tells of it starts first, and what tells others that it stops is the first to stop."""

from typing import Any
from unittest.mock import AsyncMock

import pytest
from prometheus_client import generate_latest

from services.platform.bus import service_host
from services.platform.bus.faust_consumer import FaustConsumer
from services.platform.bus.message_processor import Subscription
from services.platform.bus.service_host import ServiceHost
from services.platform.runtime import spans
from services.platform.runtime.process import Drain, Repeating
from services.platform.runtime.server import Web
from services.platform.runtime.span_exporter import SpanTracer
from services.safeguarding.child_events.events import ChildReportedMissing
from tests.support.engines.database import Database
from tests.support.signatures import BUS_KEYS, KEYS


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFE_RETURN_SIGNING_KEY", KEYS["police"])
    monkeypatch.setenv("SAFE_RETURN_BUS_KEYS", BUS_KEYS)
    monkeypatch.setattr("services.platform.runtime.logs.configure", lambda *_: None)


@pytest.mark.parametrize("collector", ["", "http://127.0.0.1:1"])
async def test_what_a_service_runs_from_first_to_last(
    database: Database, monkeypatch: pytest.MonkeyPatch, collector: str
) -> None:
    ran: list[object] = []

    async def note(parts: list[object]) -> None:
        ran.extend(parts)

    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
    monkeypatch.setattr(service_host, "run_until_told", note)
    settings = database.settings("police").model_copy(update={"version": "0.2.0", "drain_seconds": 0})
    host = ServiceHost("police", settings)
    await host.run()
    first, web, last = ran[0], ran[-2], ran[-1]
    if isinstance(first, SpanTracer):
        await first.stop()
    spans._tracers.clear()
    assert isinstance(first, SpanTracer) == bool(collector)
    assert isinstance(web, Web)
    assert isinstance(last, Drain)
    assert b'process_build_info{version="0.2.0"} 1.0' in generate_latest()
    assert host.health.accepting
    await last.stop()
    assert not host.health.accepting


async def test_http_is_open_before_the_bus_is_consumed_and_after_all_else(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faust waits for seconds for a Kafka that is away; a text needs PostgreSQL alone."""
    started: list[str] = []

    async def start_each(parts: list[Any]) -> None:
        started.extend(type(part).__name__ for part in parts)

    monkeypatch.setattr(service_host, "run_until_told", start_each)
    host = ServiceHost("police", database.settings("police"))
    host.subscribe([Subscription(ChildReportedMissing, AsyncMock())], consumer=FaustConsumer)

    async def sweep() -> None: ...

    host.add_periodic(Repeating("sweep", sweep, every_seconds=1))
    await host.run()
    assert started[-3:] == ["Web", "FaustConsumer", "Drain"]
    assert "Repeating" in started[:-3]
