"""The manifest as one environment sees it, with every value's place in the file kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from promptops.finding import Place
from promptops.source.document import Document, Path
from promptops.source.merge import merge_patch

SECTIONS = ("model", "params", "retriever")


@dataclass(frozen=True, slots=True)
class Merged:
    """A document under an environment's overlay; places point to where a value came from."""

    document: Document
    environment: str
    value: dict[str, Any]

    @property
    def file(self) -> str:
        return self.document.file

    def place(self, path: Path) -> Place:
        return self.document.place(self._origin(path))

    def key_place(self, path: Path) -> Place:
        return self.document.key_place(self._origin(path))

    def missing_place(self, path: Path, key: str) -> Place:
        """Where the overlay deletes the key, else the mapping that lacks it."""
        deleted = ("environments", self.environment, *path, key)
        return self.document.key_place(deleted) if self.document.has(deleted) else self.place(path)

    def raw(self, path: Path) -> str:
        return self.document.raw(self._origin(path))

    def empty_paths(self) -> Iterator[Path]:
        """None: an overlay's empty values are those of the document."""
        return iter(())

    def _origin(self, path: Path) -> Path:
        overlaid = ("environments", self.environment, *path)
        if not self.document.has(overlaid):
            return path
        # What an overlay adds to a mapping does not move the mapping.
        is_merged = all(isinstance(self.document.get(each), dict) for each in (overlaid, path))
        return path if is_merged else overlaid


def overlay_of(document: dict[str, Any], environment: str) -> dict[str, Any]:
    """What an environment changes; empty when it changes nothing or is not mentioned."""
    environments = document.get("environments")
    overlay = environments.get(environment) if isinstance(environments, dict) else None
    return overlay if isinstance(overlay, dict) else {}


def with_overlay(document: dict[str, Any], environment: str) -> dict[str, Any]:
    """The document's value under an environment's overlay, without `environments`."""
    overlay = overlay_of(document, environment)
    patch = {key: overlay[key] for key in SECTIONS if key in overlay}
    merged: dict[str, Any] = merge_patch(document, patch)
    merged.pop("environments", None)
    return merged
