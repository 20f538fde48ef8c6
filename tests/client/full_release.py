"""A live release with all that a request can carry."""

from typing import Any

from promptops.client.live import LiveRelease, UnknownInputs, live_release
from promptops.manifest.canonical import canonical_bytes
from promptops.manifest.digest import digest_of
from promptops.manifest.release import read_release
from tests.client.releases import triage

TURNS = [
    {"role": "user", "content": "Ticket:\nIt burns"},
    {"role": "assistant", "content": "emergency"},
    {"role": "user", "content": "Ticket:\nSmoke\n\nContext:\nnone"},
]
MESSAGES = [{"role": "system", "content": "Route the ticket."}, *TURNS]
SCHEMA: Any = {
    "type": "object",
    "required": ["team"],
    "additionalProperties": False,
    "properties": {"team": {"type": "string", "enum": ["billing", "shipping"]}},
}
ARGUMENTS: Any = {
    "type": "object",
    "required": ["order"],
    "properties": {"order": {"type": "string", "maxLength": 9}},
}
TOOL: Any = {"name": "look_up_order", "description": "Finds an order.", "schema": ARGUMENTS}
PARAMS: Any = {
    "temperature": 0.2,
    "top_p": 0.9,
    "top_k": 40,
    "max_tokens": 300,
    "stop": ["END"],
    "seed": 7,
    "presence_penalty": 0.5,
    "frequency_penalty": 0.25,
    "reasoning_effort": "low",
    "extra_body": {"service_tier": "flex"},
}


def live(provider: str, **changes: Any) -> LiveRelease:
    """As a client would have it, of this provider's model `a-model`."""
    document = triage(
        **{
            "model": {"provider": provider, "id": "a-model", "version": "1"},
            "params": PARAMS,
            "tools": [TOOL],
            "output": {"schema": SCHEMA},
            **changes,
        }
    )
    data = canonical_bytes(document)
    release = read_release(data, digest_of(data), "support-triage")
    return live_release(release, digest_of(data), 1, UnknownInputs(), set())
