"""`responses.create` of the OpenAI SDK."""

from typing import Any

from promptops.client.shapes.call import Call, arguments_of, described
from promptops.client.shapes.decoding import is_object, is_strict
from promptops.manifest.parameters import RESPONSES


def arguments(call: Call) -> dict[str, Any]:
    """Messages and examples as `input`, tools as functions, the output schema as `text.format`.

    Both limits of tokens are `max_output_tokens` here; where a manifest names both, the one that
    counts the thinking is it. `stop`, `seed` and the penalties have no place and are left out, and
    so is a schema whose root is no object.
    """
    params = {name: value for name, value in call.params.items() if name in RESPONSES}
    limits = [params.pop(name, None) for name in ("max_completion_tokens", "max_tokens")]
    request: dict[str, Any] = {"model": call.model.id, "input": call.messages}
    if any(limits):
        request["max_output_tokens"] = limits[0] or limits[1]
    if "reasoning_effort" in params:
        request["reasoning"] = {"effort": params.pop("reasoning_effort")}
    if call.tools:
        # Left unsaid, `strict` is true here, and an optional argument would become a required one.
        request["tools"] = [
            {
                "type": "function",
                **described(tool),
                "parameters": arguments_of(tool),
                "strict": False,
            }
            for tool in call.tools
        ]
    if is_object(call.output):
        schema = {"name": call.name, "schema": call.output, "strict": is_strict(call.output)}
        request["text"] = {"format": {"type": "json_schema", **schema}}
    return request | params
