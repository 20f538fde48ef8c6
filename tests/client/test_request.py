"""The keyword arguments of a provider's call."""

import json
from typing import Any

import pytest

from promptops.live.store import Store
from tests.client.conftest import Starter
from tests.client.releases import put_live, triage


@pytest.mark.parametrize("provider", ["openai", "a-provider-nobody-knows"])
def test_a_request_has_the_shape_of_chat_completions(
    embedded: Store, embedded_url: str, started: Starter, provider: str
) -> None:
    model: Any = {"provider": provider, "id": "a-model", "version": "1"}
    put_live(embedded, triage(model=model))
    request = started(embedded_url, hint=False).get("support-triage").request(ticket="Smoke")
    assert request == {
        "model": "a-model",
        "messages": [
            {"role": "system", "content": "Route the ticket."},
            {"role": "user", "content": "Ticket:\nIt burns"},
            {"role": "assistant", "content": "emergency"},
            {"role": "user", "content": "Ticket:\nSmoke\n\nContext:\nnone"},
        ],
        "temperature": 0.2,
        "max_tokens": 300,
        "stop": ["\n\n", "END"],
    }


def test_a_request_to_anthropic_has_the_shape_of_its_messages(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    model: Any = {"provider": "anthropic", "id": "claude-sonnet-4-5-20250929", "version": "1"}
    put_live(embedded, triage(model=model))
    request = started(embedded_url, hint=False).get("support-triage").request(ticket="Smoke")
    assert request == {
        "model": "claude-sonnet-4-5-20250929",
        "system": "Route the ticket.",
        "messages": [
            {"role": "user", "content": "Ticket:\nIt burns"},
            {"role": "assistant", "content": "emergency"},
            {"role": "user", "content": "Ticket:\nSmoke\n\nContext:\nnone"},
        ],
        "max_tokens": 300,
        "stop_sequences": ["\n\n", "END"],
        "extra_body": {"temperature": 0.2},
    }


def test_a_request_to_anthropic_has_the_limit_that_its_api_demands(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    model: Any = {"provider": "anthropic", "id": "a-model", "version": "1"}
    prompt: Any = {
        "id": "support-triage",
        "version": "1",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "{{ ticket }}"},
        ],
    }
    put_live(
        embedded,
        triage(model=model, params={}, prompt=prompt, inputs={"ticket": {"type": "string"}}),
    )
    assert started(embedded_url, hint=False).get("support-triage").request(ticket="Smoke") == {
        "model": "a-model",
        "system": "Be brief.\n\nBe kind.",
        "messages": [{"role": "user", "content": "Smoke"}],
        "max_tokens": 1024,
    }


def test_a_request_is_fresh_and_may_be_changed(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    put_live(embedded, triage())
    live = started(embedded_url, hint=False).get("support-triage")
    first: Any = live.request(ticket="Smoke")
    untouched = json.dumps(first)

    first["messages"].append({"role": "user", "content": "and more"})
    first["messages"][0]["content"] = "changed"
    first["stop"].clear()
    first["temperature"] = 1
    first["tools"] = []

    assert json.dumps(live.request(ticket="Smoke")) == untouched
    assert live.render(ticket="Smoke") == json.loads(untouched)["messages"]
