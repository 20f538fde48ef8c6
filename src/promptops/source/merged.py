"""The manifest as one environment sees it, with every value's place in the file kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from promptops.finding import Place
from promptops.source.document import Document, Path
from promptops.source.merge import merge_patch

SECTIONS = ("model", "params", "retriever")
SAFE_SECTIONS = (*SECTIONS, "prompt")


@dataclass(frozen=True, slots=True)
class Merged:
    """A document under an environment's overlay; places point to where a value came from.

    With `safe` the patch of safe mode is applied over both.
    """

    document: Document
    environment: str
    value: dict[str, Any]
    safe: bool = False

    @property
    def file(self) -> str:
        return self.document.file

    def place(self, path: Path) -> Place:
        return self.document.place(self.origin(path))

    def key_place(self, path: Path) -> Place:
        return self.document.key_place(self.origin(path))

    def missing_place(self, path: Path, key: str) -> Place:
        """Where the overlay deletes the key, else the mapping that lacks it."""
        for layer in self._layers():
            deleted = (*layer, *path, key)
            if self.document.has(deleted):
                return self.document.key_place(deleted)
        return self.place(path)

    def raw(self, path: Path) -> str:
        return self.document.raw(self.origin(path))

    def empty_paths(self) -> Iterator[Path]:
        """None: an overlay's empty values are those of the document."""
        return iter(())

    def origin(self, path: Path) -> Path:
        """Where in the file the value at a path comes from."""
        layers = self._layers()
        for number, layer in enumerate(layers):
            if self._is_replaced(layer, path):
                return (*layer, *path)
            # What an overlay adds to a mapping does not move the mapping.
            added = isinstance(self.document.get((*layer, *path)), dict)
            if added and not self._has_mapping([*layers[number + 1 :], ()], path):
                return (*layer, *path)
        return path

    def _has_mapping(self, layers: list[Path], path: Path) -> bool:
        """Whether there is a mapping at a path before the layers above these."""
        for layer in layers:
            if self._is_replaced(layer, path):
                return False
            if isinstance(self.document.get((*layer, *path)), dict):
                return True
        return False

    def _layers(self) -> list[Path]:
        """The patches over the document, the topmost first."""
        return [*([("safe",)] if self.safe else []), ("environments", self.environment)]

    def _is_replaced(self, layer: Path, path: Path) -> bool:
        """Whether a layer has a value, not a mapping to be merged, on the way to a path."""
        for length in range(1, len(path) + 1):
            written = (*layer, *path[:length])
            if not self.document.has(written):
                return False
            if not isinstance(self.document.get(written), dict):
                return True
        return False


def overlay_of(document: dict[str, Any], environment: str) -> dict[str, Any]:
    """What an environment changes; empty when it changes nothing or is not mentioned."""
    environments = document.get("environments")
    overlay = environments.get(environment) if isinstance(environments, dict) else None
    return overlay if isinstance(overlay, dict) else {}


def safe_of(document: dict[str, Any]) -> dict[str, Any]:
    """What safe mode changes; empty when the manifest has none."""
    safe = document.get("safe")
    return safe if isinstance(safe, dict) else {}


def with_overlay(
    document: dict[str, Any], environment: str, *, safe: bool = False
) -> dict[str, Any]:
    """The document's value under an environment's overlay, without `environments` and `safe`.

    With `safe` it is what safe mode makes of it, from which one can always return.
    """
    overlay = overlay_of(document, environment)
    patch = {key: overlay[key] for key in SECTIONS if key in overlay}
    merged: dict[str, Any] = merge_patch(document, patch)
    if safe:
        careful = safe_of(document)
        patch = {key: careful[key] for key in SAFE_SECTIONS if key in careful}
        merged = merge_patch(merged, patch)
        merged.pop("forward_only", None)
    merged.pop("environments", None)
    merged.pop("safe", None)
    return merged
