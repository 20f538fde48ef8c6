"""Answers are checked as jsonschema would check them, which an app does not load."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptops.manifest.answer_schema import AnswerSchema, UnknownKeyword

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
_LEAVES: dict[str, st.SearchStrategy[Any]] = {
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
    return _some_of({**_LEAVES, **optional})


def _some_of(keywords: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    names = st.lists(st.sampled_from(sorted(keywords)), min_size=1, max_size=4, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({k: keywords[k] for k in chosen}))


SCHEMAS = st.recursive(_some_of(_LEAVES) | st.booleans(), _with_parts, max_leaves=6)


@pytest.mark.soak(short=300, full=30_000)
def test_an_answer_fits_exactly_when_jsonschema_says_so(times: int) -> None:
    @settings(max_examples=times, deadline=None)
    @given(schema=SCHEMAS, named=_some_of(_LEAVES), values=st.lists(VALUES, min_size=1, max_size=6))
    def agree(schema: Any, named: Any, values: list[Any]) -> None:
        if isinstance(schema, dict):
            schema = {**schema, "$defs": {"named": named}}
        theirs, ours = jsonschema.Draft202012Validator(schema), AnswerSchema(schema)
        for value in values:
            try:
                expected = theirs.is_valid(value)
            except OverflowError:  # jsonschema, of 10**400 and a float
                continue
            assert (next(ours.failures(value), None) is None) == expected, (schema, value)

    agree()


_FINE: Any = {"team": "billing", "steps": []}
ANSWER: Any = {
    "type": "object",
    "required": ["team", "steps"],
    "additionalProperties": False,
    "properties": {
        "team": {"enum": ["billing", "shipping"]},
        "steps": {"type": "array", "maxItems": 2, "items": {"$ref": "#/$defs/step"}},
        "sure": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    },
    "$defs": {"step": {"type": "string", "minLength": 2, "pattern": "^[a-z ]+$"}},
}


@pytest.mark.parametrize(
    ("answer", "path", "said"),
    [
        ([], (), "is an array, not an object"),
        ({"team": "billing"}, ("steps",), "is missing"),
        ({"team": "x", "steps": []}, ("team",), "is none of 'billing', 'shipping'"),
        ({**_FINE, "steps": [1]}, ("steps", 0), "is a number, not a string"),
        ({**_FINE, "steps": ["ok", "B2"]}, ("steps", 1), "does not match ^[a-z ]+$"),
        ({**_FINE, "steps": ["a"]}, ("steps", 0), "has 1 character, under 2"),
        ({**_FINE, "steps": ["ok"] * 3}, ("steps",), "has 3 items, over 2"),
        ({**_FINE, "sure": 7}, ("sure",), "is over 1"),
        ({**_FINE, "sure": ""}, ("sure",), "is a string, not a number or null"),
        ({**_FINE, "x": 1}, ("x",), "is no key of the schema"),
    ],
)
def test_what_does_not_fit_is_named(answer: Any, path: tuple[str | int, ...], said: str) -> None:
    assert list(AnswerSchema(ANSWER).failures(answer)) == [(path, said)]


@pytest.mark.parametrize(
    ("schema", "what"),
    [
        ({"unevaluatedProperties": False}, "the keyword 'unevaluatedProperties'"),
        ({"properties": {"a": {"minlength": 1}}}, "the keyword 'minlength'"),
        ({"anyOf": [{"items": {"$dynamicRef": "#x"}}]}, "the keyword '$dynamicRef'"),
        ({"$ref": "#/$defs/gone"}, "the reference #/$defs/gone"),
        ({"$ref": "other.json"}, "the reference other.json"),
        ({"$ref": "#/default", "default": {"odd": 1}}, "the reference #/default"),
        ({"properties": {"a": {"$id": "urn:a"}}}, "the keyword '$id'"),
    ],
)
def test_what_cannot_be_checked_is_told_before_any_answer(schema: Any, what: str) -> None:
    with pytest.raises(UnknownKeyword) as caught:
        AnswerSchema(schema)
    assert str(caught.value) == f"answers cannot be checked by {what}"


def test_a_recursive_schema_follows_the_answer_down() -> None:
    tree: Any = {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "required": ["name"],
                "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            }
        },
    }
    answer = json.loads('{"name": "a", "kids": [{"name": "b", "kids": [{"kids": []}]}]}')
    failures = list(AnswerSchema(tree).failures(answer))
    assert failures == [(("kids", 0, "kids", 0, "name"), "is missing")]
