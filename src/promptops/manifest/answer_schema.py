"""JSON Schema (draft 2020-12) as answers are checked by it, with the standard library only.

An app checks answers and must not load jsonschema. A keyword that is not known here is told when
the schema is taken in, never passed over; `format` is an annotation, as the draft has it.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from promptops.manifest.assertions import ASSERTIONS, Failure, Path
from promptops.manifest.schema_parts import SILENT, target

_Applied = Callable[["AnswerSchema", Path, Any, Any, Mapping[str, Any]], Iterator[Failure]]

_ANNOTATIONS = SILENT | {"contentEncoding", "contentMediaType", "contentSchema", "format"}
_READ_WITH_OTHERS = frozenset(["else", "maxContains", "minContains", "then"])
_AT_THE_ROOT = frozenset(["$id", "$schema"])

_HOLDS_ONE = frozenset(
    ["additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"]
)
_HOLDS_LIST = frozenset(["allOf", "anyOf", "oneOf", "prefixItems"])
_HOLDS_NAMED = frozenset(
    ["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"]
)


class UnknownKeyword(ValueError):
    """A keyword, or a reference, that answers cannot be checked by."""


@dataclass(frozen=True, slots=True)
class AnswerSchema:
    """A schema that is known from top to bottom; making one raises UnknownKeyword."""

    root: Any

    def __post_init__(self) -> None:
        parts = {id(part): part for part in _schemas_in(self.root)}
        for part in parts.values():
            unknown = part.keys() - ASSERTIONS.keys() - _APPLIED.keys() - _ANNOTATIONS
            unknown -= _READ_WITH_OTHERS | (_AT_THE_ROOT if part is self.root else set())
            if unknown:
                raise UnknownKeyword(f"answers cannot be checked by the keyword '{min(unknown)}'")
            leads_to = target(part["$ref"], self.root) if "$ref" in part else True
            if not isinstance(leads_to, bool) and id(leads_to) not in parts:
                message = f"answers cannot be checked by the reference {part['$ref']}"
                raise UnknownKeyword(message)

    def failures(self, value: Any) -> Iterator[Failure]:
        """Each way in which a value does not fit: where in it, and what is so."""
        return self.below((), value, self.root)

    def below(self, path: Path, value: Any, schema: Any) -> Iterator[Failure]:
        """The same for a part of the value and a part of the schema."""
        if schema is False:
            yield path, "is not allowed"
        for keyword, limit in schema.items() if isinstance(schema, dict) else ():
            if keyword in ASSERTIONS:
                for inner, said in ASSERTIONS[keyword](value, limit):
                    yield (*path, *inner), said
            elif keyword in _APPLIED:
                yield from _APPLIED[keyword](self, path, value, limit, schema)

    def fits(self, value: Any, schema: Any) -> bool:
        return next(self.below((), value, schema), None) is None


def _schemas_in(schema: Any) -> Iterator[dict[str, Any]]:
    """The schema and every schema in it."""
    if not isinstance(schema, dict):
        return
    yield schema
    for key, part in schema.items():
        inner = [part] if key in _HOLDS_ONE else part if key in _HOLDS_LIST else ()
        for each in part.values() if key in _HOLDS_NAMED else inner:
            yield from _schemas_in(each)


def _properties(by: AnswerSchema, path: Path, value: Any, limit: Any, _: Any) -> Iterator[Failure]:
    if isinstance(value, dict):
        for name, part in limit.items():
            if name in value:
                yield from by.below((*path, name), value[name], part)


def _by_pattern(by: AnswerSchema, path: Path, value: Any, limit: Any, _: Any) -> Iterator[Failure]:
    if isinstance(value, dict):
        for pattern, part in limit.items():
            for name, item in value.items():
                if re.search(pattern, name):
                    yield from by.below((*path, name), item, part)


def _others(
    by: AnswerSchema, path: Path, value: Any, limit: Any, schema: Mapping[str, Any]
) -> Iterator[Failure]:
    if not isinstance(value, dict):
        return
    known, patterns = schema.get("properties", ()), schema.get("patternProperties", ())
    for name, item in value.items():
        if name not in known and not any(re.search(pattern, name) for pattern in patterns):
            if limit is False:
                yield (*path, name), "is no key of the schema"
            else:
                yield from by.below((*path, name), item, limit)


def _names(by: AnswerSchema, path: Path, value: Any, limit: Any, _: Any) -> Iterator[Failure]:
    if isinstance(value, dict):
        for name in value:
            for _, said in by.below((), name, limit):
                yield (*path, name), f"is a key that {said}"


def _implied(by: AnswerSchema, path: Path, value: Any, limit: Any, _: Any) -> Iterator[Failure]:
    if isinstance(value, dict):
        for name, part in limit.items():
            if name in value:
                yield from by.below(path, value, part)


def _items(
    by: AnswerSchema, path: Path, value: Any, limit: Any, schema: Mapping[str, Any]
) -> Iterator[Failure]:
    if isinstance(value, list):
        first = len(schema.get("prefixItems", ()))
        for index, item in enumerate(value[first:], first):
            yield from by.below((*path, index), item, limit)


def _first_items(by: AnswerSchema, path: Path, value: Any, limit: Any, _: Any) -> Iterator[Failure]:
    if isinstance(value, list):
        for index, (item, part) in enumerate(zip(value, limit, strict=False)):
            yield from by.below((*path, index), item, part)


def _contains(
    by: AnswerSchema, path: Path, value: Any, limit: Any, schema: Mapping[str, Any]
) -> Iterator[Failure]:
    if isinstance(value, list):
        count = sum(by.fits(item, limit) for item in value)
        least, most = schema.get("minContains", 1), schema.get("maxContains", math.inf)
        if not least <= count <= most:
            wanted = f"at least {least}" if count < least else f"at most {most}"
            yield path, f"has {count} items of a kind of which it has {wanted}"


def _all_of(by: AnswerSchema, path: Path, value: Any, limit: Any, _: Any) -> Iterator[Failure]:
    for part in limit:
        yield from by.below(path, value, part)


def _any_of(by: AnswerSchema, path: Path, value: Any, limit: Any, _: Any) -> Iterator[Failure]:
    if not any(by.fits(value, part) for part in limit):
        yield path, f"fits none of {len(limit)} alternatives"


def _one_of(by: AnswerSchema, path: Path, value: Any, limit: Any, _: Any) -> Iterator[Failure]:
    count = sum(by.fits(value, part) for part in limit)
    if count == 0:
        yield path, f"fits none of {len(limit)} alternatives"
    elif count > 1:
        yield path, f"fits {count} alternatives, and only one is allowed"


def _not(by: AnswerSchema, path: Path, value: Any, limit: Any, _: Any) -> Iterator[Failure]:
    if by.fits(value, limit):
        yield path, "is what the schema rules out"


def _if(
    by: AnswerSchema, path: Path, value: Any, limit: Any, schema: Mapping[str, Any]
) -> Iterator[Failure]:
    branch = "then" if by.fits(value, limit) else "else"
    yield from by.below(path, value, schema.get(branch, True))


def _ref(by: AnswerSchema, path: Path, value: Any, limit: Any, _: Any) -> Iterator[Failure]:
    yield from by.below(path, value, target(limit, by.root))


_APPLIED: Mapping[str, _Applied] = MappingProxyType(
    {
        "$ref": _ref,
        "additionalProperties": _others,
        "allOf": _all_of,
        "anyOf": _any_of,
        "contains": _contains,
        "dependentSchemas": _implied,
        "if": _if,
        "items": _items,
        "not": _not,
        "oneOf": _one_of,
        "patternProperties": _by_pattern,
        "prefixItems": _first_items,
        "properties": _properties,
        "propertyNames": _names,
    }
)
