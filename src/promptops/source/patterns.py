"""Whether a regular expression can take exponential time: a repeat that reads a text in many ways.

`(a+)+`, `(a|aa)+` and `(\\w+\\s*)*` split one text in many ways, and a text that fails in the end
is tried in all of them. `([a-z]+-)*` does not: the border `-` cannot be part of what is repeated.

A repeat is taken as a graph. Its places are the characters of the pattern, and from each an edge
leads to those that may come next, in the same round or in the following one. When one text leads
from a place to the same place on two ways, twice as long a text does on four (Weber and Seidl, On
the degree of ambiguity of finite automata, 1991).
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import combinations, product
from re import _parser  # type: ignore[attr-defined]  # the same parser that compiles the pattern
from typing import Any

_MANY = 10  # a repeat of fewer costs little
# Of other scripts one character each: two ranges of one script are not compared.
_SAMPLE = [chr(number) for number in range(128)] + ["\u00e9", "\u4e2d"]
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT"}


class TooLarge(Exception):
    """The patterns are more than is looked at."""


@dataclass
class Patience:
    """How many steps are left for the patterns of one schema.

    What people write takes about a hundred, a list of any of 250 countries 130,000; all of them
    take a fifth of a second.
    """

    steps: int = 150_000

    def step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise TooLarge


def is_catastrophic(pattern: str, patience: Patience) -> bool:
    """Whether a pattern that Python can compile has a repeat that reads a text in many ways.

    Raises TooLarge when the patience is over, or the pattern nested too deep.
    """
    if not any(mark in pattern for mark in "*+{"):
        return False
    try:
        with quietly():
            bodies = _repeated(_parser.parse(pattern))
        return any(_Repeat(body, patience).is_ambiguous() for body in bodies)
    except RecursionError as error:
        raise TooLarge from error


@contextmanager
def quietly() -> Iterator[None]:
    """Without what Python says of patterns such as `[[]`, which may mean more to it one day."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _repeated(items: Any) -> Iterator[Any]:
    """The bodies of all repeats."""
    for name, argument in items:
        if str(name) in _REPEATS and argument[1] >= _MANY:
            yield argument[2]
        for part in _parts(str(name), argument):
            yield from _repeated(part)


@dataclass(frozen=True, slots=True)
class _Part:
    """At which places a part of a pattern may begin and end, and in how many ways it is empty."""

    first: list[int]
    last: list[int]
    empty: int


_NOTHING = _Part([], [], 1)


