"""Whether one JSON Schema allows only what another allows."""

import time
from typing import Any

import pytest

from promptops.manifest.narrowing import gaps

TEAM = {"type": "string", "enum": ["billing", "technical"]}
ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {"team": TEAM, "note": {"type": "string", "maxLength": 200}},
    "required": ["team"],
    "additionalProperties": False,
}
LIST = {"type": "array", "items": {"type": "integer", "minimum": 1}, "maxItems": 5}
TREE: dict[str, Any] = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"size": {"type": "integer"}, "below": {"$ref": "#/$defs/node"}},
        }
    },
}


def answer(**changes: Any) -> dict[str, Any]:
    return {**ANSWER, **changes}


def tree(size: Any) -> dict[str, Any]:
    node = {"type": "object", "properties": {"size": size, "below": {"$ref": "#/$defs/node"}}}
    return {"$ref": "#/$defs/node", "$defs": {"node": node}}


HARMLESS: dict[str, tuple[Any, Any]] = {
    "the same in another order": (ANSWER, dict(reversed(ANSWER.items()))),
    "a description": (ANSWER, answer(description="What to do.", title="Answer", examples=[{}])),
    "a description further down": (
        ANSWER,
        answer(properties={**ANSWER["properties"], "team": {**TEAM, "description": "Who"}}),
    ),
    "another name of the schema": (answer(**{"$id": "a.json"}), answer(**{"$id": "b.json"})),
    "the usual dialect is named": (
        ANSWER,
        answer(**{"$schema": "https://json-schema.org/draft/2020-12/schema"}),
    ),
    "a narrower enum": (TEAM, {"type": "string", "enum": ["billing"]}),
    "an enum where any text was": ({"type": "string"}, {"enum": ["a", "b"]}),
    "a constant out of an enum": (TEAM, {"const": "billing"}),
    "a newly required property": (ANSWER, answer(required=["team", "note"])),
    "a property that is gone and was not required": (
        ANSWER,
        answer(properties={"team": TEAM}),
    ),
    "a new property where all were allowed": (
        {"type": "object"},
        {"type": "object", "properties": {"team": TEAM}},
    ),
    "closed where it was open": (
        {"type": "object"},
        {"type": "object", "additionalProperties": False},
    ),
    "tighter limits": (LIST, {**LIST, "maxItems": 4, "items": {"type": "integer", "minimum": 2}}),
    "an integer where any number was": ({"type": "number"}, {"type": "integer"}),
    "one of several types": ({"type": ["string", "null"]}, {"type": "string"}),
    "one of several kinds": ({"anyOf": [TEAM, {"type": "null"}]}, TEAM),
    "kinds in another order": (
        {"anyOf": [{"type": "null"}, {"type": "string"}]},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
    ),
    "kinds that were types": (
        {"type": ["string", "null"]},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
    ),
    "exactly one of the same kinds": (
        {"oneOf": [{"type": "string", "title": "a"}, {"type": "null"}]},
        {"oneOf": [{"type": "string", "title": "b"}, {"type": "null"}]},
    ),
    "a definition in place of itself": (
        {"$defs": {"team": TEAM}, "$ref": "#/$defs/team"},
        TEAM,
    ),
    "a definition with another name": (
        {"$defs": {"team": TEAM}, "$ref": "#/$defs/team"},
        {"$defs": {"group": {**TEAM, "title": "Group"}}, "allOf": [{"$ref": "#/$defs/group"}]},
    ),
    "a tree that is the same": (TREE, tree({"type": "integer", "title": "Size"})),
    "a tree of fewer": (TREE, tree({"type": "integer", "minimum": 0})),
    "anything was allowed": (True, {"type": "string"}),
    "nothing is allowed": ({"type": "string"}, False),
}

