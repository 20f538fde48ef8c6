"""The text for Prometheus, which needs no package."""

import re

import pytest

from promptops import Client
from promptops.integrations.prometheus import metrics
from promptops.testing import Prompts
from tests.client.test_importing import imported
from tests.client.waiting import until

ENV = '{environment="test"}'
SAMPLE = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+')


def test_every_line_is_a_sample_or_describes_one(client: Client) -> None:
    lines = metrics(client).splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert all(SAMPLE.fullmatch(line) for line in samples)
    for sample in samples:
        name = re.split(r"[ {]", sample)[0]
        assert sum(line.startswith(f"# TYPE {name} ") for line in lines) == 1
        assert name.endswith("_total") == (f"# TYPE {name} counter" in lines)


def test_it_says_what_is_served_and_counts(client: Client) -> None:
    client.get("greeter").render(name="Zoë", nmae="Zoë")
    text = metrics(client)
    assert f"\npromptops_ready{ENV} 1\n" in text
    assert f"\npromptops_stale{ENV} 0\n" in text
    assert f"\npromptops_revision{ENV} 1\n" in text
    assert f"\npromptops_unknown_inputs_total{ENV} 1\n" in text
    live = client.get("greeter").digest
    info = f'promptops_unit_info{{environment="test",unit="greeter",digest="{live}"}} 1'
    assert info in text.splitlines()


def test_what_is_refused_and_pinned_is_counted(
    prompts: Prompts, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts.store.deploy("greeter", text="Hello")
    pinned = prompts.store.deploy("farewell", text="Bye")
    monkeypatch.setenv("PROMPTOPS_PIN", f"farewell={pinned}")
    client = prompts.client(inputs={"greeter": []})
    prompts.store.deploy("greeter", text="Hello {{ name }}")
    until(lambda: client.status().refused)
    lines = metrics(client).splitlines()
    assert f"promptops_error{ENV} 1" in lines
    assert f"promptops_refused{ENV} 1" in lines
    assert f"promptops_pinned{ENV} 1" in lines


def test_a_client_that_is_not_ready_says_so_and_no_revision(prompts: Prompts) -> None:
    text = metrics(prompts.client())
    assert f"\npromptops_ready{ENV} 0\n" in text
    assert "promptops_revision" not in text


def test_naming_one_integration_loads_no_package_of_another() -> None:
    loaded = imported("import promptops.integrations.prometheus")
    assert "promptops.integrations.prometheus" in loaded
    assert not loaded & {"fastapi", "opentelemetry", "openfeature", "promptops.testing", "redis"}
