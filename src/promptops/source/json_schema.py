"""Whether a JSON value is a JSON Schema (draft 2020-12) that can be used without surprises.

The official meta-schema says what a schema may look like; in addition nothing may be fetched, every
reference must lead somewhere, and none may go round in a circle.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator

from promptops.source.document import Path
from promptops.source.patterns import is_catastrophic
from promptops.source.text import MOST_FINDINGS

Problem = tuple[Path, str, str]  # where, what is so, what to do

_META = Draft202012Validator(Draft202012Validator.META_SCHEMA)
_REFERENCES = ("$ref", "$dynamicRef")
_IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
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
_TOLD = {"additionalProperties", "items", "unevaluatedItems", "unevaluatedProperties"}
_SCHEMA_LIST = ["allOf", "anyOf", "oneOf", "prefixItems"]
_SCHEMA_MAP = ["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"]


def problems_of(schema: Any, *, applied: bool = False) -> list[Problem]:
    """What is wrong with a schema; empty when it can be used.

    One that is `applied` here, and not only passed on, must be in our draft from top to bottom.
    """
    if not isinstance(schema, dict):
        return [((), "the schema is no JSON object", "begin with {")]
    references = References(schema)
    tops = list(_tops(references))
    parts = [each for path, top in tops for each in _dicts(top, path)]
    if len(parts) > _MOST_PARTS:
        message = f"a schema of {len(parts):,} parts; the limit is {_MOST_PARTS:,}"
        return [((), message, "make it smaller")]
    shape = (problem for path, top in tops for problem in _shape_problems(path, top))
    problems = list(islice(shape, MOST_FINDINGS))
    if problems:
        return problems
    problems = [problem for path, part in parts for problem in _pattern_problems(path, part)]
    if applied:
        problems += (problem for path, part in parts for problem in _draft_problems(path, part))
    for path, part in parts:
        for key in _REFERENCES:
            if key in part:
                problems += _reference_problems(references, (*path, key), part[key])
    if not problems and (circle := _circle(references, parts)) is not None:
        message = "a reference that leads back to itself: checking it never ends"
        problems.append((circle, message, "refer to another part"))
    return problems[:MOST_FINDINGS]


def spell_out(schema: dict[str, Any]) -> None:
    """Write `false` as `{"not": {}}` where jsonschema would not say at which place it stood."""
    for _, top in _tops(References(schema)):
        for path, part in list(_parts(top, ())):
            is_named = path[-2:-1] and path[-2] in _SCHEMA_MAP
            if part is False and (is_named or path[-1] not in _TOLD):
                parent: Any = top
                for step in path[:-1]:
                    parent = parent[step]
                parent[path[-1]] = {"not": {}}


def _tops(references: "References") -> Iterator[tuple[Path, Any]]:
    """The schema, and others in the file that only references lead to, below no keyword."""
    tops: list[tuple[Path, Any]] = [((), references.root)]
    known: set[int] = set()
    for top_path, top in tops:
        if id(top) in known:
            continue
        yield top_path, top
        found = list(_dicts(top, top_path))
        known.update(id(part) for _, part in found)
        for path, part in found:
            for key in _REFERENCES:
                target = references.target(part[key]) if isinstance(part.get(key), str) else None
                if isinstance(target, dict) and id(target) not in known:
                    tops.append(((*path, key), target))


def _shape_problems(path: Path, schema: dict[str, Any]) -> Iterator[Problem]:
    for error in _META.iter_errors(schema):
        where = (*path, *error.absolute_path)
        yield where, f"no JSON Schema: {error.message}", "correct it"


def _pattern_problems(path: Path, schema: dict[str, Any]) -> Iterator[Problem]:
    """Patterns that Python cannot compile, which the meta-schema does not look into."""
    patterns = [((*path, "pattern"), schema["pattern"])] if "pattern" in schema else []
    patterns += [
        ((*path, "patternProperties", key), key) for key in schema.get("patternProperties", ())
    ]
    for where, pattern in patterns:
        if not _is_regex(pattern):
            message = f"'{pattern[:60]}' is no regular expression that can be used"
            yield where, message, "correct it"
        elif is_catastrophic(pattern):
            message = f"'{pattern[:60]}' repeats a repeat: some texts would take hours to check"
            yield where, message, "put a character between that is in neither, or use one repeat"


def _draft_problems(path: Path, schema: dict[str, Any]) -> Iterator[Problem]:
    """Keywords that would change what the others mean, from there on."""
    draft = schema.get("$schema", _DRAFT)
    if draft.rstrip("#") != _DRAFT:
        message = f"the schema is written in {draft}; it would be read as draft 2020-12"
        yield (*path, "$schema"), message, f"write it in {_DRAFT}, or delete $schema"
    if path and "$id" in schema:
        message = "an $id inside a schema: references would lead elsewhere from there on"
        yield (*path, "$id"), message, "delete it; refer to $defs"


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


def _dicts(schema: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    return ((where, part) for where, part in _parts(schema, path) if isinstance(part, dict))


class References:
    """Where the local references of a schema lead."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root
        self._anchors = {
            part[key]: part
            for _, part in _dicts(root, ())
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
        for key in _REFERENCES:
            if key in schema:
                yield self.target(schema[key])
        for key in _IN_PLACE:
            part = schema.get(key)
            yield from part if isinstance(part, list) else (part,)
        yield from schema.get("dependentSchemas", {}).values()


def _reference_problems(references: References, path: Path, reference: str) -> Iterator[Problem]:
    if not reference.startswith("#"):
        message = f"the reference {reference} leads out of the file: nothing is ever fetched"
        yield path, message, "copy what it refers to into $defs"
    elif reference == "#":
        message = "a reference to the whole schema: readers differ in where that ends"
        yield path, message, "put the repeated part into $defs and refer to it by name"
    elif references.target(reference) is None:
        yield path, f"the reference {reference} leads nowhere", "define it in $defs or correct it"


def _circle(references: References, parts: list[tuple[Path, dict[str, Any]]]) -> Path | None:
    """A reference that comes back to itself without going one level down in the checked value."""
    done: set[int] = set()
    for path, part in parts:
        if _returns(references, part, set(), done):
            return path
    return None


def _returns(references: References, schema: Any, above: set[int], done: set[int]) -> bool:
    if not isinstance(schema, dict) or id(schema) in done:
        return False
    if id(schema) in above or len(above) > _LONGEST_CHAIN:
        return True
    above.add(id(schema))
    returns = any(_returns(references, part, above, done) for part in references.in_place(schema))
    above.discard(id(schema))
    done.add(id(schema))
    return returns
