"""Output schemas as providers decode by them: each takes a part of JSON Schema only.

What a provider is not told, `LiveRelease.parse` checks all the same.
"""

import json
from typing import Any

_STRICT = frozenset(
    [
        "$defs",
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "description",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "items",
        "maxItems",
        "maximum",
        "minItems",
        "minimum",
        "multipleOf",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
    ]
)
_FORMATS = frozenset(
    "date date-time duration email hostname ipv4 ipv6 time uri uuid".split()  # noqa: SIM905
)
_KEPT = ("description", "title")


class _NotSaid(ValueError):
    """A schema that cannot be said in the part that Anthropic decodes by."""


def is_object(schema: Any) -> bool:
    """Whether it can be the root of an answer's schema at OpenAI."""
    return isinstance(schema, dict) and schema.get("type") == "object"


def is_strict(schema: Any) -> bool:
    """Whether OpenAI can follow it exactly, which it demands to be told.

    Every object lists all its properties as required and allows no other, and no keyword is used
    that its guide does not list. One that is not strict is still sent, as a wish.
    """
    if not isinstance(schema, dict) or not schema or schema.keys() - _STRICT:
        return False
    properties = schema.get("properties", {})
    if "properties" in schema or schema.get("type") == "object":
        required = set(schema.get("required", ()))
        if schema.get("additionalProperties") is not False or required != properties.keys():
            return False
    inner = [*properties.values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", [])]
    inner += [schema["items"]] if "items" in schema else []
    return all(map(is_strict, inner))


def as_grammar(schema: Any) -> Any:
    """The schema as Anthropic decodes by it, or None for one that it cannot.

    Objects are closed, `oneOf` is `anyOf`, and what is left over stands in the description.
    """
    if not isinstance(schema, dict):
        return None
    try:
        return None if _is_recursive(schema, schema, ()) else _said(schema)
    except _NotSaid:
        return None


def _said(schema: Any) -> dict[str, Any]:
    if not isinstance(schema, dict):
        raise _NotSaid
    rest = dict(schema)
    said: dict[str, Any] = {}
    if "$defs" in rest:
        said["$defs"] = {name: _said(part) for name, part in rest.pop("$defs").items()}
    if "$ref" in rest:
        return said | {"$ref": rest["$ref"]}
    kind = rest.pop("type", None)
    if isinstance(kind, list):
        others = {key: value for key, value in rest.items() if key not in _KEPT}
        either = {"anyOf": [_said({**others, "type": each}) for each in kind]}
        return said | either | {key: rest[key] for key in _KEPT if key in rest}
    said |= _literals(rest) or _choice(rest) or _typed(kind, rest)
    said |= {key: rest.pop(key) for key in _KEPT if key in rest}
    if rest:
        left = json.dumps(rest, ensure_ascii=False)
        said["description"] = f"{said['description']}\n\n{left}" if "description" in said else left
    return said


def _literals(rest: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in ("enum", "const"):
        values = rest.get(key, []) if key == "enum" else [rest.get(key)]
        if key in rest and not any(isinstance(value, dict | list) for value in values):
            found[key] = rest.pop(key)
    return found


def _choice(rest: dict[str, Any]) -> dict[str, Any]:
    for key in ("anyOf", "oneOf", "allOf"):
        if key in rest:
            parts = [_said(part) for part in rest.pop(key)]
            return {"allOf" if key == "allOf" else "anyOf": parts}
    return {}


def _typed(kind: Any, rest: dict[str, Any]) -> dict[str, Any]:
    if kind is None:
        raise _NotSaid
    said: dict[str, Any] = {"type": kind}
    if kind == "object":
        # An open object would be closed to nothing.
        if "properties" not in rest or rest.pop("additionalProperties", False) is not False:
            raise _NotSaid
        parts = rest.pop("properties")
        said["properties"] = {name: _said(part) for name, part in parts.items()}
        said["additionalProperties"] = False
        if "required" in rest:
            said["required"] = rest.pop("required")
    elif kind == "array":
        if "items" in rest:
            said["items"] = _said(rest.pop("items"))
        if rest.get("minItems") in {0, 1}:
            said["minItems"] = rest.pop("minItems")
    elif kind == "string" and rest.get("format") in _FORMATS:
        said["format"] = rest.pop("format")
    return said


def _is_recursive(part: Any, root: dict[str, Any], above: tuple[str, ...]) -> bool:
    if isinstance(part, list):
        return any(_is_recursive(item, root, above) for item in part)
    if not isinstance(part, dict):
        return False
    reference = part.get("$ref")
    if isinstance(reference, str):
        if reference in above:
            return True
        name = reference.removeprefix("#/$defs/")
        target = root.get("$defs", {}).get(name)
        if target is None:
            raise _NotSaid
        if _is_recursive(target, root, (*above, reference)):
            return True
    return any(_is_recursive(value, root, above) for key, value in part.items() if key != "$defs")