class _Repeat:
    """An endless repeat as a graph: `after` are the edges, `marks` what a place may match."""

    def __init__(self, body: Any, patience: Patience) -> None:
        self.marks: list[frozenset[str]] = []
        self.after: list[set[int]] = []
        self._has_twin_edges = False
        self._step = patience.step
        self._known: dict[tuple[str, int], frozenset[str]] = {}
        round_ = self._sequence(body)
        self._join(round_, round_)

    def is_ambiguous(self) -> bool:
        """Whether one text leads on two ways from a place to the same place.

        Two readers walk over the same text. They part somewhere; if they meet again, there are two
        ways, and from any place the repeat leads back to where they parted.
        """
        if self._has_twin_edges:
            return True
        # One place is enough of those from which the same edges leave.
        starts = {frozenset(places): place for place, places in enumerate(self.after)}
        walks = [(place, place) for place in starts.values()]
        seen = set(walks)
        while walks:
            one, other = walks.pop()
            here, there = self.after[one], self.after[other]
            for pair in combinations(here, 2) if one == other else product(here, there):
                self._step()
                if pair[0] == pair[1]:
                    return True
                walk = (min(pair), max(pair))
                if walk not in seen and not self.marks[pair[0]].isdisjoint(self.marks[pair[1]]):
                    seen.add(walk)
                    walks.append(walk)
        return False

    def _sequence(self, items: Any) -> _Part:
        part = _NOTHING
        for name, argument in items:
            part = self._chain(part, self._item(str(name), argument))
        return part

    def _item(self, name: str, argument: Any) -> _Part:
        self._step()
        if name in _REPEATS:
            return self._several(*argument)
        if name in {"SUBPATTERN", "BRANCH"}:
            parts = [self._sequence(part) for part in _parts(name, argument)]
            return _Part(
                [place for part in parts for place in part.first],
                [place for part in parts for place in part.last],
                sum(part.empty for part in parts),
            )
        if name in {"AT", "ASSERT", "ASSERT_NOT", "GROUPREF", "GROUPREF_EXISTS"}:
            return _NOTHING
        # What is never tried in another way, as an atomic group, is one place too.
        key = (name, id(argument))
        if key not in self._known:
            self._known[key] = _marks([(name, argument)])
        self.marks.append(self._known[key])
        self.after.append(set())
        place = [len(self.marks) - 1]
        empty = any(part.getwidth()[0] == 0 for part in _parts(name, argument))
        return _Part(place, place, empty or (name == "POSSESSIVE_REPEAT" and argument[0] == 0))

    def _several(self, least: int, most: int, body: Any) -> _Part:
        part = last = _NOTHING
        for _ in range(least):
            last = self._sequence(body)
            part = self._chain(part, last)
        if most < _MANY:
            rest = _NOTHING
            for _ in range(most - least):
                rest = _optional(self._chain(self._sequence(body), rest))
            return self._chain(part, rest)
        if least == 0:
            part = last = self._sequence(body)
        if least != most:
            self._join(last, last)
        return part if least else _optional(part)

    def _chain(self, before: _Part, behind: _Part) -> _Part:
        self._step()
        self._join(before, behind)
        # Over what is empty in two ways, two edges lead to the same place.
        self._has_twin_edges |= before.empty > 1 and bool(behind.first)
        self._has_twin_edges |= behind.empty > 1 and bool(before.last)
        return _Part(
            before.first + behind.first if before.empty else before.first,
            behind.last + before.last if behind.empty else behind.last,
            min(2, before.empty * behind.empty),
        )

    def _join(self, before: _Part, behind: _Part) -> None:
        for place in before.last:
            for following in behind.first:
                self._step()
                self._has_twin_edges |= following in self.after[place]
                self.after[place].add(following)


def _optional(part: _Part) -> _Part:
    return replace(part, empty=part.empty + 1)


def _parts(name: str, argument: Any) -> list[Any]:
    """What an item of a parsed pattern consists of."""
    if name in _REPEATS or name == "POSSESSIVE_REPEAT":
        return [argument[2]]
    if name == "SUBPATTERN":
        return [argument[-1]]
    if name == "BRANCH":
        return list(argument[1])
    if name in {"ASSERT", "ASSERT_NOT"}:
        return [argument[1]]
    return [argument] if name == "ATOMIC_GROUP" else []


def _marks(items: Any) -> frozenset[str]:
    """The characters that may occur in what the items match."""
    found: set[str] = set()
    for name, argument in items:
        kind = str(name)
        if kind == "LITERAL":
            found.add(chr(argument))
        elif kind == "NOT_LITERAL":
            found.update(mark for mark in _SAMPLE if mark != chr(argument))
        elif kind == "ANY":
            found.update(mark for mark in _SAMPLE if mark != "\n")
        elif kind == "IN":
            found.update(mark for mark in _SAMPLE if _is_in(mark, argument))
        for part in _parts(kind, argument):
            found |= _marks(part)
    return frozenset(found)


_CATEGORIES = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}


def _is_in(mark: str, members: Any) -> bool:
    negated = str(members[0][0]) == "NEGATE"
    for name, argument in members:
        kind = str(name)
        if kind == "LITERAL" and chr(argument) == mark:
            return not negated
        if kind == "RANGE" and argument[0] <= ord(mark) <= argument[1]:
            return not negated
        if kind == "CATEGORY":
            category = str(argument).removeprefix("CATEGORY_")
            pattern = _CATEGORIES[category.removeprefix("NOT_")]
            if bool(re.match(pattern, mark)) != category.startswith("NOT_"):
                return not negated
    return negated
