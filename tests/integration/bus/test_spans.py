"""One report's spans form one tree, hold nothing of whom it is about, and a collector that is away costs nothing."""

import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from structlog.testing import capture_logs

from services.platform.bus.message_processor import MessageProcessor, Subscription
from services.platform.bus.outbox_relay import OutboxRelay
from services.platform.delivery.model import Delivery
from services.platform.messages.envelope import Raw, Received
from services.platform.runtime import spans
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.span_exporter import SpanTracer
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Origin, Store, UnitOfWork
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.duty.duties import DutyOutcomes, PoliceNotify
from services.safeguarding.identifiers import new_id, trace_of
from services.safeguarding.message import Message, Topic
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.histories.reading import unsent_of
from tests.support.in_process.delivery import PlayedMedium, all_withdrawn, eventually, received, running_floor
from tests.support.signatures import SIGNERS, SPEAKERS

TRACE = trace_of("text", "SM1")


class Collector(ThreadingHTTPServer):
    """Keeps the spans that it is sent. Answers none while `answers` is not set."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.bodies: list[bytes] = []
        self.asked, self.answers = threading.Event(), threading.Event()
        self.answers.set()

    @property
    def spans(self) -> dict[str, Span]:
        """By name. Each is expected once."""
        found: dict[str, Span] = {}
        for body in self.bodies:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for span in (each for scope in resource.scope_spans for each in scope.spans):
                    assert span.name not in found
                    found[span.name] = span
        return found


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        here = cast("Collector", self.server)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        here.asked.set()
        here.answers.wait(180)
        here.bodies.append(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.answers.set()
        server.shutdown()


@contextmanager
def exporting(monkeypatch: pytest.MonkeyPatch, port: int) -> Iterator[SpanTracer]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    tracer = cast("SpanTracer", spans.tracer_of("police"))
    try:
        yield tracer
    finally:
        spans._tracers.clear()


class Settled:
    async def wait_published(self, keys: object) -> None: ...


class Chain:
    """What each service's processor makes of a report, over one database."""

    def __init__(self, database: Database) -> None:
        services = ("carers", "protocol", "police")
        self.stores = {each: Store(database.engine(each), origin=Origin(each, Clocks())) for each in services}
        self.child = new_id("child")

    async def report(self) -> None:
        with spans.measure("text", TRACE, "SERVER"):
            async with self.stores["carers"].transaction() as uow:
                report = ChildReportedMissing(authority="kestrel")
                uow.publish(report, subject=self.child, at=datetime.now(UTC), trace=TRACE)

    async def process(self, by: str, said_by: str, event: type[Message], handler: Any) -> None:
        """Gives to `by` what the other has said."""
        processor = MessageProcessor(
            by,
            self.stores[by],
            cast("OutboxRelay", Settled()),
            Clocks(),
            SPEAKERS,
            [Subscription(event, handler)],
            most_bundles=4,
        )
        async with self.stores[said_by].engine.connect() as connection:
            said = await unsent_of(connection, self.child)
        raw = [
            Raw(SIGNERS[said_by].sign(each.envelope), Topic(each.topic), f"{each.topic}/0/{number}")
            for number, each in enumerate(said)
            if json.loads(each.envelope)["type"] == event.kind
        ]
        assert await processor.process_batch(raw) == len(raw) > 0


@pytest.fixture
async def chain(database: Database) -> AsyncIterator[Chain]:
    chain = Chain(database)
    yield chain
    for store in chain.stores.values():
        await store.close()


async def decide(about: Received[ChildReportedMissing], uow: UnitOfWork) -> None:
    uow.publish(received(PoliceNotify).content, subject=about.subject, cause=about)


async def test_one_reports_spans_form_one_tree_that_tells_nothing_of_the_child(
    chain: Chain, database: Database, keyring: Keyring, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with all_withdrawn(database, "police") as engine, running_floor(engine, keyring, PlayedMedium()) as floor:

        async def notify(duty: Received[PoliceNotify], uow: UnitOfWork) -> None:
            await floor.loop.put(uow, Delivery.of(duty, lane="force-a", now=floor.clocks.wall()))

        async def learn(_: Received[DutyOutcomes], __: UnitOfWork) -> None: ...

        with exporting(monkeypatch, collector.server_port) as tracer:
            await chain.report()
            await chain.process("protocol", "carers", ChildReportedMissing, decide)
            await chain.process("police", "protocol", PoliceNotify, notify)
            await floor.idle()
            await chain.process("protocol", "police", DutyOutcomes, learn)
            await tracer.stop()
    found = collector.spans
    parents = {
        name: next((n for n, p in found.items() if p.span_id == s.parent_span_id), None) for name, s in found.items()
    }
    assert parents == {
        "text": None,
        ChildReportedMissing.kind: "text",
        PoliceNotify.kind: ChildReportedMissing.kind,
        "send webhook": PoliceNotify.kind,
        DutyOutcomes.kind: PoliceNotify.kind,
    }
    assert {span.trace_id.hex() for span in found.values()} == {TRACE.split("-")[1]}
    assert found["text"].parent_span_id == b""
    assert not any(span.attributes or span.events for span in found.values())
    assert not any(chain.child.encode() in body or b"kestrel" in body for body in collector.bodies)


async def test_a_failed_handlers_span_says_where_and_not_what(
    chain: Chain, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    with exporting(monkeypatch, collector.server_port) as tracer:
        with pytest.raises(ValueError, match="Amina"), spans.measure("text", TRACE, "SERVER"):
            raise ValueError("Amina B., 07700 900123")
        await tracer.stop()
    [span] = collector.spans.values()
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert span.status.message.startswith("ValueError at test_spans.py:")
    assert b"Amina" not in collector.bodies[0]


async def test_a_handler_does_not_wait_for_a_collector_that_does_not_answer(
    chain: Chain, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.answers.clear()
    with exporting(monkeypatch, collector.server_port) as tracer:
        await chain.report()
        await eventually(collector.asked.is_set)
        await chain.process("protocol", "carers", ChildReportedMissing, decide)
        assert collector.bodies == []
        await tracer.stop()


async def test_a_collector_that_is_away_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with capture_logs() as logs, exporting(monkeypatch, free_port()) as tracer:
        for _ in range(2):
            with spans.measure("text", TRACE, "SERVER"):
                pass
            tracer._provider.force_flush()
        await tracer.stop()
    assert [each["event"] for each in logs] == ["spans do not reach their collector and are dropped"]


async def test_where_the_library_is_switched_off_everything_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with exporting(monkeypatch, free_port()) as tracer:
        with spans.measure("text", TRACE, "SERVER") as inside:
            assert inside == TRACE
        await tracer.stop()


def test_where_no_collector_is_set_nothing_of_the_library_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in spans.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    assert spans.tracer_of("police") is None
    with spans.measure("text", TRACE, "SERVER") as inside:
        assert inside is TRACE
    asked = "import sys, services.police.app, services.casework.app, services.carers.app; print([each for each in sys.modules if each.startswith('opentelemetry.sdk')])"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
