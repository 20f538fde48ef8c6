"""What every shape is call_of from: a release and its filled prompt, fresh and free to change."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from promptops.manifest.document import Frozen, thaw
from promptops.manifest.parameters import unknown_to
from promptops.manifest.release import Model
from promptops.manifest.schema_parts import without_name


class Call(NamedTuple):
    """`params` are those that the provider knows; `output` is the schema of the answer, or None.

    `name` is the unit's, in the letters that providers allow for a schema's name.
    """

    name: str
    model: Model
    messages: list[dict[str, str]]
    params: dict[str, Any]
    tools: list[Any]
    output: Any


def call_of(
    unit: str,
    model: Model,
    params: Mapping[str, Frozen],
    tools: tuple[Frozen, ...],
    output: Frozen,
    messages: list[dict[str, str]],
) -> Call:
    """Copies of all parts, without what the provider has no place for."""
    unknown = unknown_to(model.provider, params)
    return Call(
        name=unit.replace(".", "_"),
        model=model,
        messages=messages,
        params={name: thaw(value) for name, value in params.items() if name not in unknown},
        tools=[thaw(tool) for tool in tools],
        output=None if output is None else without_name(thaw(output)),
    )


def arguments_of(tool: dict[str, Any]) -> dict[str, Any]:
    """The schema of a tool's arguments; every provider demands that it says `object`."""
    return {"type": "object", **without_name(tool["schema"])}


def described(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool's name, and its description when it has one."""
    return {key: tool[key] for key in ("name", "description") if key in tool}
