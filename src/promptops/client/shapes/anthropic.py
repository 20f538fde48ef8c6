"""`messages.create` of the Anthropic SDK."""

from typing import Any

from promptops.client.shapes.call import Call, arguments_of, described
from promptops.client.shapes.decoding import as_grammar

# The call requires a limit; this one is used when a manifest names none.
MAX_TOKENS = 1024

_SAMPLING = ("temperature", "top_p", "top_k")


def arguments(call: Call) -> dict[str, Any]:
    """System messages as `system`, examples as turns, the output schema as `output_config.format`.

    The API decodes by a part of JSON Schema: limits of lengths and numbers become descriptions, as
    the SDK writes them, and a schema that cannot be said in that part has no place. `seed` and
    the penalties have none either. The SDK has no keywords for `temperature`, `top_p` and `top_k`,
    which older models take: they go into `extra_body`.
    """
    system = [m["content"] for m in call.messages if m["role"] in {"system", "developer"}]
    turns = [m for m in call.messages if m["role"] in {"user", "assistant"}]
    params = dict(call.params)
    limits = [params.pop(name, None) for name in ("max_tokens", "max_completion_tokens")]
    request: dict[str, Any] = {
        "model": call.model.id,
        "messages": turns,
        "max_tokens": limits[0] or limits[1] or MAX_TOKENS,
    }
    if system:
        request["system"] = "\n\n".join(system)
    if "stop" in params:
        request["stop_sequences"] = params.pop("stop")
    if call.tools:
        request["tools"] = [
            {**described(tool), "input_schema": arguments_of(tool)} for tool in call.tools
        ]
    request |= _thinking(params.pop("reasoning_effort", None))
    if (grammar := as_grammar(call.output)) is not None:
        request.setdefault("output_config", {})["format"] = {
            "type": "json_schema",
            "schema": grammar,
        }
    body = {name: params[name] for name in _SAMPLING if name in params}
    body |= params.get("extra_body", {})
    return request | ({"extra_body": body} if body else {})


def _thinking(effort: str | None) -> dict[str, Any]:
    """`none` switches thinking off; the least effort that there is here is `low`."""
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    if effort is None:
        return {}
    return {"output_config": {"effort": "low" if effort == "minimal" else effort}}
