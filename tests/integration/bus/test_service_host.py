"""How a service is put together: what tells of it starts first, and what tells others that it stops is the first to stop."""

import pytest
from prometheus_client import generate_latest

from services.platform.bus import service_host
from services.platform.bus.service_host import ServiceHost
from services.platform.runtime import spans
from services.platform.runtime.process import Drain
from services.platform.runtime.server import Web
from services.platform.runtime.span_exporter import SpanTracer
from tests.support.engines.database import Database
from tests.support.signatures import BUS_KEYS, KEYS


@pytest.mark.parametrize("collector", ["", "http://127.0.0.1:1"])
async def test_what_a_service_runs_from_first_to_last(
    database: Database, monkeypatch: pytest.MonkeyPatch, collector: str
) -> None:
    ran: list[object] = []

    async def note(parts: list[object]) -> None:
        ran.extend(parts)

    monkeypatch.setenv("SAFE_RETURN_SIGNING_KEY", KEYS["police"])
    monkeypatch.setenv("SAFE_RETURN_BUS_KEYS", BUS_KEYS)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
    monkeypatch.setattr("services.platform.runtime.logs.configure", lambda *_: None)
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
