"""Schemas of answers and tools: the official meta-schema holds, and nothing leads out or round."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from promptops.source.json_schema import problems_of

GOOD: list[dict[str, Any]] = [
    {},
    {"type": "object", "properties": {"a": True, "b": {"type": ["string", "null"]}}},
    {"$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}}, "$ref": "#/$defs/node"},
    {"$defs": {"a/b": {"$anchor": "here"}}, "anyOf": [{"$ref": "#here"}, {"$ref": "#/$defs/a~1b"}]},
    {"enum": [], "const": None, "examples": [1], "default": {}, "x-vendor": [1]},
    {"minLength": 2.0, "maximum": -1.5, "multipleOf": 0.1, "pattern": "^a+$"},
    {"dependentRequired": {"a": ["b"]}, "if": {}, "then": False, "not": {"required": []}},
]

OTHERS = ["$anchor", "$defs", "$id", "contentSchema", "definitions", "else", "then", "title", "x"]
KEYWORDS = [*OTHERS, *Draft202012Validator.VALIDATORS]
ANYTHING = st.recursive(
    st.sampled_from([None, True, False, -1, 0, 2.5, "a", "object", "#/a", "^x", ["a"], ["a", "a"]]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYWORDS), inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(KEYWORDS), ANYTHING, max_size=5))
def test_what_is_wrong_with_a_schema_is_what_the_official_one_says(schema: dict[str, Any]) -> None:
    """It is asked about every part by itself here, which is seven times as fast."""
    official = Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema)
    expected = {(tuple(error.absolute_path), error.message) for error in official}
    said = [problem for problem in problems_of(schema) if problem[1].startswith("no JSON Schema: ")]
    assert {(path, text.removeprefix("no JSON Schema: ")) for path, text, _ in said} == expected


@pytest.mark.parametrize("schema", GOOD)
def test_a_good_schema_has_no_problems(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert problems_of(schema) == []


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, ("$schema",)),
        ({"not": {"$schema": "https://example.com/ours"}}, ("not", "$schema")),
        ({"not": {"$id": "https://example.com/ours"}}, ("not", "$id")),
    ],
)
def test_what_is_applied_here_is_in_one_draft_and_of_one_piece(
    schema: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    assert [problem[0] for problem in problems_of(schema, applied=True)] == [path]
    assert problems_of(schema) == []


def test_the_draft_and_a_name_of_its_own_may_be_said_at_the_top() -> None:
    draft = "https://json-schema.org/draft/2020-12/schema"
    assert problems_of({"$schema": draft, "$id": "https://example.com/a"}, applied=True) == []


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"$ref": "https://example.com/a.json"}, ("$ref",)),
        ({"items": {"$ref": "other.json#/a"}}, ("items", "$ref")),
        ({"$ref": "file:///etc/passwd"}, ("$ref",)),
        ({"properties": {"a": {"$ref": "#"}}}, ("properties", "a", "$ref")),
        ({"$ref": "#/$defs/nowhere"}, ("$ref",)),
        ({"$ref": "#nowhere"}, ("$ref",)),
        ({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, ()),
        ({"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}}, ("$defs", "a")),
        ({"properties": {"a": {"pattern": "("}}}, ("properties", "a", "pattern")),
        ({"patternProperties": {"(": {}}}, ("patternProperties", "(")),
        ({"$ref": "#/x/a", "x": {"a": {"$ref": "http://evil.example"}}}, ("$ref", "$ref")),
        ({"$ref": "#/x/a", "x": {"a": {"pattern": "(a+)+$"}}}, ("$ref", "pattern")),
        ({"$ref": "#/x/a", "x": {"a": {"pattern": 5}}}, ("$ref", "pattern")),
        ({"items": {"$ref": "#/x/a"}, "x": {"a": {"not": {"$ref": "#/x/a"}}}}, ("items",)),
    ],
)
def test_references_that_lead_out_or_round_are_refused(
    schema: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    assert [problem[0] for problem in problems_of(schema)] == [path]


def test_a_pattern_that_python_may_read_otherwise_one_day_is_taken_in_silence() -> None:
    assert problems_of({"pattern": "^[[]0-9]+$"}) == []
