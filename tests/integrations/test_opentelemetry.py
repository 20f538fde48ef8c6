"""Spans and metrics of the real SDK."""

from typing import Any

from promptops import Client

NEEDS = ("opentelemetry.sdk",)


def test_a_span_names_the_release_and_no_input(client: Client) -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from promptops.integrations.opentelemetry import annotate

    finished, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(finished))
    live = client.get("greeter")
    with provider.get_tracer("app").start_as_current_span("call"):
        annotate(live)
    annotate(live)  # without a span there is nothing to do

    (span,) = finished.get_finished_spans()
    assert dict(span.attributes or {}) == {
        "promptops.unit": "greeter",
        "promptops.digest": live.digest,
        "promptops.revision": 1,
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "test-model",
    }


def test_metrics_are_read_when_they_are_collected(client: Client) -> None:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    from promptops.integrations.opentelemetry import observe

    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    observe(client, provider)

    data = reader.get_metrics_data()
    assert data is not None
    metrics = data.resource_metrics[0].scope_metrics[0].metrics
    values: dict[str, Any] = {
        metric.name: next(iter(metric.data.data_points)) for metric in metrics
    }
    assert set(values) == {
        "promptops.client.ready",
        "promptops.client.stale",
        "promptops.client.error",
        "promptops.client.refused",
        "promptops.client.pinned",
        "promptops.client.age",
        "promptops.client.revision",
        "promptops.client.refresh_errors",
    }
    assert values["promptops.client.revision"].value == 1
    assert values["promptops.client.revision"].attributes == {
        "promptops.environment": "test",
        "promptops.source": "store",
    }
    provider.shutdown()
