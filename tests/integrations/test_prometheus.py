"""The text for Prometheus, which needs no package."""

import re

from promptops import Client
from promptops.integrations.prometheus import metrics
from promptops.testing import Prompts
from tests.client.test_importing import imported

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
    assert "\npromptops_ready 1\n" in text
    assert "\npromptops_stale 0\n" in text
    assert "\npromptops_revision 1\n" in text
    assert "\npromptops_unknown_inputs_total 1\n" in text
    digest = client.get("greeter").digest
    assert f'\npromptops_unit_info{{unit="greeter",digest="{digest}"}} 1\n' in text


def test_a_client_that_is_not_ready_says_so_and_no_revision(prompts: Prompts) -> None:
    text = metrics(prompts.client())
    assert "\npromptops_ready 0\n" in text
    assert "promptops_revision" not in text


def test_naming_one_integration_loads_no_package_of_another() -> None:
    loaded = imported("import promptops.integrations.prometheus")
    assert "promptops.integrations.prometheus" in loaded
    assert not loaded & {"fastapi", "opentelemetry", "openfeature", "promptops.testing", "redis"}
