"""The provider in the real OpenFeature SDK."""

import queue
from collections.abc import Iterator
from typing import Any

import pytest

from promptops import Client
from promptops.testing import Prompts
from tests.waiting import eventually

NEEDS = ("openfeature",)


@pytest.fixture
def flags(client: Client) -> Iterator[Any]:
    from openfeature import api

    from promptops.integrations.openfeature import Provider

    api.set_provider(Provider(client))
    yield api.get_client()
    api.shutdown()
    api.clear_providers()


def test_a_unit_is_an_object_with_its_digest_as_variant(flags: Any, client: Client) -> None:
    details = flags.get_object_details("greeter", {})
    assert details.value == {
        "model": {"provider": "openai", "id": "test-model"},
        "params": {},
        "messages": [{"role": "user", "content": "Hello {{ name }}"}],
    }
    assert details.variant == client.get("greeter").digest
    assert details.flag_metadata == {"unit": "greeter", "revision": 1}
    assert details.error_code is None


def test_the_default_is_given_with_the_reason_for_what_is_no_flag_of_that_type(flags: Any) -> None:
    missing = flags.get_object_details("greeting", {"a": "default"})
    assert missing.value == {"a": "default"}
    assert missing.error_code == "FLAG_NOT_FOUND"
    assert "did you mean 'greeter'?" in missing.error_message
    for ask, default in (
        (flags.get_string_details, "x"),
        (flags.get_boolean_details, True),
        (flags.get_integer_details, 7),
        (flags.get_float_details, 0.5),
    ):
        details = ask("greeter", default)
        assert (details.value, details.error_code) == (default, "TYPE_MISMATCH")


def test_a_deployment_is_an_event_of_the_provider(flags: Any, prompts: Prompts) -> None:
    from openfeature.event import ProviderEvent

    heard: queue.Queue[Any] = queue.Queue()
    flags.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, heard.put)
    prompts.store.deploy("greeter", text="Good morning")
    assert heard.get(timeout=5).flags_changed == ["greeter"]
    assert eventually(
        lambda: flags.get_object_value("greeter", {})["messages"][0]["content"] == "Good morning"
    )
