"""Answers are checked as jsonschema would check them, which an app does not load."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptops.manifest.answer_schema import AnswerSchema, UnknownKeyword
from tests.manifest.any_schema import LEAVES, SCHEMAS, VALUES, some_of


@pytest.mark.soak(short=300, full=30_000)
def test_an_answer_fits_exactly_when_jsonschema_says_so(times: int) -> None:
    @settings(max_examples=times, deadline=None)
    @given(schema=SCHEMAS, named=some_of(LEAVES), values=st.lists(VALUES, min_size=1, max_size=6))
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
