"""Whether a regular expression can take exponential time: a repeat in a repeat, no border between.

`(a+)+` and `(\\w+\\s*)*` split one text in many ways, and a text that fails in the end is tried
in all of them. `([a-z]+-)*` does not: the border `-` cannot be part of what is repeated.
"""

import re
from collections import Counter
from re import _parser  # type: ignore[attr-defined]  # the same parser that compiles the pattern
from typing import Any

_MANY = 10  # a repeat of fewer costs little
_SAMPLE = [chr(number) for number in range(128)] + ["\u00e9", "\u4e2d"]
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT"}


def is_catastrophic(pattern: str) -> bool:
    """Whether a pattern that Python can compile has an ambiguous repeat in a repeat."""
    if not any(mark in pattern for mark in "*+{"):
        return False
    return any(_is_ambiguous(body, frozenset()) for body in _repeated(_parser.parse(pattern)))


def _repeated(items: Any) -> list[list[Any]]:
    """The bodies of all repeats."""
    found = []
    for name, argument in items:
        if str(name) in _REPEATS and argument[1] >= _MANY:
            found.append(list(argument[2]))
        for part in _parts(str(name), argument):
            found += _repeated(part)
    return found


def _is_ambiguous(body: list[Any], around: frozenset[frozenset[str]]) -> bool:
    """Whether a body holds a repeat that can run on into the next round of what is around it.

    `around` are the borders: for every part that must match something, the characters it may have.
    """
    borders = [frozenset() if _may_be_empty(item) else _marks([item]) for item in body]
    counts = Counter(borders)
    for at, (name, argument) in enumerate(body):
        kind = str(name)
        others = around.union(
            marks for marks in counts if marks and (counts[marks] > 1 or marks != borders[at])
        )
        if kind in _REPEATS and argument[1] >= _MANY and argument[0] != argument[1]:
            marks = _marks(argument[2])
            if all(border & marks for border in others):
                return True
        elif kind in {"SUBPATTERN", "BRANCH"}:
            parts = _parts(kind, argument)
            if any(_is_ambiguous(list(part), others) for part in parts):
                return True
    return False


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


def _may_be_empty(item: Any) -> bool:
    name, argument = str(item[0]), item[1]
    if name in _REPEATS:
        return bool(argument[0] == 0)
    if name == "SUBPATTERN":
        return all(_may_be_empty(part) for part in argument[-1])
    if name == "BRANCH":
        return any(all(_may_be_empty(part) for part in branch) for branch in argument[1])
    return name in {"AT", "ASSERT", "ASSERT_NOT", "GROUPREF"}


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
            found.update(_SAMPLE)
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
