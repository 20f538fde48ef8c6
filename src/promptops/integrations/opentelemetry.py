"""OpenTelemetry: which release a span used, and how the client is. Needs `[otel]`.

>>> annotate(live)  # the current span
>>> observe(client)
"""

from collections.abc import Callable, Iterable

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation, get_meter
from opentelemetry.trace import Span, get_current_span

from promptops.client.client import Client
from promptops.client.live import LiveRelease
from promptops.integrations.figures import figures
from promptops.version import VERSION


def attributes(live: LiveRelease) -> dict[str, str | int]:
    """What to put on a span; never inputs or texts."""
    return {
        "promptops.unit": live.unit,
        "promptops.digest": live.digest,
        "promptops.revision": live.revision,
        "gen_ai.provider.name": live.model.provider,
        "gen_ai.request.model": live.model.id,
    }


def annotate(live: LiveRelease, span: Span | None = None) -> None:
    """Put a release's attributes on a span, or on the current one."""
    (span or get_current_span()).set_attributes(attributes(live))


def observe(client: Client, provider: MeterProvider | None = None) -> None:
    """Metrics `promptops.client.…` of a client, read when they are collected."""
    meter = get_meter("promptops", VERSION, provider)

    def reading(name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def read(_: CallbackOptions) -> list[Observation]:
            status = client.status()
            source = {
                "promptops.environment": status.environment,
                "promptops.source": status.source,
            }
            found = [each for each in figures(client) if each.name == name]
            return [Observation(each.value, source) for each in found]

        return read

    for name, counts, unit in (
        ("ready", False, "1"),
        ("stale", False, "1"),
        ("error", False, "1"),
        ("refused", False, "1"),
        ("pinned", False, "1"),
        ("age", False, "s"),
        ("revision", False, "1"),
        ("refresh_errors", True, "1"),
    ):
        create = meter.create_observable_counter if counts else meter.create_observable_gauge
        create(f"promptops.client.{name}", [reading(name)], unit)
