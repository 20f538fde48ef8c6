"""`chat.completions.create` of the OpenAI SDK, which many other providers' servers take too."""

from typing import Any

from promptops.client.shapes.call import Call, arguments_of, described
from promptops.client.shapes.decoding import is_object, is_strict


def arguments(call: Call) -> dict[str, Any]:
    """Examples as turns, tools as functions, the output schema as `response_format`.

    The SDK has no keyword for `top_k`, which many servers know: it goes into `extra_body`. A schema
    whose root is no object has no place.
    """
    request = {"model": call.model.id, "messages": call.messages, **call.params}
    if "top_k" in request:
        request["extra_body"] = {"top_k": request.pop("top_k"), **request.get("extra_body", {})}
    return request | tools_and_output(call)


def tools_and_output(call: Call) -> dict[str, Any]:
    """`tools` and `response_format`, each when there is one."""
    found: dict[str, Any] = {}
    if call.tools:
        found["tools"] = [
            {"type": "function", "function": {**described(tool), "parameters": arguments_of(tool)}}
            for tool in call.tools
        ]
    if is_object(call.output):
        schema = {"name": call.name, "schema": call.output, "strict": is_strict(call.output)}
        found["response_format"] = {"type": "json_schema", "json_schema": schema}
    return found
