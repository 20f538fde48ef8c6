"""What JSON Schema (draft 2020-12) says of one value: its type, its size, its keys.

Each assertion takes a value and the keyword's own, and tells what is so, with the path below the
value. It names what the schema says and never what the answer holds, so that it can be logged.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

Path = tuple[str | int, ...]
Failure = tuple[Path, str]
Assertion = Callable[[Any, Any], Iterator[Failure]]

_MOST_CHOICES = 8


def same(one: Any, other: Any) -> bool:
    """Whether two values are one in JSON Schema: 1 is 1.0, and true is no 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


# A number comes last, for what a value is: an integer is one too.
_KINDS: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "array": lambda value: isinstance(value, list),
        "boolean": lambda value: isinstance(value, bool),
        "null": lambda value: value is None,
        "object": lambda value: isinstance(value, dict),
        "string": lambda value: isinstance(value, str),
        "number": _is_number,
        "integer": _is_integer,
    }
)


def _type(value: Any, limit: Any) -> Iterator[Failure]:
    wanted = [limit] if isinstance(limit, str) else limit
    if not any(_KINDS[kind](value) for kind in wanted):
        found = next(kind for kind in _KINDS if _KINDS[kind](value))
        yield (), f"is {_a(found)}, not {' or '.join(map(_a, wanted))}"


def _a(kind: str) -> str:
    if kind == "null":
        return kind
    return f"an {kind}" if kind[0] in "aio" else f"a {kind}"


def _enum(value: Any, limit: Any) -> Iterator[Failure]:
    if not any(same(value, each) for each in limit):
        named = ", ".join(repr(each) for each in limit[:_MOST_CHOICES])
        yield (), f"is none of {named}{', …' if len(limit) > _MOST_CHOICES else ''}"


def _const(value: Any, limit: Any) -> Iterator[Failure]:
    if not same(value, limit):
        yield (), f"is not {limit!r}"


def _number(fits: Callable[[Any, Any], bool], said: str) -> Assertion:
    def check(value: Any, limit: Any) -> Iterator[Failure]:
        if _is_number(value) and not fits(value, limit):
            yield (), f"is {said} {limit}"

    return check


def _is_multiple(value: Any, of: Any) -> bool:
    """As jsonschema divides: 0.3 is a multiple of 0.1, unless the quotient is beyond all floats."""
    if isinstance(of, float):
        try:
            quotient = value / of
            return bool(int(quotient) == quotient)
        except OverflowError:
            (above, below), (over, under) = value.as_integer_ratio(), of.as_integer_ratio()
            return bool(above * under % (below * over) == 0)
    return bool(value % of == 0)


def _length(kind: type[Any], fits: Callable[[int, int], bool], what: str, said: str) -> Assertion:
    def check(value: Any, limit: Any) -> Iterator[Failure]:
        if isinstance(value, kind) and not fits(len(value), limit):
            counted = f"{len(value)} {what if len(value) == 1 else what + 's'}"
            yield (), f"has {counted}, {said} {limit}"

    return check


def _least(length: int, limit: int) -> bool:
    return length >= limit


def _most(length: int, limit: int) -> bool:
    return length <= limit


def _pattern(value: Any, limit: Any) -> Iterator[Failure]:
    if isinstance(value, str) and not re.search(limit, value):
        yield (), f"does not match {limit}"


def _required(value: Any, limit: Any) -> Iterator[Failure]:
    if isinstance(value, dict):
        for name in limit:
            if name not in value:
                yield (name,), "is missing"


def _dependent(value: Any, limit: Any) -> Iterator[Failure]:
    if isinstance(value, dict):
        for name, needed in limit.items():
            for other in needed if name in value else ():
                if other not in value:
                    yield (other,), f"is missing, and {name} needs it"


def _unique(value: Any, limit: Any) -> Iterator[Failure]:
    if limit and isinstance(value, list):
        for index, item in enumerate(value):
            if any(same(item, other) for other in value[:index]):
                yield (index,), "is there twice"


ASSERTIONS: Mapping[str, Assertion] = MappingProxyType(
    {
        "const": _const,
        "dependentRequired": _dependent,
        "enum": _enum,
        "exclusiveMaximum": _number(lambda value, limit: value < limit, "not below"),
        "exclusiveMinimum": _number(lambda value, limit: value > limit, "not above"),
        "maxItems": _length(list, _most, "item", "over"),
        "maxLength": _length(str, _most, "character", "over"),
        "maxProperties": _length(dict, _most, "key", "over"),
        "maximum": _number(lambda value, limit: value <= limit, "over"),
        "minItems": _length(list, _least, "item", "under"),
        "minLength": _length(str, _least, "character", "under"),
        "minProperties": _length(dict, _least, "key", "under"),
        "minimum": _number(lambda value, limit: value >= limit, "under"),
        "multipleOf": _number(_is_multiple, "no multiple of"),
        "pattern": _pattern,
        "required": _required,
        "type": _type,
        "uniqueItems": _unique,
    }
)
