"""The difference of two texts in words: lines first, then the words of the lines that changed.

`{{ names }}` stay whole, and so do characters that are seen as one. Which lines and words belong
together is found by those that stand once in both texts (patience diff), which takes time in
proportion to the text; only short stretches without one are compared in full.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Literal

Kind = Literal["same", "removed", "added"]

# A stretch that has no word of its own is compared in full up to so many pairs of words.
MOST_PAIRS = 40_000
# Two lines with less in common than this are another line, not a changed one.
LEAST_ALIKE = 0.25

_TOKEN = re.compile(
    r"\\\{\{|\\\}\}"
    r"|\{\{[ \t]*[A-Za-z_][A-Za-z0-9_]*[ \t]*\}\}"
    r"|\n|[^\S\n]+"
    r"|[\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"  # written without spaces
    r"|(?:(?![\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff])[\w\u0300-\u036f\u0900-\u0dff])+"
    r"|.(?:[\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]|\u200d.)*",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of text that is in both texts, in the old one only, or in the new one only."""

    kind: Kind
    text: str


_Range = tuple[int, int, int, int]  # from and to in the old sequence, from and to in the new one


# The same texts often change in several environments.
@lru_cache(maxsize=256)
def word_diff(before: str, after: str) -> tuple[Segment, ...]:
    """Segments in order: *same* and *removed* make the old text, *same* and *added* the new one."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    found: list[Segment] = []
    for same, (a, b, c, d) in _blocks(old, new):
        if same:
            found.append(Segment("same", "".join(old[a:b])))
        else:
            found += _lines(old[a:b], new[c:d])
    return _joined(list(_whole_lines(_joined(found))))


def tokens(text: str) -> list[str]:
    """Words, spaces, line ends and marks one by one; joined they are the text."""
    return _TOKEN.findall(text)


def _lines(old: list[str], new: list[str]) -> Iterator[Segment]:
    """Lines that were replaced by others: one by one when they are as many, else as one text."""
    pairs = list(zip(old, new, strict=True)) if len(old) == len(new) else []
    for before, after in pairs or [("".join(old), "".join(new))]:
        yield from _words(before, after)


def _words(before: str, after: str) -> list[Segment]:
    old, new = tokens(before), tokens(after)
    found: list[Segment] = []
    for same, (a, b, c, d) in _blocks(old, new):
        if same:
            found.append(Segment("same", "".join(old[a:b])))
        else:
            found += _replaced("".join(old[a:b]), "".join(new[c:d]))
    # A space that happens to be in both is no island in the middle of a change.
    last = len(found) - 1
    found = [
        piece
        for index, item in enumerate(found)
        for piece in (
            _replaced(item.text, item.text)
            if 0 < index < last and item.kind == "same" and not item.text.strip(" \t")
            else [item]
        )
    ]
    alike = sum(len(item.text.strip()) for item in found if item.kind == "same")
    if alike < LEAST_ALIKE * max(len(before.strip()), len(after.strip())):
        return _replaced(before, after)
    return found


def _replaced(before: str, after: str) -> list[Segment]:
    return [Segment("removed", before), Segment("added", after)]


def _joined(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Neighbours of a kind as one, what was removed before what was added."""
    found: list[Segment] = []
    for same, group in groupby(segments, key=lambda item: item.kind == "same"):
        items = list(group)
        kinds: tuple[Kind, ...] = ("same",) if same else ("removed", "added")
        for kind in kinds:
            text = "".join(item.text for item in items if item.kind == kind)
            if text:
                found.append(Segment(kind, text))
    return tuple(found)


def _whole_lines(segments: Sequence[Segment]) -> Iterator[Segment]:
    """What is only in one text, as whole lines where it may begin a little later as well.

    What `x{+.⏎y+}.` says is easier to read as `x.⏎{+y.+}`.
    """
    found = list(segments)
    for index in range(1, len(found) - 1):
        before, middle, after = found[index - 1 : index + 2]
        if before.kind == after.kind == "same" and "\n" in middle.text:
            start = _slide(tokens(middle.text), tokens(after.text))
            moved = "".join(tokens(after.text)[:start])
            found[index - 1] = Segment("same", before.text + moved)
            found[index] = Segment(middle.kind, (middle.text + moved)[len(moved) :])
            found[index + 1] = Segment("same", after.text[len(moved) :])
    yield from (item for item in found if item.text)


def _slide(changed: list[str], after: list[str]) -> int:
    """How many tokens later a stretch has to begin so that it ends with its line; 0 if it cannot.

    It can begin one later when its first token also follows it.
    """
    for moved in range(len(changed)):
        if changed[moved - 1] == "\n":
            return moved
        if moved >= len(after) or changed[moved] != after[moved]:
            return 0
    return 0


def _blocks(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[bool, _Range]]:
    """Both sequences from start to end: stretches that are the same, and what lies between."""
    a = c = 0
    for start, other, length in [*_matches(old, new), (len(old), len(new), 0)]:
        if a < start or c < other:
            yield False, (a, start, c, other)
        if length:
            yield True, (start, start + length, other, other + length)
        a, c = start + length, other + length


def _matches(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]]:
    """Stretches that are in both, in order: where in the old, where in the new, how long."""
    found: list[tuple[int, int, int]] = []
    waiting: list[_Range] = [(0, len(old), 0, len(new))]
    while waiting:
        a, b, c, d = waiting.pop()
        start = a
        while a < b and c < d and old[a] == new[c]:
            a, c = a + 1, c + 1
        if a > start:
            found.append((start, c - (a - start), a - start))
        end = b
        while a < b and c < d and old[b - 1] == new[d - 1]:
            b, d = b - 1, d - 1
        if end > b:
            found.append((b, d, end - b))
        anchors = _anchors(old[a:b], new[c:d])
        if anchors:
            points = [(a, c), *((a + i, c + j) for i, j in anchors), (b, d)]
            waiting += [(i, k, j, m) for (i, j), (k, m) in pairwise(points)]
        elif 0 < (b - a) * (d - c) <= MOST_PAIRS:
            matcher = SequenceMatcher(None, old[a:b], new[c:d], autojunk=False)
            found += [(a + i, c + j, n) for i, j, n in matcher.get_matching_blocks() if n]
    return sorted(found)


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Items that stand once in both, the longest row of them that is in the same order."""
    here, there = Counter(old), Counter(new)
    places = {item: index for index, item in enumerate(new) if there[item] == 1}
    pairs = [
        (index, places[item])
        for index, item in enumerate(old)
        if here[item] == 1 and item in places
    ]
    tails: list[int] = []  # the smallest end of a row of each length
    last: list[int] = []  # the pair at that end
    before: list[int] = []  # for each pair, the one before it in its row
    for number, (_, place) in enumerate(pairs):
        length = bisect_left(tails, place)
        before.append(last[length - 1] if length else -1)
        tails[length : length + 1] = [place]
        last[length : length + 1] = [number]
    row: list[tuple[int, int]] = []
    number = last[-1] if last else -1
    while number >= 0:
        row.append(pairs[number])
        number = before[number]
    return row[::-1]
