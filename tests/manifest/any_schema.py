"""JSON Schemas by chance, with every keyword that answers are checked by, and values for them."""

from typing import Any

from hypothesis import strategies as st

_KEYS = st.sampled_from(["a", "b", "ab", "x1"])
_NUMBERS = st.one_of(st.integers(-3, 6), st.sampled_from([0.5, 1.0, 2.0, 0.1, 0.3, 1e308, 10**400]))
_SCALARS = st.one_of(st.none(), st.booleans(), _NUMBERS, st.sampled_from(["", "a", "abc", "é💩"]))
VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=8,
)
_SIZES = st.integers(0, 3)
_LIMITS = st.one_of(st.integers(-2, 5), st.sampled_from([0.5, 2.0]))
_PATTERNS = st.sampled_from(["^a", "b$", "[0-9]", "."])
_KINDS = st.sampled_from(["array", "boolean", "integer", "null", "number", "object", "string"])
LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "type": _KINDS | st.lists(_KINDS, min_size=1, max_size=3, unique=True),
    "enum": st.lists(VALUES, min_size=1, max_size=3),
    "const": VALUES,
    "required": st.lists(_KEYS, max_size=2, unique=True),
    "dependentRequired": st.dictionaries(_KEYS, st.lists(_KEYS, unique=True), max_size=2),
    "pattern": _PATTERNS,
    "multipleOf": st.sampled_from([1, 2, 0.5, 0.1, 1e-308]),
    "uniqueItems": st.booleans(),
    "format": st.just("date"),
    "title": st.just("a title"),
    **dict.fromkeys(["minLength", "maxLength", "minItems", "maxItems"], _SIZES),
    **dict.fromkeys(["minProperties", "maxProperties"], _SIZES),
    **dict.fromkeys(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], _LIMITS),
}


def _with_parts(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=3)
    named = st.dictionaries(_KEYS, inner, max_size=3)
    optional: dict[str, st.SearchStrategy[Any]] = {
        **dict.fromkeys(["allOf", "anyOf", "oneOf", "prefixItems"], some),
        **dict.fromkeys(["properties", "dependentSchemas"], named),
        **dict.fromkeys(["additionalProperties", "items", "not", "propertyNames"], inner),
        **dict.fromkeys(["contains", "if", "then", "else"], inner),
        **dict.fromkeys(["minContains", "maxContains"], _SIZES),
        "patternProperties": st.dictionaries(_PATTERNS, inner, max_size=2),
        "$ref": st.just("#/$defs/named"),
    }
    return some_of({**LEAVES, **optional})


def some_of(keywords: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    names = st.lists(st.sampled_from(sorted(keywords)), min_size=1, max_size=4, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({k: keywords[k] for k in chosen}))


SCHEMAS = st.recursive(some_of(LEAVES) | st.booleans(), _with_parts, max_leaves=6)
