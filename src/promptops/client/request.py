"""The shapes in which providers take a request."""

from collections.abc import Mapping

from promptops.manifest.document import Frozen, thaw
from promptops.manifest.release import Model

# Anthropic requires a limit; this one is used when a manifest names none.
ANTHROPIC_MAX_TOKENS = 1024


def call_arguments(
    model: Model, params: Mapping[str, Frozen], messages: list[dict[str, str]]
) -> dict[str, object]:
    """Keyword arguments for the provider's client: chat completions unless it has its own shape."""
    arguments: dict[str, object] = {name: thaw(value) for name, value in params.items()}
    if model.provider == "anthropic":
        return _anthropic(model, arguments, messages)
    return {"model": model.id, "messages": messages, **arguments}


def _anthropic(
    model: Model, arguments: dict[str, object], messages: list[dict[str, str]]
) -> dict[str, object]:
    """`messages.create` of the Anthropic API: the system text stands beside the messages."""
    system = [m["content"] for m in messages if m["role"] in {"system", "developer"}]
    turns = [m for m in messages if m["role"] in {"user", "assistant"}]
    arguments.setdefault("max_tokens", ANTHROPIC_MAX_TOKENS)
    if "stop" in arguments:
        arguments["stop_sequences"] = arguments.pop("stop")
    request: dict[str, object] = {"model": model.id, "messages": turns, **arguments}
    if system:
        request["system"] = "\n\n".join(system)
    return request
