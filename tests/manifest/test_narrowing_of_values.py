"""Schemas by chance, and values that an independent validator judges."""

import json
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from promptops.manifest.narrowing import gaps
from promptops.source.json_schema import problems_of

SCALARS = st.sampled_from([None, True, False, 0, 1, 2, 3, 1.5, "", "a", "b", "abc"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=6,
)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null", "object", "array"])
LEAVES = st.one_of(
    st.booleans(),
    st.just({}),
    st.builds(lambda kind: {"type": kind}, TYPES),
    st.builds(lambda kinds: {"type": kinds}, st.lists(TYPES, min_size=1, max_size=3, unique=True)),
    st.builds(lambda values: {"enum": values}, st.lists(SCALARS, min_size=1, max_size=3)),
    st.builds(lambda value: {"const": value}, SCALARS),
    st.builds(lambda low: {"minimum": low}, st.integers(0, 3)),
    st.builds(lambda high: {"exclusiveMaximum": high}, st.integers(0, 3)),
    st.builds(lambda low, high: {"minLength": low, "maxLength": high}, *[st.integers(0, 3)] * 2),
    st.just({"$ref": "#/$defs/a"}),
    st.just({"$ref": "#"}),
    st.just({"uniqueItems": True}),
)
NAMES = st.sampled_from(["a", "b", "c"])


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(inner, min_size=1, max_size=3)
    keywords = {
        "type": TYPES,
        "properties": st.dictionaries(NAMES, inner, max_size=3),
        "patternProperties": st.dictionaries(NAMES, inner, max_size=1),
        "required": st.lists(NAMES, max_size=2, unique=True),
        "additionalProperties": inner,
        "items": inner,
        "prefixItems": lists,
        "maxItems": st.integers(0, 2),
        "anyOf": lists,
        "oneOf": lists,
        "allOf": lists,
        "not": inner,
        "if": inner,
        "then": inner,
        "unevaluatedProperties": st.just(False),
        "$ref": st.just("#/$defs/a"),
    }
    return st.fixed_dictionaries({}, optional=keywords)


SCHEMAS = st.recursive(LEAVES, _schemas, max_leaves=8)
ROOTS = st.builds(lambda schema, a: {"allOf": [schema], "$defs": {"a": a}}, SCHEMAS, SCHEMAS)


def _mutations(schema: Any) -> st.SearchStrategy[Any]:
    """The same schema, or one with a part replaced: near enough that the answer is often yes."""
    text = json.dumps(schema)
    return st.sampled_from(
        [
            schema,
            json.loads(text.replace('"string"', '["string", "null"]', 1)),
            json.loads(text.replace('"minimum": 1', '"minimum": 2', 1)),
            json.loads(text.replace('"number"', '"integer"', 1)),
            json.loads(text.replace("true", "false", 1)),
            json.loads(text.replace("false", "true", 1)),
            json.loads(text.replace('"anyOf"', '"oneOf"', 1)),
            json.loads(text.replace('"required": []', '"required": ["a"]', 1)),
            {"title": "Named", **schema},
        ]
    )


PAIRS = st.one_of(
    st.tuples(ROOTS, ROOTS), ROOTS.flatmap(lambda one: st.tuples(st.just(one), _mutations(one)))
)


def _allows(schema: Any, value: Any) -> bool:
    return bool(Draft202012Validator(schema).is_valid(value))


def _deployable(schema: Any) -> bool:
    """Whether the checks let it pass; a circle of references is refused there."""
    return not list(problems_of(schema))


@settings(max_examples=200, deadline=None)
@given(PAIRS, st.lists(VALUES, min_size=5, max_size=15))
def test_without_a_gap_no_value_is_allowed_that_was_not(pair: Any, values: list[Any]) -> None:
    old, new = pair
    assume(_deployable(old) and _deployable(new))
    if gaps(old, new):
        return
    for value in values:
        if _allows(new, value):
            assert _allows(old, value), value
