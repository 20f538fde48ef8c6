"""Versions must be pinned: what is deployed today must be the same tomorrow."""

import re
from collections.abc import Iterator

from promptops.finding import Finding
from promptops.source.complaints import Placed, dotted, shown
from promptops.source.document import Path

IDS: tuple[Path, ...] = (
    ("name",),
    ("model", "provider"),
    ("model", "id"),
    ("model", "version"),
    ("prompt", "id"),
    ("prompt", "version"),
    ("retriever", "index"),
    ("retriever", "version"),
)
_EXAMPLES: dict[Path, str] = {
    ("model", "id"): "gpt-4o-mini-2024-07-18",
    ("model", "version"): "2024-07-18",
    ("prompt", "version"): "1.4.0",
    ("retriever", "version"): "2026-11-01",
}

_FLOATING = frozenset(
    [
        "*",
        "any",
        "auto",
        "current",
        "default",
        "edge",
        "head",
        "latest",
        "live",
        "main",
        "master",
        "newest",
        "nightly",
        "prod",
        "production",
        "recent",
        "stable",
    ]
)
_FLOATING_END = re.compile(r"(?<=[-:@/_.])(?:latest|stable|current|newest|nightly)$")
_PIN = re.compile(r"[0-9]{3}|[0-9]\.[0-9]|^v?[0-9]+$|(?:^|[-_:@/.])v[0-9]+(?:$|[-_:@/.])")
_HEX = re.compile(r"(?<![0-9a-z])(?=[a-f]*[0-9])[0-9a-f]{7,}(?![0-9a-z])")


NO_EXPANSION = "no expansion happens here, it would be taken as it stands"
_EXPANDED = re.compile(r"\$[A-Za-z_{(]|%[A-Za-z_]+%|\{\{|^~|\\|^[A-Za-z]:[\\/]")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")


def expands(text: str) -> bool:
    """Whether a text counts on a shell, a workflow or Windows to become another."""
    return _EXPANDED.search(text) is not None


def check_names(document: Placed, sections: set[str] | None = None) -> Iterator[Finding]:
    """Names that Windows keeps for devices (E219): no clone there could hold their folder."""
    for path, value in _texts(document, (("name",), ("prompt", "id")), sections):
        if _RESERVED.fullmatch(value):
            message = f"{dotted(path)} is {shown(value)}, a name that Windows keeps for a device"
            hint = f"choose another, such as {value.partition('.')[0]}-prompt"
            yield Finding("E219", document.file, document.place(path), message, hint)


def check_ids(document: Placed, sections: set[str] | None = None) -> Iterator[Finding]:
    """Spaces around ids and versions (E231); they look right in every log and match nothing."""
    for path, value in _texts(document, IDS, sections):
        if value.strip() and value != value.strip(" \t"):
            message = f"{dotted(path)} has spaces around it: {shown(value)}"
            hint = f"write {shown(value.strip())}"
            yield Finding("E231", document.file, document.place(path), message, hint)


def check_versions(document: Placed, sections: set[str] | None = None) -> Iterator[Finding]:
    """Versions that a shell should fill in (E225), and names that move on (E215)."""
    for path, value in _texts(document, tuple(_EXAMPLES), sections):
        name, text = dotted(path), value.strip().lower()
        if expands(value.strip()):
            message = f"{name} is {shown(value)}: {NO_EXPANSION}"
            hint = f"write the version itself, such as '{_EXAMPLES[path]}'"
            yield Finding("E225", document.file, document.place(path), message, hint)
            continue
        if path == ("prompt", "version"):
            continue
        if text in _FLOATING or _FLOATING_END.search(text):
            message = f"{name} is {shown(value)}, which names something else tomorrow"
        elif path == ("model", "version") and text and not is_pinned(text):
            message = f"{name} is {shown(value)}, a family of models and not one version of it"
        else:
            continue
        hint = f"write the one that was tested, such as '{_EXAMPLES[path]}'"
        yield Finding("E215", document.file, document.place(path), message, hint)


def is_pinned(version: str) -> bool:
    """Whether a version has something that only one release of a model has.

    A date or another number of three digits, a dotted number, a commit's hex digits, or `v2`.
    """
    return _PIN.search(version) is not None or _HEX.search(version) is not None


def _texts(
    document: Placed, paths: tuple[Path, ...], sections: set[str] | None
) -> Iterator[tuple[Path, str]]:
    for path in paths:
        value: object = document.value
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, str) and (sections is None or path[0] in sections):
            yield path, value
