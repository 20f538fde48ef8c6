"""How much a change means to who calls the unit."""

from typing import Any

import pytest

from promptops.manifest.contract import Impact, breaks, grade
from tests.releases import prompt, release

NAME = {"type": "string", "maxLength": 100}
OPEN = {"type": "string"}
TOOL = {
    "name": "look_up",
    "description": "Finds an order.",
    "parameters": {
        "type": "object",
        "properties": {"order": {"type": "string"}},
        "required": ["order"],
    },
}


def tool(**changes: Any) -> dict[str, Any]:
    return {**TOOL, **changes}


def parameters(**changes: Any) -> dict[str, Any]:
    return tool(parameters={**TOOL["parameters"], **changes})  # type: ignore[dict-item]


MAJOR: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "an input is newly required": ({}, {"inputs": {"name": NAME, "tone": OPEN}}, "inputs.tone"),
    "an input is gone": ({}, {"inputs": {}}, "inputs.name"),
    "an input has another type": (
        {},
        {"inputs": {"name": {"type": "integer"}}},
        "inputs.name",
    ),
    "a number becomes an integer": (
        {"inputs": {"name": {"type": "number"}}},
        {"inputs": {"name": {"type": "integer"}}},
        "inputs.name",
    ),
    "an input may be shorter only": (
        {},
        {"inputs": {"name": {"type": "string", "maxLength": 99}}},
        "inputs.name",
    ),
    "an input gets a limit": (
        {"inputs": {"name": OPEN}},
        {"inputs": {"name": NAME}},
        "inputs.name",
    ),
    "an input loses its default": (
        {"inputs": {"name": {"type": "string", "default": "you"}}},
        {"inputs": {"name": OPEN}},
        "inputs.name",
    ),
    "free text becomes JSON": ({}, {"output": {"schema": {"type": "object"}}}, "output.schema"),
    "JSON becomes free text": ({"output": {"schema": {"type": "object"}}}, {}, "output.schema"),
    "an answer has another type": (
        {"output": {"schema": {"type": "object"}}},
        {"output": {"schema": {"type": "array"}}},
        "output.schema",
    ),
    "a tool is gone": ({"tools": [TOOL]}, {}, "tools"),
    "a tool is called without an argument": (
        {"tools": [TOOL]},
        {"tools": [parameters(required=[])]},
        "tools",
    ),
    "a tool is called with an argument that the app does not know": (
        {"tools": [TOOL]},
        {"tools": [parameters(properties={"order": OPEN, "shop": OPEN})]},
        "tools",
    ),
}

MINOR: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "another model": (
        {},
        {"model": {"provider": "openai", "id": "gpt-4o", "version": "2024-07-18"}},
        "model.id",
    ),
    "another provider": (
        {},
        {"model": {"provider": "azure", "id": "gpt-4o-mini-2024-07-18", "version": "2024-07-18"}},
        "model.provider",
    ),
    "another parameter": ({}, {"params": {"temperature": 0.3}}, "params.temperature"),
    "true is another value than 1": (
        {"params": {"extra_body": {"fast": 1}}},
        {"params": {"extra_body": {"fast": True}}},
        "params.extra_body",
    ),
    "a parameter is gone": ({}, {"params": None}, "params.temperature"),
    "another index version": (
        {},
        {"retriever": {"index": "kb", "version": "2026-11-15", "top_k": 5}},
        "retriever.version",
    ),
    "no retrieval any more": ({}, {"retriever": None}, "retriever.index"),
    "another prompt": ({}, {"prompt": {**prompt("Hi.", "{{ name }}"), "id": "hi"}}, "prompt.id"),
    "a new optional input": (
        {},
        {"inputs": {"name": NAME, "tone": {"type": "string", "default": ""}}},
        "inputs.tone",
    ),
    "an input may be longer": (
        {},
        {"inputs": {"name": {"type": "string", "maxLength": 101}}},
        "inputs.name",
    ),
    "an integer becomes any number": (
        {"inputs": {"name": {"type": "integer"}}},
        {"inputs": {"name": {"type": "number"}}},
        "inputs.name",
    ),
    "an input may be left out": (
        {"inputs": {"name": OPEN}},
        {"inputs": {"name": {"type": "string", "default": ""}}},
        "inputs.name",
    ),
    "another default": (
        {"inputs": {"name": {"type": "string", "default": "you"}}},
        {"inputs": {"name": {"type": "string", "default": "friend"}}},
        "inputs.name",
    ),
    "an answer says less": (
        {"output": {"schema": {"enum": ["a", "b"]}}},
        {"output": {"schema": {"enum": ["a"]}}},
        "output.schema",
    ),
    "a new tool": ({}, {"tools": [TOOL]}, "tools"),
    "a tool takes less": (
        {"tools": [TOOL]},
        {"tools": [parameters(properties={"order": {"type": "string", "maxLength": 9}})]},
        "tools",
    ),
    "tools in another order": (
        {"tools": [TOOL, tool(name="refund")]},
        {"tools": [tool(name="refund"), TOOL]},
        "tools",
    ),
}

