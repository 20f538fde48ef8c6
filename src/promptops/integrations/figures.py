"""What there is to measure about a client, whoever collects it."""

from dataclasses import dataclass
from typing import Literal

from promptops.client.client import Client


@dataclass(frozen=True, slots=True)
class Figure:
    """`name` in words with underscores, without unit or suffix."""

    name: str
    kind: Literal["gauge", "counter"]
    unit: str
    help: str
    value: float


def figures(client: Client) -> list[Figure]:
    """Those of this moment; what is not known yet is left out."""
    status = client.status()
    known: list[tuple[str, Literal["gauge", "counter"], str, str, float | None]] = [
        ("ready", "gauge", "", "1 when there are releases to serve", status.state != "NOT_READY"),
        ("stale", "gauge", "", "1 when they are not confirmed any more", status.state == "STALE"),
        ("error", "gauge", "", "1 when something of the store is refused", status.state == "ERROR"),
        ("age", "gauge", "s", "Time since the store gave an answer that was taken", status.age),
        ("epoch", "gauge", "", "Epoch that is served", status.epoch),
        ("revision", "gauge", "", "Revision that is served", status.revision),
        ("units", "gauge", "", "Units that are served", len(status.units)),
        ("refresh_errors", "counter", "", "Refreshes that failed", status.errors),
        ("rejected", "counter", "", "Answers and releases that were refused", status.rejected),
        ("restarts", "counter", "", "Refreshers that had to be started again", status.restarts),
        ("refused", "gauge", "", "Units of which the live release is refused", len(status.refused)),
        ("pinned", "gauge", "", "Units that an operator keeps at a release", len(status.pins)),
        ("unknown_inputs", "counter", "", "Inputs that no release knew", status.unknown_inputs),
    ]
    return [
        Figure(name, kind, unit, text, float(value))
        for name, kind, unit, text, value in known
        if value is not None
    ]
