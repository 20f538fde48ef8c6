"""The JSON that a store holds: written in one way, and read by somebody who trusts nobody."""

import json
from collections.abc import Iterable
from types import NoneType
from typing import Any

# One encoder: `json.dumps` with separators builds a new one at every call.
encode = json.JSONEncoder(separators=(",", ":")).encode
JUNK = (ValueError, KeyError, TypeError, RecursionError)
_KINDS: dict[str, tuple[type, ...]] = {
    "epoch": (int,),
    "revision": (int,),
    "pid": (int,),
    "age": (int, float, NoneType),
    "commit": (str, NoneType),
    "from": (str, NoneType),
    "held": (str, NoneType),
    "lifted": (str, NoneType),
    "safe": (str, NoneType),
    "pinned": (bool,),
}


def typed(facts: Any, names: Iterable[str]) -> dict[str, Any]:
    """Just these facts; raises one of JUNK when one is missing or of another type than it has."""
    found = {name: facts[name] for name in names}
    for name, value in found.items():
        if type(value) not in _KINDS.get(name, (str,)):
            raise TypeError(name)
        if type(value) is int and not 0 <= value < 1 << 63:
            raise ValueError(name)
    return found


def listed(facts: Any) -> list[Any]:
    if not isinstance(facts, list):
        raise TypeError(facts)
    return facts
