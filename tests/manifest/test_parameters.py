"""The table of parameters, held against the manifest's schema."""

import json
from pathlib import Path

from promptops.manifest.parameters import BY_PROVIDER, PARAMETERS, RESPONSES, unknown_to

SCHEMA = Path(__file__).parents[2] / "schemas/manifest.v1.json"


def test_the_table_has_the_parameters_that_a_manifest_may_name() -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    assert schema["properties"]["params"]["properties"].keys() == PARAMETERS
    assert all(known < PARAMETERS for known in (RESPONSES, *BY_PROVIDER.values()))


def test_nothing_is_unknown_to_a_provider_that_nobody_knows() -> None:
    assert unknown_to("a-provider-nobody-knows", sorted(PARAMETERS)) == []
    assert unknown_to("anthropic", ["seed", "top_k"]) == ["seed"]
