"""What a release says for those who may have to leave it, or to come back to it.

Apps have no use for it, and `Release` leaves it out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from promptops.errors import ReleaseRejected
from promptops.manifest.document import Json


@dataclass(frozen=True, slots=True)
class Sample:
    """The inputs of one call, as callers of the release pass them."""

    name: str
    inputs: Mapping[str, Json]


def samples_of(document: Mapping[str, Json]) -> tuple[Sample, ...]:
    """The samples in a release's document; raises ReleaseRejected (C601)."""
    found = []
    written = document.get("samples", [])
    for item in written if isinstance(written, list) else [written]:
        name, inputs = (item.get("name"), item.get("inputs")) if isinstance(item, dict) else (0, 0)
        if not isinstance(name, str) or not isinstance(inputs, dict):
            raise ReleaseRejected("C601", "a sample of the release is none")
        found.append(Sample(name, inputs))
    return tuple(found)


def forward_only_of(document: Mapping[str, Json]) -> str:
    """Why one cannot simply go back from this release; empty when one can."""
    reason = document.get("forward_only", "")
    return reason if isinstance(reason, str) else "it says so, and not why"
