"""Does one JSON Schema allow only what another allows? A careful answer, by structure alone.

`gaps(old, new)` is empty when every value that `new` allows is allowed by `old` too: who reads by
the old one can read by the new one. It may name a gap where there is none, for schemas that say
one thing in two ways, and it never leaves one out. Titles, descriptions and examples say nothing
about values.

Each part of the old schema (itself, its `$ref`, its `allOf`) must hold for whatever some part of
the new one allows. Schemas that refer to themselves are compared under the assumption that is
being proved, one step further down.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from promptops.manifest.document import Json, same
from promptops.manifest.schema_parts import (
    SILENT,
    Node,
    has_names,
    parts,
    refers,
    speaking,
    without_name,
)

MOST_STEPS = 5_000
DEEPEST = 50

# Their meaning depends on other keywords: such a part is the same as a whole, or not comparable.
_WHOLE = {"$ref", "patternProperties", "prefixItems", "contains", "minContains", "maxContains"}
_WHOLE |= {"if", "then", "else", "unevaluatedProperties", "unevaluatedItems"}
_LOWER = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_UPPER = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a comparison is: the path in the value, and the pairs of schemas above it."""

    path: tuple[str, ...] = ()
    above: Mapping[tuple[int, int], int] | None = None

    def __str__(self) -> str:
        return "'" + ".".join(self.path).replace(".[]", "[]") + "'" if self.path else "the value"

    def below(self, name: str) -> "_Place":
        return _Place((*self.path, name), self.above)


def gaps(old: Json, new: Json) -> tuple[str, ...]:
    """Why a value that `new` allows may be one that `old` refuses, in words; empty if never."""
    one, other = without_name(old), without_name(new)
    if same(one, other):
        return ()
    if has_names(one) or has_names(other):
        return ("schemas that name their parts, or of another dialect, cannot be compared",)
    found = _Comparison().gaps(Node(one, one), Node(other, other), _Place())
    return tuple(dict.fromkeys(found))


class _Comparison:
    """One comparison; it counts its steps, so that a hostile schema cannot make it last."""

    def __init__(self) -> None:
        self._steps = 0

    def gaps(self, old: Node, new: Node, place: _Place) -> list[str]:
        self._steps += 1
        above = place.above or {}
        if self._steps > MOST_STEPS or len(above) > DEEPEST:
            return [f"{place} is too large or too deep to compare"]
        if old.schema is True or new.schema is False:
            return []
        # Ids are safe here: what is compared above stays alive as long as this call.
        pair = (id(old.schema), id(new.schema))
        if pair in above:
            return [] if above[pair] < len(place.path) else [f"{place} refers to itself"]
        place = _Place(place.path, {**above, pair: len(place.path)})
        narrower = parts(new)
        return [gap for part in parts(old) for gap in self._nearest(part, narrower, place)]

    def _nearest(self, old: Node, narrower: list[Node], place: _Place) -> list[str]:
        """Nothing if one of the new parts is narrow enough, else what the first one lacks."""
        first: list[str] = []
        for part in narrower:
            found = self._part(old, part, place)
            if not found:
                return []
            first = first or found
        return first

    def _part(self, old: Node, new: Node, place: _Place) -> list[str]:
        if not isinstance(new.schema, dict) or not isinstance(old.schema, dict):
            return [f"{place} cannot be compared"]
        whole = sorted(_WHOLE & old.schema.keys())
        if whole:
            one, other = speaking(old.schema), speaking(new.schema)
            equal = same(one, other) and not refers(one)
            return [] if equal else [f"{place} uses {whole[0]}, which cannot be compared"]
        found = [gap for key in old.schema for gap in self._keyword(key, old, new, place)]
        for key in ("anyOf", "oneOf"):
            if found and key in new.schema:
                rest = {name: value for name, value in new.schema.items() if name != key}
                branches = [Node(_joined(rest, one), new.root) for one in new.schema[key]]
                found = [gap for one in branches for gap in self.gaps(old, one, place)]
        return found

    def _keyword(self, key: str, old: Node, new: Node, place: _Place) -> Iterator[str]:
        was, now = old.schema[key], new.schema.get(key)
        if key in SILENT:
            return
        if key == "properties":
            yield from self._properties(old, new, place)
        elif key == "additionalProperties":
            yield from self._additional(old, new, place)
        elif key == "items":
            items = True if "prefixItems" in new.schema else new.schema.get("items", True)
            yield from self.gaps(Node(was, old.root), Node(items, new.root), place.below("[]"))
        elif key in {"anyOf", "oneOf"}:
            yield from self._choices(key, old, new, place)
        else:
            yield from _leaf(key, was, now, new.schema, place)

    def _properties(self, old: Node, new: Node, place: _Place) -> Iterator[str]:
        others, known = _others(new.schema), new.schema.get("properties", {})
        for name, schema in old.schema["properties"].items():
            now = Node(known.get(name, others), new.root)
            yield from self.gaps(Node(schema, old.root), now, place.below(name))

    def _additional(self, old: Node, new: Node, place: _Place) -> Iterator[str]:
        allowed = Node(old.schema["additionalProperties"], old.root)
        known = old.schema.get("properties", {})
        for name, schema in new.schema.get("properties", {}).items():
            if name in known or schema is False:
                continue
            if allowed.schema is False:
                yield f"{place.below(name)} is new, and readers take no further properties"
            else:
                yield from self.gaps(allowed, Node(schema, new.root), place.below(name))
        others = _others(new.schema)
        if allowed.schema is not False:
            yield from self.gaps(allowed, Node(others, new.root), place.below("*"))
        elif others is not False:
            yield f"{place} may have further properties"

    def _choices(self, key: str, old: Node, new: Node, place: _Place) -> Iterator[str]:
        choices = [Node(schema, old.root) for schema in old.schema[key]]
        if key == "anyOf":
            if all(self.gaps(choice, new, place) for choice in choices):
                yield f"{place} may be none of the {len(choices)} kinds that it was"
            return
        # Exactly one of them applies: each must mean what it meant, or two could apply.
        now = [Node(schema, new.root) for schema in new.schema.get(key, [])]
        if len(choices) != len(now) or any(
            self.gaps(one, other, place) or self.gaps(other, one, place)
            for one, other in zip(choices, now, strict=True)
        ):
            yield f"{place} differs in {key}"


