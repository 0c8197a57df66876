"""Measures texts that are read, messages that are handled, and sends, as spans of OpenTelemetry for a collector.

The library is loaded and its own settings (`OTEL_...`) are read only then. A span is named by a kind, and holds nothing
else of what it measures.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, Protocol

from services.platform.runtime.process import Part

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
SpanKind = Literal["SERVER", "CONSUMER", "CLIENT"]
"""Where a trace begins, where a message is handled, where one is sent to the outside."""


class Tracer(Part, Protocol):
    def measure(self, name: str, trace: str, kind: SpanKind) -> AbstractContextManager[str]: ...


_tracers: list[Tracer] = []


def tracer_of(service: str) -> Tracer | None:
    """A part of the process, for which `measure` exports spans from now on. None where no collector is set."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return None
    from services.platform.runtime.span_exporter import SpanTracer

    _tracers[:] = [SpanTracer(service)]
    return _tracers[0]


@contextmanager
def measure(name: str, trace: str | None, kind: SpanKind) -> Iterator[str | None]:
    """Gives the trace context of what follows from the block: `trace` itself where nothing is exported."""
    if trace is None or not _tracers:
        yield trace
        return
    with _tracers[0].measure(name, trace, kind) as inside:
        yield inside
