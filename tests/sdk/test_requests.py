"""Every part of a release arrives where the provider's API documents it."""

from typing import Any

from tests.client.full_release import ARGUMENTS, MESSAGES, PARAMS, SCHEMA, TURNS, live
from tests.sdk.conftest import Sent

FUNCTION = {
    "name": "look_up_order",
    "description": "Finds an order.",
    "parameters": ARGUMENTS,
}
FORMAT = {"name": "support-triage", "schema": SCHEMA, "strict": True}
CHAT: Any = {
    "model": "a-model",
    "messages": MESSAGES,
    "temperature": 0.2,
    "top_p": 0.9,
    "max_tokens": 300,
    "stop": ["END"],
    "seed": 7,
    "presence_penalty": 0.5,
    "frequency_penalty": 0.25,
    "reasoning_effort": "low",
    "service_tier": "flex",
    "tools": [{"type": "function", "function": FUNCTION}],
    "response_format": {"type": "json_schema", "json_schema": FORMAT},
}


def test_openai_gets_chat_completions(sent: Sent) -> None:
    limit = live("openai", params={"max_completion_tokens": 500})
    bodies = sent(
        ("openai_chat", live("openai").request(ticket="Smoke")),
        ("openai_chat", live("ollama").as_openai_chat(ticket="Smoke")),
        ("openai_chat", limit.as_openai_chat(ticket="Smoke")),
    )
    parts = {key: CHAT[key] for key in ("model", "messages", "tools", "response_format")}
    assert bodies == [
        ("/v1/chat/completions", CHAT),
        ("/v1/chat/completions", {**CHAT, "top_k": 40}),
        ("/v1/chat/completions", {**parts, "max_completion_tokens": 500}),
    ]


def test_openai_gets_responses(sent: Sent) -> None:
    limits = live("openai", params={"max_completion_tokens": 500, "max_tokens": 300})
    bodies = sent(
        ("openai_responses", live("openai").as_openai_responses(ticket="Smoke")),
        ("openai_responses", limits.as_openai_responses(ticket="Smoke")),
    )
    parts = {
        "model": "a-model",
        "input": MESSAGES,
        "tools": [{"type": "function", **FUNCTION, "strict": False}],
        "text": {"format": {"type": "json_schema", **FORMAT}},
    }
    assert bodies == [
        (
            "/v1/responses",
            {
                **parts,
                "temperature": 0.2,
                "top_p": 0.9,
                "max_output_tokens": 300,
                "reasoning": {"effort": "low"},
                "service_tier": "flex",
            },
        ),
        ("/v1/responses", {**parts, "max_output_tokens": 500}),
    ]


def test_anthropic_gets_messages(sent: Sent) -> None:
    no_thinking = live("anthropic", params={"reasoning_effort": "none"}, tools=[], output={})
    bodies = sent(
        ("anthropic", live("anthropic").request(ticket="Smoke")),
        ("anthropic", no_thinking.request(ticket="Smoke")),
    )
    # `enum` says the type, as in what the SDK makes of a schema.
    team = {"enum": ["billing", "shipping"]}
    parts = {"model": "a-model", "system": "Route the ticket.", "messages": TURNS}
    tool = {
        "name": "look_up_order",
        "description": "Finds an order.",
        "input_schema": ARGUMENTS,
    }
    assert bodies == [
        (
            "/v1/messages",
            {
                **parts,
                "max_tokens": 300,
                "temperature": 0.2,
                "top_p": 0.9,
                "top_k": 40,
                "stop_sequences": ["END"],
                "service_tier": "flex",
                "tools": [tool],
                "output_config": {
                    "effort": "low",
                    "format": {
                        "type": "json_schema",
                        "schema": {**SCHEMA, "properties": {"team": team}},
                    },
                },
            },
        ),
        ("/v1/messages", {**parts, "max_tokens": 1024, "thinking": {"type": "disabled"}}),
    ]


def test_litellm_takes_what_it_translates(sent: Sent) -> None:
    """In one process, because importing LiteLLM takes seconds."""
    model = {"provider": "anthropic", "id": "claude-sonnet-4-5-20250929", "version": "1"}
    params = {key: value for key, value in PARAMS.items() if key != "reasoning_effort"}
    own = {**params, "extra_body": {"inference_geo": "us"}}
    claude = live("anthropic", model=model, params=own)
    plain = live("openai", params=params).as_litellm(ticket="Smoke")
    local = live("vllm", params=params).as_litellm(ticket="Smoke")
    for_openai, for_server, for_claude = sent(
        ("litellm", plain), ("litellm", local), ("litellm", claude.as_litellm(ticket="Smoke"))
    )
    body = {key: value for key, value in CHAT.items() if key != "reasoning_effort"}
    assert for_openai == ("/v1/chat/completions", body)
    assert for_server == ("/v1/chat/completions", {**body, "top_k": 40})
    path, request = for_claude
    tool = {"input_schema": ARGUMENTS, "description": "Finds an order."}
    assert path == "/v1/messages"
    assert request.pop("output_format")["schema"] == SCHEMA
    assert [{**tool, "name": "look_up_order", "type": "custom"}] == request.pop("tools")
    assert request == {
        "model": "claude-sonnet-4-5-20250929",
        "system": [{"type": "text", "text": "Route the ticket."}],
        "messages": [
            {"role": turn["role"], "content": [{"type": "text", "text": turn["content"]}]}
            for turn in TURNS
        ],
        "max_tokens": 300,
        "temperature": 0.2,
        "top_p": 0.9,
        "top_k": 40,
        "stop_sequences": ["END"],
        "inference_geo": "us",
    }
