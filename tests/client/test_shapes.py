"""What of an output schema goes to the provider, and what stays with `parse`."""

from typing import Any

import pytest
from hypothesis import given, settings

from promptops.client.shapes.decoding import as_grammar, is_object, is_strict
from tests.client.full_release import MESSAGES, SCHEMA, live
from tests.manifest.any_schema import SCHEMAS

TEXT: Any = {"type": "string"}


def closed(**properties: Any) -> Any:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "schema",
    [
        SCHEMA,
        closed(steps={"type": "array", "items": closed(a=TEXT), "maxItems": 3}),
        {**closed(next={"$ref": "#/$defs/step"}), "$defs": {"step": closed(name=TEXT)}},
        closed(sure={"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}]}),
    ],
)
def test_openai_follows_a_schema_in_its_part_exactly(schema: Any) -> None:
    assert is_object(schema)
    assert is_strict(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {**closed(a=TEXT), "required": []},
        {key: value for key, value in closed(a=TEXT).items() if key != "additionalProperties"},
        closed(a={"type": "string", "minLength": 1}),
        closed(a={"oneOf": [TEXT]}),
        closed(a={"type": "array", "items": {"type": "object"}}),
        closed(a={}),
        closed(a=True),
        {**closed(a=TEXT), "$defs": {"open": {"properties": {"b": TEXT}}}},
    ],
)
def test_openai_takes_other_schemas_as_a_wish(schema: Any) -> None:
    assert not is_strict(schema)
    request = live("openai", output={"schema": schema}).request(ticket="Smoke")
    assert request["response_format"]["json_schema"]["strict"] is False


def test_a_schema_whose_root_is_no_object_has_no_place_at_openai() -> None:
    lists = live("openai", output={"schema": {"type": "array", "items": TEXT}})
    assert "response_format" not in lists.as_openai_chat(ticket="Smoke")
    assert "text" not in lists.as_openai_responses(ticket="Smoke")
    assert "response_format" not in lists.as_litellm(ticket="Smoke")
    assert lists.parse('["a"]') == ["a"]


def test_anthropic_is_told_in_words_what_it_cannot_decode_by() -> None:
    schema = {
        "type": "object",
        "title": "An answer",
        "required": ["team"],
        "properties": {
            "team": {"type": "string", "description": "Who solves it.", "minLength": 2},
            "day": {"type": "string", "format": "date"},
            "steps": {"type": "array", "minItems": 1, "maxItems": 3, "items": TEXT},
            "sure": {"type": ["number", "null"], "maximum": 1},
            "way": {"oneOf": [{"const": 1}, {"$ref": "#/$defs/way"}]},
        },
        "$defs": {"way": {"type": "integer"}},
    }
    assert as_grammar(schema) == {
        "type": "object",
        "title": "An answer",
        "required": ["team"],
        "additionalProperties": False,
        "properties": {
            "team": {"type": "string", "description": 'Who solves it.\n\n{"minLength": 2}'},
            "day": {"type": "string", "format": "date"},
            "steps": {
                "type": "array",
                "minItems": 1,
                "items": TEXT,
                "description": '{"maxItems": 3}',
            },
            "sure": {
                "anyOf": [
                    {"type": "number", "description": '{"maximum": 1}'},
                    {"type": "null", "description": '{"maximum": 1}'},
                ]
            },
            "way": {"anyOf": [{"const": 1}, {"$ref": "#/$defs/way"}]},
        },
        "$defs": {"way": {"type": "integer"}},
    }


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "properties": {"a": TEXT}, "additionalProperties": TEXT},
        {"type": "object", "properties": {"a": TEXT}, "additionalProperties": True},
        {"properties": {"a": TEXT}},
        closed(a={}),
        closed(a=True),
        {
            "$ref": "#/$defs/tree",
            "$defs": {"tree": closed(kids={"type": "array", "items": {"$ref": "#/$defs/tree"}})},
        },
        {**closed(a=TEXT, b={"$ref": "#/properties/a"})},
    ],
)
def test_what_cannot_be_said_to_anthropic_is_left_to_parse(schema: Any) -> None:
    request = live("anthropic", output={"schema": schema}, params={}).request(ticket="Smoke")
    assert "output_config" not in request


@pytest.mark.soak(short=200, full=20_000)
def test_no_schema_keeps_a_request_from_being_made(times: int) -> None:
    @settings(max_examples=times, deadline=None)
    @given(SCHEMAS)
    def is_made(schema: Any) -> None:
        strict, grammar = is_strict(schema), as_grammar(schema)
        assert isinstance(strict, bool)
        assert grammar is None or as_grammar(grammar) == grammar, schema

    is_made()


def test_the_least_effort_at_anthropic_is_low() -> None:
    asked = live("anthropic", params={"reasoning_effort": "minimal"}, output={})
    assert asked.as_anthropic(ticket="Smoke")["output_config"] == {"effort": "low"}


def test_what_the_provider_does_not_know_is_left_out_of_every_shape() -> None:
    claude = live("anthropic", params={"seed": 7, "top_k": 40}).as_litellm(ticket="Smoke")
    assert (claude["model"], "seed" in claude, claude["top_k"]) == ("anthropic/a-model", False, 40)
    assert "top_k" not in live("openai").as_litellm(ticket="Smoke")
    assert "extra_body" not in live("openai", params={"top_k": 4}).request(ticket="Smoke")


@pytest.mark.parametrize(
    ("provider", "id_", "model"),
    [
        ("google", "gemini-2.5-pro", "gemini/gemini-2.5-pro"),
        ("vllm", "meta/llama", "hosted_vllm/meta/llama"),
        ("mistral", "mistral/large", "mistral/large"),
    ],
)
def test_litellm_calls_models_by_its_own_prefix(provider: str, id_: str, model: str) -> None:
    release = live(provider, model={"provider": provider, "id": id_, "version": "1"})
    assert release.as_litellm(ticket="Smoke")["model"] == model


def test_examples_follow_a_developer_message_as_they_follow_a_system_message() -> None:
    prompt: Any = {
        "id": "p",
        "version": "1",
        "messages": [
            {"role": "developer", "content": "Route the ticket."},
            {"role": "user", "content": "{{ ticket }}{{ context }}"},
        ],
        "examples": MESSAGES[1:3],
    }
    request = live("openai", prompt=prompt).request(ticket="Smoke")
    roles = [message["role"] for message in request["messages"]]
    assert roles == ["developer", "user", "assistant", "user"]


def test_a_request_with_tools_and_schema_is_fresh_each_time() -> None:
    release = live("anthropic")
    first = release.request(ticket="Smoke")
    first["tools"][0]["input_schema"]["properties"].clear()
    first["output_config"]["format"]["schema"].clear()
    first["extra_body"].clear()
    assert release.request(ticket="Smoke") == live("anthropic").request(ticket="Smoke") != first
