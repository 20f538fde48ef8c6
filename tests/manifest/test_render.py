"""Filling a release's prompt: which inputs are taken, which refused, and in what order."""

from collections.abc import Iterable
from types import MappingProxyType

import pytest

from promptops.errors import InputError
from promptops.manifest.release import Input, Message, Model, Prompt, Release
from promptops.manifest.render import Renderer


def release(
    *messages: Message, examples: tuple[Message, ...] = (), inputs: dict[str, Input] | None = None
) -> Release:
    return Release(
        unit="greeting",
        model=Model("openai", "gpt-4o-mini-2024-07-18", "2024-07-18"),
        params=MappingProxyType({}),
        prompt=Prompt("greeting", "1.0.0", messages, examples),
        inputs=MappingProxyType(inputs or {}),
        output_schema=None,
        tools=(),
        retriever=None,
    )


def required(kind: str = "string", max_length: int | None = None) -> Input:
    return Input(kind, required=True, default=None, max_length=max_length)


def optional(default: str | float | bool, kind: str = "string") -> Input:
    return Input(kind, required=False, default=default, max_length=None)


def one(text: str, **inputs: Input) -> Renderer:
    return Renderer(release(Message("user", text), inputs=inputs))


def test_inputs_are_put_into_their_slots() -> None:
    render = one("Hello {{ name }}, {{ name }}!", name=required())
    assert render({"name": "Ada"}) == [{"role": "user", "content": "Hello Ada, Ada!"}]


def test_rendering_twice_gives_fresh_messages() -> None:
    render = one("Hello {{ name }}", name=required())
    render({"name": "Ada"})[0]["content"] = "spoilt"
    assert render({"name": "Bob"}) == [{"role": "user", "content": "Hello Bob"}]


def test_a_value_is_never_taken_for_a_template() -> None:
    render = one("{{ a }} {{ b }}", a=required(), b=required())
    assert render({"a": "{{ b }} {x.__class__}", "b": "y"})[0]["content"] == (
        "{{ b }} {x.__class__} y"
    )


def test_examples_follow_the_system_messages_and_stay_literal() -> None:
    render = Renderer(
        release(
            Message("system", "Rules for {{ name }}"),
            Message("user", "{{ name }}"),
            Message("system", "Later"),
            examples=(Message("user", "{{ name }}"), Message("assistant", "{}")),
            inputs={"name": required()},
        )
    )
    assert [(message["role"], message["content"]) for message in render({"name": "Ada"})] == [
        ("system", "Rules for Ada"),
        ("user", "{{ name }}"),
        ("assistant", "{}"),
        ("user", "Ada"),
        ("system", "Later"),
    ]


def test_without_system_messages_examples_come_first() -> None:
    render = Renderer(release(Message("user", "Hi"), examples=(Message("user", "Example"),)))
    assert [message["content"] for message in render({})] == ["Example", "Hi"]


def test_a_missing_input_is_named_with_the_one_that_was_meant() -> None:
    render = one("{{ ticket }}", ticket=required())
    with pytest.raises(InputError) as error:
        render({"tiket": "x"})
    assert error.value.message == "greeting needs the input 'ticket'"
    assert error.value.hint == "you passed 'tiket': is that the one?"
    with pytest.raises(InputError) as error:
        render({})
    assert error.value.hint == "pass ticket=…"


def test_an_unknown_input_is_refused_with_a_suggestion() -> None:
    render = one("{{ ticket }}", ticket=required())
    with pytest.raises(InputError) as error:
        render({"ticket": "x", "tickets": "y"})
    assert error.value.message == "greeting has no input 'tickets'"
    assert error.value.hint == "did you mean 'ticket'?"


def test_an_unknown_input_may_be_let_through_and_counted() -> None:
    seen: list[str] = []

    def count(unit: str, names: Iterable[str], known: Iterable[str]) -> None:
        seen.extend(names)

    render = Renderer(release(Message("user", "{{ a }}"), inputs={"a": required()}), count)
    assert render({"a": "x", "new": "y"})[0]["content"] == "x"
    assert seen == ["new"]


def test_a_default_stands_in_for_what_is_not_passed() -> None:
    render = one("{{ a }} {{ b }}", a=optional("x"), b=optional(2, "integer"))
    assert render({})[0]["content"] == "x 2"
    assert render({"a": "y"})[0]["content"] == "y 2"


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("integer", 5, "5"),
        ("number", 0.5, "0.5"),
        ("number", 5, "5"),
        ("boolean", True, "true"),
        ("boolean", False, "false"),
        ("string", "", ""),
    ],
)
def test_values_are_written_as_json_writes_them(kind: str, value: object, text: str) -> None:
    assert one("{{ a }}", a=required(kind))({"a": value})[0]["content"] == text


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", 5),
        ("string", None),
        ("string", ["x"]),
        ("integer", 0.5),
        ("integer", True),
        ("integer", "5"),
        ("number", True),
        ("number", "0.5"),
        ("boolean", 1),
        ("boolean", "true"),
    ],
)
def test_a_value_of_another_type_is_refused(kind: str, value: object) -> None:
    with pytest.raises(InputError, match=f"not {kind}"):
        one("{{ a }}", a=required(kind))({"a": value})


def test_a_text_over_its_limit_is_refused_and_not_cut() -> None:
    render = one("{{ a }}", a=required(max_length=5))
    assert render({"a": "12345"})[0]["content"] == "12345"
    with pytest.raises(InputError) as error:
        render({"a": "123456"})
    assert "has 6 characters, over its limit of 5" in error.value.message
