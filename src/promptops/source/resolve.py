"""Manifest and environment → release: what changes behaviour, in its one canonical spelling."""

from typing import Any

from promptops.errors import CheckFailed
from promptops.manifest.canonical import canonical_bytes
from promptops.manifest.release import API_VERSION
from promptops.source.merged import with_overlay
from promptops.source.unit import Unit

SAFE = ("model", "params", "prompt", "retriever")
_INPUT_FIELDS = ("type", "default", "maxLength")
_NOT_SENT = {"context_window", "retires"}
# What a rehearsal needs of a release when git is gone.
_FOR_THE_WAY_BACK = ("samples", "forward_only")


def resolve(unit: Unit, environment: str, *, safe: bool = False) -> bytes:
    """The canonical bytes of the release that `unit` is in `environment`, or in safe mode there.

    The environment is not in them: the same content has the same digest everywhere. Raises
    CheckFailed when the unit has errors.
    """
    if unit.document is None or not unit.ok:
        raise CheckFailed(
            f"{unit.name} has errors and cannot be resolved", "promptops validate shows them"
        )
    manifest = with_overlay(unit.document.value, environment, safe=safe)
    return canonical_bytes(_release(unit, manifest))


def resolve_safe(unit: Unit, environment: str) -> bytes | None:
    """The release that takes the place of `resolve`'s in safe mode; None without one.

    A patch that changes nothing is none.
    """
    if unit.document is None or "safe" not in unit.document.value:
        return None
    safe = resolve(unit, environment, safe=True)
    return None if safe == resolve(unit, environment) else safe


def resolved_manifest(unit: Unit, environment: str, *, safe: bool = False) -> dict[str, Any]:
    """The manifest in its own words, with all that stands elsewhere in its place.

    The overlay of `environment` is applied, a message's `file` is its `text`, schemas are inlined.
    The unit must be one that can be built.
    """
    assert unit.document is not None  # noqa: S101 - it could not be built
    manifest = with_overlay(unit.document.value, environment, safe=safe)
    prompt = dict(manifest["prompt"])
    for part in ("messages", "examples"):
        if part in prompt:
            prompt[part] = [_with_text(unit, message) for message in prompt[part]]
    manifest["prompt"] = prompt
    if "output" in manifest:
        manifest["output"] = {"schema": _schema(unit, manifest["output"]["schema"])}
    if "tools" in manifest:
        manifest["tools"] = [
            {**tool, "schema": _schema(unit, tool["schema"])} for tool in manifest["tools"]
        ]
    return manifest


def _with_text(unit: Unit, message: dict[str, str]) -> dict[str, str]:
    return {
        "text" if key == "file" else key: unit.texts[part] if key == "file" else part
        for key, part in message.items()
    }


def _release(unit: Unit, manifest: dict[str, Any]) -> dict[str, Any]:
    prompt = manifest["prompt"]
    release: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "unit": unit.name,
        # How much the model takes, and how long it is served, change no answer.
        "model": {key: part for key, part in manifest["model"].items() if key not in _NOT_SENT},
        "prompt": {
            "id": prompt["id"],
            "version": prompt["version"],
            "messages": _messages(unit, prompt["messages"]),
        },
        "inputs": {
            name: {field: spec[field] for field in _INPUT_FIELDS if field in spec}
            for name, spec in manifest.get("inputs", {}).items()
        },
    }
    if prompt.get("examples"):
        release["prompt"]["examples"] = _messages(unit, prompt["examples"])
    if manifest.get("params"):
        release["params"] = manifest["params"]
    if "output" in manifest:
        release["output"] = {"schema": _schema(unit, manifest["output"]["schema"])}
    if manifest.get("tools"):
        release["tools"] = [_tool(unit, tool) for tool in manifest["tools"]]
    if "retriever" in manifest:
        release["retriever"] = manifest["retriever"]
    return release | {key: manifest[key] for key in _FOR_THE_WAY_BACK if key in manifest}


def _messages(unit: Unit, messages: list[dict[str, str]]) -> list[dict[str, str]]:
    return [
        {
            "role": message["role"],
            "content": message["text"] if "text" in message else unit.texts[message["file"]],
        }
        for message in messages
    ]


def _tool(unit: Unit, tool: dict[str, Any]) -> dict[str, Any]:
    release = {"name": tool["name"], "parameters": _schema(unit, tool["schema"])}
    if "description" in tool:
        release["description"] = tool["description"]
    return release


def _schema(unit: Unit, schema: str | dict[str, Any]) -> Any:
    return unit.schemas[schema] if isinstance(schema, str) else schema
