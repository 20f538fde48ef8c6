"""Durations as people write them, such as 24h, 2s or 500ms; the one place where they are read."""

import re
from collections.abc import Iterable, Iterator

from promptops.finding import Finding
from promptops.source.complaints import dotted, shown
from promptops.source.document import Document, Path

_SPELLING = re.compile(r"([0-9]{1,5})(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds_of(text: str) -> float:
    """The seconds that a duration has; raises ValueError for another text, and for no time."""
    found = _SPELLING.fullmatch(text)
    if found is None or not int(found[1]):
        raise ValueError(text)
    return int(found[1]) * _SECONDS[found[2]]


def check_durations(document: Document, paths: Iterable[Path]) -> Iterator[Finding]:
    """What is wrong with the durations that a document has at some paths; none is no matter."""
    for path in paths:
        written = document.get(path)
        if written is None:
            continue
        try:
            seconds_of(written)
        except ValueError:
            message = f"{dotted(path)} is {shown(written)}, which is no duration"
            hint = "write a whole number above 0 and ms, s, m, h or d, such as 24h"
            yield Finding("E213", document.file, document.place(path), message, hint)
