"""JSON Schemas taken apart: which schemas apply together, and where references lead."""

from typing import Any, NamedTuple
from urllib.parse import unquote

# Annotations, and definitions, which count where they are referred to.
SILENT = frozenset(
    [
        "$comment",
        "$defs",
        "default",
        "definitions",
        "deprecated",
        "description",
        "examples",
        "readOnly",
        "title",
        "writeOnly",
    ]
)
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
# They change what a reference means, and references are followed by their path only.
_NAMING = {"$anchor", "$dynamicAnchor", "$dynamicRef", "$id", "$schema"}


class Node(NamedTuple):
    """A schema, and the root that its references start from."""

    schema: Any
    root: Any


def without_name(root: Any) -> Any:
    """A root without its own `$id`, and without `$schema` where that is the usual one."""
    if not isinstance(root, dict):
        return root
    usual = root.get("$schema", _DIALECT) in {_DIALECT, _DIALECT + "#"}
    leave = {"$id", "$schema"} if usual else {"$id"}
    return {key: value for key, value in root.items() if key not in leave}


def has_names(value: Any) -> bool:
    """Whether a schema names parts of itself, or speaks another dialect."""
    if isinstance(value, dict):
        return bool(_NAMING & value.keys()) or any(map(has_names, value.values()))
    return isinstance(value, list) and any(map(has_names, value))


def refers(value: Any) -> bool:
    """Whether a reference is anywhere in it."""
    if isinstance(value, dict):
        return "$ref" in value or any(map(refers, value.values()))
    return isinstance(value, list) and any(map(refers, value))


def speaking(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without what says nothing about values."""
    return {key: value for key, value in schema.items() if key not in SILENT}


def parts(node: Node, seen: frozenset[int] = frozenset()) -> list[Node]:
    """What applies together: the schema itself, what it refers to, what its allOf lists.

    A reference that leads nowhere, or back to here, stays in its part as `$ref`.
    """
    schema = node.schema
    if not isinstance(schema, dict):
        return [Node({} if schema is True else {"not": {}}, node.root)]
    seen = seen | {id(schema)}
    plain = {key: value for key, value in schema.items() if key != "allOf"}
    found: list[Node] = []
    if "$ref" in schema:
        referred = target(schema["$ref"], node.root)
        if referred is not None and id(referred) not in seen:
            del plain["$ref"]
            found += parts(Node(referred, node.root), seen)
    for inner in schema.get("allOf", []):
        found += parts(Node(inner, node.root), seen)
    if speaking(plain) or not found:
        found.insert(0, Node(plain, node.root))
    return found


def target(reference: Any, root: Any) -> Any:
    """The schema that a reference within the document names; None when there is none."""
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        return None
    found = root
    for part in reference.split("/")[1:]:
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    return found if isinstance(found, dict | bool) else None
