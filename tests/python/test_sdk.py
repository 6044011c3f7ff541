"""The Python OpenTelemetry SDK exports to Spoor unchanged, and the very next query finds it."""

import logging

import pytest
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

RESOURCE = Resource.create({"service.name": "python-shop", "deployment.environment.name": "test"})


def span_exporter(server, transport):
    if transport == "grpc":
        return GrpcSpans(endpoint=server.otlp_grpc, insecure=True)
    compression = Compression.Gzip if transport == "http-gzip" else Compression.NoCompression
    return HttpSpans(endpoint=f"{server.otlp_http}/v1/traces", compression=compression)


def log_exporter(server, transport):
    if transport == "grpc":
        return GrpcLogs(endpoint=server.otlp_grpc, insecure=True)
    compression = Compression.Gzip if transport == "http-gzip" else Compression.NoCompression
    return HttpLogs(endpoint=f"{server.otlp_http}/v1/logs", compression=compression)


@pytest.mark.parametrize("transport", ["grpc", "http", "http-gzip"])
def test_spans_are_found_after_force_flush(server, transport):
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(BatchSpanProcessor(span_exporter(server, transport)))
    tracer = provider.get_tracer("shop.checkout", "1.2.3")
    with tracer.start_as_current_span("POST /checkout", kind=SpanKind.SERVER) as root:
        root.set_attributes({"http.response.status_code": 500, "cart.items": ["a", "b"], "vip": True})
        with tracer.start_as_current_span("charge card", kind=SpanKind.CLIENT) as child:
            child.add_event("retry", {"attempt": 2})
            try:
                raise TimeoutError("card network did not answer")
            except TimeoutError as error:
                child.record_exception(error)
                child.set_status(Status(StatusCode.ERROR, str(error)))
    assert provider.force_flush()

    trace_id = trace.format_trace_id(root.get_span_context().trace_id)
    timeline = server.get(f"/api/v1/traces/{trace_id}", view="timeline")
    assert [span["name"] for span in timeline["spans"]] == ["POST /checkout", "charge card"]
    first, second = timeline["spans"]
    assert first["kind"] == "SERVER" and second["kind"] == "CLIENT"
    assert second["parent_span_id"] == first["span_id"] == trace.format_span_id(root.get_span_context().span_id)
    assert first["attributes"] == {"http.response.status_code": 500, "cart.items": ["a", "b"], "vip": True}
    assert first["scope"]["name"] == "shop.checkout" and first["scope"]["version"] == "1.2.3"
    assert first["resource"]["telemetry.sdk.language"] == "python"
    assert second["status_code"] == "ERROR"
    assert second["status_message"] == "card network did not answer"
    assert [event["name"] for event in second["events"]] == ["retry", "exception"]
    assert second["events"][1]["attributes"]["exception.type"] == "TimeoutError"
    assert first["error_below"] is True
    found = server.get("/api/v1/traces", query="service:python-shop http.response.status_code:>=500")
    assert [found_trace["trace_id"] for found_trace in found["traces"]] == [trace_id]
    provider.shutdown()


@pytest.mark.parametrize("transport", ["grpc", "http", "http-gzip"])
def test_logs_are_found_after_force_flush(server, transport):
    spans = TracerProvider(resource=RESOURCE)
    provider = LoggerProvider(resource=RESOURCE)
    provider.add_log_record_processor(BatchLogRecordProcessor(log_exporter(server, transport)))
    logger = logging.getLogger(f"shop.{transport}")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(LoggingHandler(logger_provider=provider))
    with spans.get_tracer("t").start_as_current_span("work") as span:
        logger.warning("payment %s declined", "p-4711", extra={"order.id": 42})
    logger.error("outside of any span")
    provider.get_logger("events").emit(
        severity_number=SeverityNumber.INFO, event_name="cart.emptied", body={"items": 3, "reason": "timeout"}
    )
    assert provider.force_flush()

    declined = server.get("/api/v1/logs", query='"p-4711 declined"')["logs"]
    assert len(declined) == 1
    assert declined[0]["body"] == "payment p-4711 declined"
    assert declined[0]["level"] == "warn"
    assert declined[0]["service_name"] == "python-shop"
    assert declined[0]["attributes"]["order.id"] == 42
    context = span.get_span_context()
    assert declined[0]["trace_id"] == trace.format_trace_id(context.trace_id)
    assert declined[0]["span_id"] == trace.format_span_id(context.span_id)
    outside = server.get("/api/v1/logs", query="outside severity>=error")["logs"]
    assert [log["trace_id"] for log in outside] == [None]
    event = server.get("/api/v1/logs", query="event_name:cart.emptied")["logs"]
    assert event[0]["body_fields"] == {"items": 3, "reason": "timeout"}
    provider.shutdown()


def test_a_thousand_spans_in_batches_are_all_found(server):
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(BatchSpanProcessor(span_exporter(server, "grpc"), max_export_batch_size=64))
    tracer = provider.get_tracer("many")
    for number in range(1000):
        with tracer.start_as_current_span("step") as span:
            span.set_attribute("number", number)
    assert provider.force_flush()
    assert server.sql('SELECT count(*), count(DISTINCT "attributes.number") FROM spans') == [[1000, 1000]]
    provider.shutdown()
