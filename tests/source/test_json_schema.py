"""Schemas of answers and tools: the official meta-schema holds, and nothing leads out or round."""

from typing import Any

import pytest
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


@pytest.mark.parametrize("schema", GOOD)
def test_a_good_schema_has_no_problems(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert problems_of(schema) == []


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
    ],
)
def test_references_that_lead_out_or_round_are_refused(
    schema: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    assert [problem[0] for problem in problems_of(schema)] == [path]
