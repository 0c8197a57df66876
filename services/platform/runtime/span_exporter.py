"""Exports spans by OTLP over HTTP, in a thread of its own: what does not get through is dropped, and said once."""

import asyncio
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.platform.runtime.logs import logger, place
from services.platform.runtime.spans import SpanKind

LAST_SENT_WITHIN_SECONDS = 2.0
HEADER = "traceparent"


class SpanTracer:
    """A part of the process."""

    def __init__(self, service: str) -> None:
        # It logs each failure; `_Exporter` logs the first.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._ids = _Ids()
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": service}), id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(_Exporter()))
        self._tracer = self._provider.get_tracer("safe-return")
        self._format = TraceContextTextMapPropagator()

    @contextmanager
    def measure(self, name: str, trace: str, kind: SpanKind) -> Iterator[str]:
        context = self._format.extract({HEADER: trace}, Context())
        if kind == "SERVER":  # the trace context itself names its first span
            self._ids.given, context = otel.get_current_span(context).get_span_context(), Context()
        span = self._tracer.start_span(name, context, otel.SpanKind[kind])
        self._ids.given = None
        carrier: dict[str, str] = {}
        self._format.inject(carrier, otel.set_span_in_context(span, Context()))
        try:
            yield carrier.get(HEADER, trace)  # OTEL_SDK_DISABLED makes spans without ids
        except BaseException as error:
            span.set_status(otel.StatusCode.ERROR, place(error))
            raise
        finally:
            span.end()

    async def start(self) -> None:
        """It works from the first span on."""

    async def stop(self) -> None:
        """Sends what is left, if that is soon done."""
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, LAST_SENT_WITHIN_SECONDS)


class _Ids(RandomIdGenerator):
    """Ids by chance, but for the first span of a trace, which has its id already."""

    given: otel.SpanContext | None = None

    def generate_trace_id(self) -> int:
        return self.given.trace_id if self.given else super().generate_trace_id()

    def generate_span_id(self) -> int:
        return self.given.span_id if self.given else super().generate_span_id()


class _Exporter(OTLPSpanExporter):
    _fails = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        fails = result is not SpanExportResult.SUCCESS
        if fails and not self._fails:
            logger().warning("spans do not reach their collector and are dropped")
        self._fails = fails
        return result
