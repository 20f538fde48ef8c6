"""The texts of a unit that changed, as lines for people, with the words that differ marked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from promptops.delivery.comparison import Comparison
from promptops.manifest.difference import Difference, message_pairs
from promptops.manifest.words import Segment, word_diff

CONTEXT = 1

Line = tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class ChangedText:
    """One message before and after; `label` says which, and who says it."""

    label: str
    before: str
    after: str


def changed_fields(unit: Comparison) -> list[Difference]:
    """The fields of a unit that differ, without those of which the words are shown."""
    return [change for change in unit.changes if not _is_text(change)]


def changed_texts(unit: Comparison) -> Iterator[ChangedText]:
    """The messages and examples of a unit that differ."""
    for change in filter(_is_text, unit.changes):
        if change.field != "examples":
            yield _text(change.field, change.before, change.after)
        else:
            before: Any = change.before
            after: Any = change.after
            for index, was, now in message_pairs(before, after):
                yield _text(f"examples[{index}]", was, now)


def _is_text(change: Difference) -> bool:
    return change.field == "examples" or change.field.startswith("prompt.messages[")


def _text(field: str, before: Any, after: Any) -> ChangedText:
    was, now = before or {}, after or {}
    roles = dict.fromkeys(str(side["role"]) for side in (was, now) if side)
    label = f"{field} ({' → '.join(roles)})"
    return ChangedText(label, str(was.get("content", "")), str(now.get("content", "")))


def marked_lines(text: ChangedText) -> list[Line | None]:
    """The lines that differ and their neighbours; None stands for lines that were left out."""
    lines = list(_lines(word_diff(text.before, text.after)))
    changed = [index for index, line in enumerate(lines) if any(_differs(part) for part in line)]
    shown: dict[int, None] = {}
    for index in changed:
        near = range(max(0, index - CONTEXT), min(len(lines), index + CONTEXT + 1))
        shown.update(dict.fromkeys(near))
    found: list[Line | None] = []
    last = -1
    for index in shown:
        if index > last + 1:
            found.append(None)
        found.append(lines[index])
        last = index
    if last + 1 < len(lines):
        found.append(None)
    return found


def _lines(segments: tuple[Segment, ...]) -> Iterator[Line]:
    """Segments cut at line ends; a line end that comes or goes alone is shown as ⏎."""
    line: list[Segment] = []
    for segment in segments:
        pieces = segment.text.split("\n")
        for number, piece in enumerate(pieces):
            ends = number < len(pieces) - 1
            if piece:
                line.append(Segment(segment.kind, piece))
            elif ends and _differs(segment):
                line.append(Segment(segment.kind, "⏎"))
            if ends:
                yield tuple(line)
                line = []
    if line:
        yield tuple(line)


def _differs(segment: Segment) -> bool:
    return segment.kind != "same"