def _leaf(key: str, was: Any, now: Any, new: dict[str, Any], place: _Place) -> Iterator[str]:
    """A keyword that looks at the value itself."""
    if key == "type":
        yield from _types(was, new, place)
    elif key in {"enum", "const"}:
        yield from _values([was] if key == "const" else was, new, place)
    elif key == "required":
        missing = [name for name in was if name not in new.get("required", [])]
        yield from (f"{place.below(name)} may be missing" for name in missing)
    elif key in _LOWER | _UPPER:
        fits = _is_number(now) and (now >= was if key in _LOWER else now <= was)
        if not fits:
            yield f"{place} has {_limit(key, now)}, was {_limit(key, was)}"
    elif key == "uniqueItems":
        if was and now is not True:
            yield f"{place} may hold an item twice"
    elif not same(was, now) or refers(was):
        yield f"{place} differs in {key}"


def _types(was: Any, new: dict[str, Any], place: _Place) -> Iterator[str]:
    allowed = {*_listed(was), *(["integer"] if "number" in _listed(was) else [])}
    values = _known_values(new)
    if "type" in new:
        now = set(_listed(new["type"]))
    elif values is not None:
        now = {_type_of(value) for value in values}
    else:
        now = {"anything"}
    if now - allowed:
        wider, before = " or ".join(sorted(now - allowed)), " or ".join(_listed(was))
        yield f"{place} may be {wider}, was {before}"


def _values(allowed: list[Any], new: dict[str, Any], place: _Place) -> Iterator[str]:
    values = _known_values(new)
    if values is None:
        yield f"{place} may be any value, was one of {len(allowed)}"
        return
    added = [value for value in values if not any(same(value, one) for one in allowed)]
    if added:
        listed = ", ".join(f"{value!r}" for value in added[:3])
        more = f" and {len(added) - 3} more" if len(added) > 3 else ""
        yield f"{place} may be {listed}{more}"


def _known_values(schema: dict[str, Any]) -> list[Any] | None:
    """The values of a schema that has few of them."""
    if "const" in schema:
        return [schema["const"]]
    if "enum" in schema:
        return list(schema["enum"])
    kind = schema.get("type")
    if kind == "boolean":
        return [True, False]
    return [None] if kind == "null" else None


def _type_of(value: Any) -> str:
    return _TYPES.get(type(value), "array" if isinstance(value, list) else "object")


def _others(schema: dict[str, Any]) -> Any:
    """What a schema says of properties that it does not name."""
    return True if "patternProperties" in schema else schema.get("additionalProperties", True)


def _joined(rest: dict[str, Any], branch: Any) -> Any:
    """A schema that allows at least what a branch of a choice and what stands beside it allow."""
    if isinstance(branch, dict) and not rest.keys() & branch.keys():
        return {**rest, **branch}
    return branch


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _limit(key: str, value: Any) -> str:
    return f"no {key}" if value is None else f"{key} {value}"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
