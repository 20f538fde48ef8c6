"""JSON values: their type, and frozen copies that nobody can change."""

import json
from collections.abc import Mapping
from types import MappingProxyType

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Frozen = None | bool | int | float | str | tuple["Frozen", ...] | Mapping[str, "Frozen"]


def freeze(value: Json) -> Frozen:
    """The same value with tuples for lists and read-only mappings for dictionaries."""
    if isinstance(value, dict):
        return MappingProxyType({key: freeze(item) for key, item in value.items()})
    if isinstance(value, list):
        return tuple(freeze(item) for item in value)
    return value


def thaw(value: Frozen) -> Json:
    """A fresh, mutable copy of a frozen value."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [thaw(item) for item in value]
    return value


def same(one: Json, other: Json) -> bool:
    """Whether two values are one in JSON, where `true` is no 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
