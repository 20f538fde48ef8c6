"""A YAML document that was read: plain values, and where in the file each of them stands."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from promptops.finding import Place
from promptops.source.text import place_at

Path = tuple[str | int, ...]
Span = int  # start and end offset in one number: a document keeps hundreds of them
Spot = Span | tuple[Span, dict[str, Span], "dict[str, Spot] | list[Spot]"]

_SHIFT = 20  # a file has at most 2^18 characters
_MASK = (1 << _SHIFT) - 1


class Broken:
    """Stands for a value that could not be read and has its finding already."""

    def __repr__(self) -> str:
        return "BROKEN"


BROKEN: Final = Broken()


def span(start: int, end: int) -> Span:
    return start << _SHIFT | end


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says. `value` holds dict, list, str, bool, int, float, None and BROKEN.

    A path is the keys and indexes that lead to a value: `("prompt", "messages", 0, "text")`.
    All places of paths that are not there are those of the nearest parent that is.
    """

    file: str
    text: str
    value: dict[str, Any]
    spots: Spot
    has_empty: bool

    def place(self, path: Path = ()) -> Place:
        """Where a value stands; for an empty one, right behind its key."""
        return self._place(_span_of(self._spot(path)))

    def key_place(self, path: Path) -> Place:
        """Where the key stands that the path ends in; for a list's item, the item."""
        parent = self._spot(path[:-1])
        if isinstance(parent, tuple) and isinstance(key := path[-1], str) and key in parent[1]:
            return self._place(parent[1][key])
        return self.place(path)

    def raw(self, path: Path) -> str:
        """A value as it is spelled in the file, quotes included."""
        packed = _span_of(self._spot(path))
        return self.text[packed >> _SHIFT : packed & _MASK]

    def is_empty(self, path: Path) -> bool:
        """Whether a null was not written as `null` or `~` but left out: `key:` and no more."""
        return self.raw(path) == ""

    def inside(self, path: Path, offset: int, width: int) -> Place:
        """The place of a part of a string value: `width` characters from `offset` on.

        The part is found in the file by its first two characters, counting how often they came
        before; if an escape hides them, the place is that of the whole value.
        """
        packed = _span_of(self._spot(path))
        start, end = packed >> _SHIFT, packed & _MASK
        value = self.get(path)
        sign = value[offset : offset + 2] if isinstance(value, str) else ""
        if not sign:
            return self._place(packed)
        found = start - 1
        for _ in range(_count(value, sign, offset) + 1):
            found = self.text.find(sign, found + 1, end)
            if found < 0:
                return self._place(packed)
        return self._place(span(found, min(found + width, end)))

    def get(self, path: Path) -> Any:
        """The value at a path, or None when there is none."""
        value: Any = self.value
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def has(self, path: Path) -> bool:
        """Whether something was written at this path, be it null."""
        return contains(self.value, path)

    def missing_place(self, path: Path, key: str) -> Place:  # noqa: ARG002  (see Merged)
        """Where to say that the mapping at `path` lacks a key."""
        return self.place(path)

    def empty_paths(self) -> Iterator[Path]:
        """Where values were left out: `key:` and no more."""
        if self.has_empty:
            nulls = find(self.value, None)
            yield from (path for path in nulls if self.is_empty(path))

    def _spot(self, path: Path) -> Spot:
        spot = self.spots
        for part in path:
            if not isinstance(spot, tuple):
                break
            try:
                spot = spot[2][part]  # type: ignore[index]  # a wrong kind of part is caught
            except (KeyError, IndexError, TypeError):
                break
        return spot

    def _place(self, packed: Span) -> Place:
        start, end = packed >> _SHIFT, packed & _MASK
        line_end = self.text.find("\n", start)
        if 0 <= line_end < end:
            end = line_end
        return place_at(self.text, start, end - start)


def contains(value: Any, path: Path) -> bool:
    """Whether a path leads to something, be it None."""
    for part in path:
        if isinstance(value, dict):
            there = part in value
        else:
            there = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if not there:
            return False
        value = value[part]
    return True


def find(value: Any, wanted: object, path: Path = ()) -> Iterator[Path]:
    """The paths of everything in a document that is exactly `wanted`, such as None or BROKEN."""
    if value is wanted:
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from find(item, wanted, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find(item, wanted, (*path, index))


def _span_of(spot: Spot) -> Span:
    return spot[0] if isinstance(spot, tuple) else spot


def _count(value: str, sign: str, before: int) -> int:
    """How often `sign` begins before an offset; overlapping ones count."""
    count = 0
    found = value.find(sign)
    while 0 <= found < before:
        count += 1
        found = value.find(sign, found + 1)
    return count