BREAKING: dict[str, tuple[Any, Any, str]] = {
    "another type": (
        {"type": "string"},
        {"type": "integer"},
        "the value may be integer, was string",
    ),
    "any number where an integer was": ({"type": "integer"}, {"type": "number"}, "may be number"),
    "no type any more": ({"type": "string"}, {}, "the value may be anything, was string"),
    "a wider enum": (TEAM, {"enum": ["billing", "spam"]}, "the value may be 'spam'"),
    "no enum any more": (TEAM, {"type": "string"}, "the value may be any value, was one of 2"),
    "true is no 1": ({"enum": [1]}, {"enum": [True]}, "the value may be True"),
    "a property that may be missing": (ANSWER, answer(required=[]), "'team' may be missing"),
    "a property of another type": (
        ANSWER,
        answer(properties={**ANSWER["properties"], "note": {"type": "null"}}),
        "'note' may be null, was string",
    ),
    "a new property where none was allowed": (
        ANSWER,
        answer(properties={**ANSWER["properties"], "why": {"type": "string"}}),
        "'why' is new, and readers take no further properties",
    ),
    "open where it was closed": (
        ANSWER,
        answer(additionalProperties=True),
        "the value may have further properties",
    ),
    "a property of which nothing is said any more": (
        {"properties": {"a": {"type": "string"}}},
        {"properties": {}},
        "'a' may be anything, was string",
    ),
    "wider limits": (LIST, {**LIST, "maxItems": 6}, "the value has maxItems 6, was maxItems 5"),
    "no limit": (
        LIST,
        {"type": "array", "items": LIST["items"]},
        "has no maxItems, was maxItems 5",
    ),
    "items of another type": (LIST, {**LIST, "items": {"type": "string"}}, "'[]' may be string"),
    "items twice": ({"uniqueItems": True}, {}, "the value may hold an item twice"),
    "another pattern": ({"pattern": "^a"}, {"pattern": "^ab"}, "the value differs in pattern"),
    "another kind": (
        {"anyOf": [{"type": "null"}, {"type": "string"}]},
        {"anyOf": [{"type": "null"}, {"type": "array"}]},
        "the value may be none of the 2 kinds that it was",
    ),
    "kinds where there was one": (
        {"type": "string"},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "the value may be null, was string",
    ),
    "exactly one of other kinds": (
        {"oneOf": [{"type": "string"}, {"type": "null"}]},
        {"oneOf": [{"type": "string"}, {"type": "string"}]},
        "the value differs in oneOf",
    ),
    "a definition that changed": (
        {"$defs": {"team": TEAM}, "properties": {"team": {"$ref": "#/$defs/team"}}},
        {"$defs": {"team": {}}, "properties": {"team": {"$ref": "#/$defs/team"}}},
        "'team' may be anything, was string",
    ),
    "a tree of others": (TREE, tree({"type": "string"}), "'size' may be string, was integer"),
    "what cannot be compared": (
        {"if": {"type": "string"}, "then": {"minLength": 1}},
        {"if": {"type": "string"}, "then": {"minLength": 2}},
        "the value uses if, which cannot be compared",
    ),
    "patterns of names": (
        {"patternProperties": {"^a": {"type": "string"}}},
        {"patternProperties": {"^b": {"type": "string"}}},
        "the value uses patternProperties, which cannot be compared",
    ),
    "the first items are others": (
        {"items": {"type": "integer"}},
        {"prefixItems": [{"type": "string"}], "items": {"type": "integer"}},
        "'[]' may be anything, was integer",
    ),
    "properties of some names are others": (
        {"additionalProperties": {"type": "string"}},
        {
            "patternProperties": {"^a": {"type": "integer"}},
            "additionalProperties": {"type": "string"},
        },
        "'*' may be anything, was string",
    ),
    "an unknown keyword": ({"x-unit": "eur"}, {"x-unit": "usd"}, "the value differs in x-unit"),
    "another dialect": (
        {"type": "string"},
        {"$schema": "http://json-schema.org/draft-07/schema#"},
        "schemas that name their parts, or of another dialect, cannot be compared",
    ),
    "parts with names": (
        {"$defs": {"a": {"$anchor": "a"}}, "$ref": "#a"},
        {"$defs": {"a": {"$anchor": "a", "type": "string"}}, "$ref": "#a"},
        "schemas that name their parts, or of another dialect, cannot be compared",
    ),
    "a circle without an end": (
        {"anyOf": [{"$ref": "#"}]},
        {"anyOf": [{"$ref": "#"}, {"type": "string"}]},
        "the value",
    ),
    "nothing was allowed": (False, {"type": "string"}, "the value differs in not"),
}


@pytest.mark.parametrize(
    ("old", "new"), [pytest.param(*case, id=name) for name, case in HARMLESS.items()]
)
def test_readers_of_the_old_schema_can_read_what_is_harmless(old: Any, new: Any) -> None:
    assert gaps(old, new) == ()


@pytest.mark.parametrize(
    ("old", "new", "said"), [pytest.param(*case, id=name) for name, case in BREAKING.items()]
)
def test_what_may_break_a_reader_is_named(old: Any, new: Any, said: str) -> None:
    assert said in "; ".join(gaps(old, new))


def doubling(last: Any) -> dict[str, Any]:
    """Thirty definitions, each with two ways to the next one: a thousand million paths."""
    definitions: dict[str, Any] = {"30": last}
    for number in range(30):
        below = {"properties": {"a": {"$ref": f"#/$defs/{number + 1}"}}}
        definitions[str(number)] = {"anyOf": [below, dict(below)]}
    return {"$ref": "#/$defs/0", "$defs": definitions}


def test_a_schema_made_to_take_long_is_not_compared_to_its_end() -> None:
    began = time.process_time()
    found = gaps(doubling({"type": "string"}), doubling({"type": "null"}))
    assert found
    assert time.process_time() - began < 2