PATCH: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a text and its version": (
        {"prompt": prompt("Greet.", "{{ name }}")},
        {"prompt": prompt("Greet them.", "{{ name }}", version="1.0.1")},
        "prompt.messages",
    ),
    "the version alone": (
        {"prompt": prompt("Greet.", "{{ name }}")},
        {"prompt": prompt("Greet.", "{{ name }}", version="1.0.1")},
        "prompt.version",
    ),
    "one more message": (
        {"prompt": prompt("Greet.", "{{ name }}")},
        {"prompt": prompt("Greet.", "{{ name }}", "Hello?")},
        "prompt.messages",
    ),
    "an example": (
        {"prompt": prompt("Greet.", "{{ name }}")},
        {
            "prompt": prompt(
                "Greet.", "{{ name }}", examples=[{"role": "user", "content": "I am Ada"}]
            )
        },
        "examples",
    ),
    "what a tool is said to do": (
        {"tools": [TOOL]},
        {"tools": [tool(description="Finds any order.")]},
        "tools",
    ),
}

CASES = [
    pytest.param(impact, *case, id=name)
    for impact, cases in ((Impact.MAJOR, MAJOR), (Impact.MINOR, MINOR), (Impact.PATCH, PATCH))
    for name, case in cases.items()
]


@pytest.mark.parametrize(("impact", "before", "after", "field"), CASES)
def test_the_impact_follows_from_the_contract(
    impact: Impact, before: dict[str, Any], after: dict[str, Any], field: str
) -> None:
    graded = grade(release(**before), release(**after))
    assert graded.impact is impact, graded.reasons
    assert (impact, field) in [(reason.impact, reason.field) for reason in graded.reasons]


@pytest.mark.parametrize(("impact", "before", "after", "field"), CASES)
def test_only_a_major_change_breaks_a_caller(
    impact: Impact, before: dict[str, Any], after: dict[str, Any], field: str
) -> None:
    assert bool(breaks(release(**before), release(**after))) == (impact is Impact.MAJOR)


@pytest.mark.parametrize(("impact", "before", "after", "field"), CASES)
def test_nothing_changes_between_a_release_and_itself(
    impact: Impact, before: dict[str, Any], after: dict[str, Any], field: str
) -> None:
    for parts in (before, after):
        graded = grade(release(**parts), release(**parts))
        assert graded.impact is Impact.NONE
        assert graded.reasons == ()


def test_the_worst_reason_comes_first_and_decides() -> None:
    graded = grade(release(), release(inputs={}, params={"temperature": 1}))
    assert graded.impact is Impact.MAJOR
    assert [reason.field for reason in graded.reasons] == ["inputs.name", "params.temperature"]


def test_a_message_that_somebody_else_says_is_more_than_a_text() -> None:
    before = prompt("Greet.", "{{ name }}")
    after = {
        **before,
        "messages": [{**before["messages"][0], "role": "user"}, before["messages"][1]],
    }
    assert grade(release(prompt=before), release(prompt=after)).impact is Impact.MINOR


def test_a_new_unit_is_minor_and_one_that_goes_is_major() -> None:
    assert grade(None, release()).impact is Impact.MINOR
    assert grade(release(), None).impact is Impact.MAJOR
    assert grade(None, None).impact is Impact.NONE


def test_reasons_are_told_in_words() -> None:
    graded = grade(release(), release(inputs={"name": {"type": "string", "maxLength": 50}}))
    assert graded.reasons[0].message == "'name' may have 50 characters, was 100"
