"""`recording`: what an app rendered, in order."""

import pytest

from promptops import InputError
from promptops.testing import MemoryStore, Prompts, pinned, recording


def test_what_is_rendered_is_recorded_in_order_with_its_release() -> None:
    with Prompts() as prompts:
        digest = prompts.store.deploy("greeter", text="Hello {{ name }}")
        client = prompts.client()
        client.get("greeter").render(name="before")
        with pinned("farewell", text="Bye"), recording() as calls:
            client.get("greeter").render(name="Zoë")
            client.get("farewell").request()
        client.get("greeter").render(name="after")

    assert [(call.unit, call.inputs) for call in calls] == [
        ("greeter", {"name": "Zoë"}),
        ("farewell", {}),
    ]
    assert (calls[0].digest, calls[0].revision) == (digest, 1)
    assert calls[0].messages == [{"role": "user", "content": "Hello Zoë"}]


def test_a_pin_inside_a_recording_is_recorded_too_and_once() -> None:
    with Prompts() as prompts, recording() as outer:
        with recording() as inner:
            prompts.pin("greeter", text="Hi")
            prompts.client().get("greeter").request()
        assert len(prompts.calls) == len(outer) == len(inner) == 1


def test_what_the_app_does_to_its_messages_is_not_recorded() -> None:
    with Prompts() as prompts:
        prompts.pin("greeter", text="Hi")
        prompts.client().get("greeter").render()[0]["content"] = "changed"
        assert prompts.calls[0].messages == [{"role": "user", "content": "Hi"}]


def test_a_rendering_that_fails_is_none_and_fails_as_ever() -> None:
    with Prompts() as prompts:
        prompts.pin("greeter", text="Hi {{ name }}")
        with pytest.raises(InputError, match="needs the input 'name'"):
            prompts.client().get("greeter").render()
        assert prompts.calls == []


def test_the_store_of_a_test_is_gone_with_it() -> None:
    with Prompts() as prompts:
        prompts.store.deploy("greeter", text="Hi")
    assert MemoryStore(prompts.store.address.path).read().head is None
