"""W3C trace context always travels; spans are recorded and exported only when OTLP is configured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context as OtelContext
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from adapters.settings import Settings

_W3C = TraceContextTextMapPropagator()


@contextmanager
def tracing(settings: Settings, service: str) -> Iterator[None]:
    """Record spans for the length of the block, if an OTLP endpoint is set; flushed at the end."""
    if not settings.otlp_endpoint:
        yield
        return
    provider = TracerProvider(
        resource=Resource.create({"service.name": service, "service.namespace": "harborgrid"}),
        sampler=ParentBased(TraceIdRatioBased(settings.trace_sample_ratio)),
    )
    endpoint = f"{settings.otlp_endpoint.rstrip('/')}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()


def is_recording() -> bool:
    """Whether anybody records spans. If not, they go nowhere, yet making one costs as much as answering a request."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def parent_of(traceparent: str | None) -> OtelContext | None:
    """The OpenTelemetry context of a `traceparent` header (W3C Trace Context), to start a span under."""
    return _W3C.extract({"traceparent": traceparent}) if traceparent else None


def current_traceparent() -> str | None:
    """The `traceparent` of the current span, if one is being recorded."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get("traceparent")
