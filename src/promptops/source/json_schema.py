"""Whether a JSON value is a JSON Schema (draft 2020-12) that can be used without surprises.

The official meta-schema says what a schema may look like; in addition nothing may be fetched, every
reference must lead somewhere, and none may go round in a circle.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any
from urllib.parse import urljoin

from jsonschema import Draft202012Validator
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

from promptops.source.document import Path
from promptops.source.patterns import Patience, TooLarge, is_catastrophic
from promptops.source.text import MOST_FINDINGS

Problem = tuple[Path, str, str]  # where, what is so, what to do

_IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
_LONGEST_CHAIN = 100
_LONGEST_PATTERN = 2000
_MOST_PARTS = 1000  # checking them takes time: a third of a second for these
_PERCENT = re.compile("%([0-9a-fA-F]{2})")

_SCHEMA = [
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
]
_SCHEMA_LIST = ["allOf", "anyOf", "oneOf", "prefixItems"]
_SCHEMA_MAP = [
    "$defs",
    "definitions",
    "dependencies",
    "dependentSchemas",
    "patternProperties",
    "properties",
]


def problems_of(schema: Any) -> list[Problem]:
    """What is wrong with a schema; empty when it can be used."""
    if not isinstance(schema, dict):
        return [((), "the schema is no JSON object", "begin with {")]
    parts = [(path, part) for path, part in _parts(schema, ()) if isinstance(part, dict)]
    if len(parts) > _MOST_PARTS:
        message = f"a schema of {len(parts):,} parts; the limit is {_MOST_PARTS:,}"
        return [((), message, "ask the model for less at once")]
    shapes = (problem for path, part in parts for problem in _shape_problems(path, part))
    problems = list(islice(shapes, MOST_FINDINGS))
    if problems:
        return problems
    patience = Patience()
    try:
        problems = [
            problem for path, part in parts for problem in _pattern_problems(path, part, patience)
        ]
    except TooLarge:
        message = "its patterns are too large for anybody to tell whether they take hours to check"
        return [((), message, "repeat less in them")]
    references = _References(schema)
    for path, part in parts:
        for key in ("$ref", "$dynamicRef"):
            if key in part:
                problems += _reference_problems(references, (*path, key), part[key])
    if not problems and (circle := _circle(references)) is not None:
        message = "a reference that leads back to itself: checking it never ends"
        problems.append((circle, message, "refer to another part"))
    return problems[:MOST_FINDINGS]


def _shape_problems(path: Path, schema: dict[str, Any]) -> Iterator[Problem]:
    """What the meta-schema says about one schema; those inside it are told apart."""
    for error in _meta().iter_errors(schema):
        yield (*path, *error.absolute_path), f"no JSON Schema: {error.message}", "correct it"


@cache
def _meta() -> Draft202012Validator:
    """The official meta-schema, about one schema without those inside it.

    As it is published it refers to itself seven times for every schema inside, and to look all
    that up takes most of the time that a unit takes.
    """
    root = Draft202012Validator.META_SCHEMA
    whole = _flat(root, root["$id"])
    for vocabulary in whole.pop("allOf"):
        whole["properties"] |= vocabulary["properties"]
    return Draft202012Validator({"properties": whole["properties"]})


def _flat(part: Any, base: str) -> Any:
    """A part of the meta-schema without references; in the place of a schema inside, its type."""
    if isinstance(part, list):
        return [_flat(item, base) for item in part]
    if not isinstance(part, dict):
        return part
    if part.get("$dynamicRef") == "#meta":
        return {"type": ["object", "boolean"]}
    flat = {key: _flat(item, base) for key, item in part.items()}
    if isinstance(flat.get("$ref"), str):
        document, _, pointer = flat.pop("$ref").partition("#")
        there = urljoin(base, document)
        target = REGISTRY.contents(there)
        for step in pointer.split("/")[1:]:
            target = target[step]
        flat = _flat(target, there) | flat
    return flat


def _pattern_problems(path: Path, schema: dict[str, Any], patience: Patience) -> Iterator[Problem]:
    """Patterns that Python cannot compile, which the meta-schema does not look into."""
    patterns = [((*path, "pattern"), schema["pattern"])] if "pattern" in schema else []
    patterns += [
        ((*path, "patternProperties", key), key) for key in schema.get("patternProperties", ())
    ]
    for where, pattern in patterns:
        if not _is_regex(pattern):
            message = f"'{pattern[:60]}' is no regular expression that can be used"
            yield where, message, "correct it"
        elif is_catastrophic(pattern, patience):
            message = (
                f"'{pattern[:60]}' can read one text in many ways: some answers would take hours "
                "to check"
            )
            yield where, message, "leave one way: one repeat, a character between, no overlap in |"


def _is_regex(pattern: str) -> bool:
    if len(pattern) > _LONGEST_PATTERN:
        return False
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _parts(schema: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """The schema and every schema in it."""
    yield path, schema
    if not isinstance(schema, dict):
        return
    for key in _SCHEMA:
        if key in schema:
            yield from _parts(schema[key], (*path, key))
    for key in _SCHEMA_LIST:
        if isinstance(parts := schema.get(key), list):
            for index, part in enumerate(parts):
                yield from _parts(part, (*path, key, index))
    for key in _SCHEMA_MAP:
        if isinstance(parts := schema.get(key), dict):
            for name, part in parts.items():
                yield from _parts(part, (*path, key, name))


class _References:
    """Where the local references of a schema lead."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root
        self._anchors = {
            part[key]: part
            for _, part in _parts(root, ())
            if isinstance(part, dict)
            for key in ("$anchor", "$dynamicAnchor")
            if isinstance(part.get(key), str)
        }

    def target(self, reference: str) -> Any:
        """The schema that a reference names, or None."""
        pointer = reference[1:]
        if not pointer.startswith("/"):
            return self._anchors.get(pointer)
        value: Any = self.root
        for token in pointer[1:].split("/"):
            name = _PERCENT.sub(lambda code: chr(int(code[1], 16)), token)
            name = name.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict):
                value = value.get(name)
            elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
                value = value[int(name)]
            else:
                return None
        return value if isinstance(value, dict | bool) else None

    def in_place(self, schema: dict[str, Any]) -> Iterator[Any]:
        """The schemas that are applied to the same value as this one."""
        for key in ("$ref", "$dynamicRef"):
            if key in schema:
                yield self.target(schema[key])
        for key in _IN_PLACE:
            part = schema.get(key)
            yield from part if isinstance(part, list) else (part,)
        yield from schema.get("dependentSchemas", {}).values()


def _reference_problems(references: _References, path: Path, reference: str) -> Iterator[Problem]:
    if not reference.startswith("#"):
        message = f"the reference {reference} leads out of the file: nothing is ever fetched"
        yield path, message, "copy what it refers to into $defs"
    elif reference == "#":
        message = "a reference to the whole schema: readers differ in where that ends"
        yield path, message, "put the repeated part into $defs and refer to it by name"
    elif references.target(reference) is None:
        yield path, f"the reference {reference} leads nowhere", "define it in $defs or correct it"


def _circle(references: _References) -> Path | None:
    """A reference that comes back to itself without going one level down in the checked value."""
    done: set[int] = set()
    for path, part in _parts(references.root, ()):
        if _returns(references, part, set(), done):
            return path
    return None


def _returns(references: _References, schema: Any, above: set[int], done: set[int]) -> bool:
    if not isinstance(schema, dict) or id(schema) in done:
        return False
    if id(schema) in above or len(above) > _LONGEST_CHAIN:
        return True
    above.add(id(schema))
    returns = any(_returns(references, part, above, done) for part in references.in_place(schema))
    above.discard(id(schema))
    done.add(id(schema))
    return returns
