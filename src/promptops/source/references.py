"""The schemas inside a JSON Schema, and where its references lead."""

import re
from collections.abc import Iterator
from typing import Any

from promptops.source.document import Path

REFERENCES = ("$ref", "$dynamicRef")
_IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
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
_SCHEMA_MAP = [
    "$defs",
    "definitions",
    "dependencies",
    "dependentSchemas",
    "patternProperties",
    "properties",
]


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


def schemas_in(schema: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    return ((where, part) for where, part in _parts(schema, path) if isinstance(part, dict))


class References:
    """Where the local references of a schema lead."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root
        self._anchors = {
            part[key]: part
            for _, part in schemas_in(root, ())
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
        for key in REFERENCES:
            if key in schema:
                yield self.target(schema[key])
        for key in _IN_PLACE:
            part = schema.get(key)
            yield from part if isinstance(part, list) else (part,)
        yield from schema.get("dependentSchemas", {}).values()


def tops_of(references: "References") -> Iterator[tuple[Path, Any]]:
    """The schema, and others in the file that only references lead to, below no keyword."""
    tops: list[tuple[Path, Any]] = [((), references.root)]
    known: set[int] = set()
    for top_path, top in tops:
        if id(top) in known:
            continue
        yield top_path, top
        found = list(schemas_in(top, top_path))
        known.update(id(part) for _, part in found)
        for path, part in found:
            for key in REFERENCES:
                target = references.target(part[key]) if isinstance(part.get(key), str) else None
                if isinstance(target, dict) and id(target) not in known:
                    tops.append(((*path, key), target))


def spell_out(schema: dict[str, Any]) -> None:
    """Write `false` as `{"not": {}}` where jsonschema would not say at which place it stood."""
    for _, top in tops_of(References(schema)):
        for path, part in list(_parts(top, ())):
            is_named = path[-2:-1] and path[-2] in _SCHEMA_MAP
            if part is False and (is_named or path[-1] not in _TOLD):
                parent: Any = top
                for step in path[:-1]:
                    parent = parent[step]
                parent[path[-1]] = {"not": {}}
