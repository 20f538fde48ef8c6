"""rehearse: twenty histories that leave nothing to be found."""

from typing import Any

import pytest

from promptops.live.store import Store
from tests.cli.projects import Project
from tests.cli.rehearsals import ANSWER, INDEX, PLACE, release, said, says

HEALTHY: dict[str, list[dict[str, Any]]] = {
    "another text": [says("guest"), says("guest") | {"params": {"temperature": 0.1}}],
    "another parameter": [{"params": {"temperature": 0.1}}, {"params": {"temperature": 0.9}}],
    "a parameter more": [{"params": {"temperature": 0.1}}, {"params": {"max_tokens": 9}}],
    "no parameters": [{"params": None}, {"params": {"max_tokens": 9}}],
    "another model": [
        {"model": {"provider": "openai", "id": "gpt-5-2025-08-07", "version": "2025-08-07"}}
    ],
    "another provider": [
        {
            "model": {
                "provider": "anthropic",
                "id": "claude-sonnet-4-5-20250929",
                "version": "2025-09-29",
            }
        }
    ],
    "an input more": [says("guest"), says("guest", "season")],
    "two inputs more": [says("guest"), says("guest", "season", "weather")],
    "an input that may be longer": [
        says("guest") | {"inputs": {"guest": {"type": "string", "maxLength": 50}}},
        says("guest") | {"inputs": {"guest": {"type": "string", "maxLength": 50}}, "params": None},
    ],
    "an input that became required": [
        says("guest") | {"inputs": {"guest": {"type": "string", "default": ""}}},
        says("guest"),
    ],
    "an input that takes more there": [
        says("guest") | {"inputs": {"guest": {"type": "number"}}},
        says("guest") | {"inputs": {"guest": {"type": "integer"}}},
    ],
    "an index": [{"retriever": INDEX}, {"retriever": INDEX, "params": {"max_tokens": 9}}],
    "an index that is asked for more": [
        {"retriever": INDEX},
        {"retriever": INDEX | {"top_k": 9}},
    ],
    "a first index": [{"retriever": INDEX}],
    "answers by a schema": [
        {"output": {"schema": ANSWER}},
        {"output": {"schema": ANSWER}, "params": {"max_tokens": 9}},
    ],
    "answers that are described": [
        {"output": {"schema": ANSWER}},
        {"output": {"schema": ANSWER | {"title": "Which team"}}},
    ],
    "answers that may say more": [
        {"output": {"schema": ANSWER | {"additionalProperties": False}}},
        {
            "output": {
                "schema": {
                    **ANSWER,
                    "additionalProperties": False,
                    "properties": {"team": {"type": "string"}, "why": {"type": "string"}},
                }
            }
        },
    ],
    "an overlay": [
        {"environments": {"production": {"params": {"temperature": 0.1}}}},
        {"environments": {"production": {"params": {"temperature": 0.5}}}},
    ],
    "another owner": [{"owners": ["bob@example.com"]}, {"params": {"max_tokens": 9}}],
    "examples": [
        says("guest"),
        {
            "prompt": {
                **says("guest")["prompt"],
                "version": "3.0.0",
                "examples": [
                    {"role": "user", "text": "Ada"},
                    {"role": "assistant", "text": "Hello."},
                ],
            }
        },
    ],
}


@pytest.mark.parametrize("steps", HEALTHY.values(), ids=list(HEALTHY))
def test_a_healthy_history_is_ready_without_a_finding(
    deployed: Project, store: Store, steps: list[dict[str, Any]]
) -> None:
    for step in steps:
        release(deployed, store, **step)
    done = deployed.here("rehearse", "greeter", *PLACE, "-o", "json", "--last", "1")
    [newest] = done.json["units"][0]["targets"]
    assert (newest["verdict"], newest["findings"]) == ("ready", []), said(newest)
    assert done.code == 0
