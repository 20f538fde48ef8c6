"""`litellm.completion`, which takes chat completions and translates them for each provider."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from promptops.client.shapes.call import Call
from promptops.client.shapes.openai_chat import tools_and_output

# Where LiteLLM calls a provider by another name than manifests do.
_PREFIX: Mapping[str, str] = MappingProxyType({"google": "gemini", "vllm": "hosted_vllm"})


def arguments(call: Call) -> dict[str, Any]:
    """As for chat completions, with the provider before the model's id.

    LiteLLM raises for a parameter of its own list that the model does not take, unless it is told
    `drop_params=True`; those that the provider's call does not know are left out before.
    """
    prefix = _PREFIX.get(call.model.provider, call.model.provider) + "/"
    model = call.model.id if call.model.id.startswith(prefix) else prefix + call.model.id
    request = {"model": model, "messages": call.messages, **call.params}
    if call.model.provider == "anthropic":
        # LiteLLM would send it as a key of that name, which the API refuses.
        request |= request.pop("extra_body", {})
    return request | tools_and_output(call)
