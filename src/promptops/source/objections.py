"""What a policy objects to: which part of the resolved manifest, what is so, what to do.

A policy is a schema that somebody else wrote, so whatever JSON Schema can say may fail here; the
author of the manifest must make sense of it all the same.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from promptops.source.complaints import choice, dotted, mistyped, out_of_range, shown
from promptops.source.document import Path

Error = Any  # a ValidationError of jsonschema, whose parts have no types

_LONGEST_SAYING = 300
_MOST_WAYS = 5


@dataclass(frozen=True, slots=True)
class Objection:
    """One part that a policy objects to: a value, a key, or a key that is missing."""

    path: Path
    kind: Literal["value", "key", "missing"]
    message: str
    hint: str


def objections(error: Error, condition: Any = None) -> Iterator[Objection]:
    """What one keyword that failed objects to; several parts when it is about several keys.

    `condition` is the schema of the `if` that led to it, where nothing at all is allowed then.
    """
    path: Path = tuple(error.absolute_path)
    if isinstance(error.instance, str) and "propertyNames" in error.absolute_schema_path:
        message = f"'{error.instance}' is not allowed as a key in {_name(path)}"
        yield Objection((*path, error.instance), "key", message, "rename it, or delete it")
    elif error.validator == "not":
        yield _ruled_out(path, error, condition)
    elif error.validator in _BY_KEYWORD:
        yield from _BY_KEYWORD[str(error.validator)](path, error)
    else:
        message, hint = _about_value(_name(path), error)
        yield Objection(path, "value", message, hint)


def _about_value(name: str, error: Error) -> tuple[str, str]:
    keyword, value, limit = str(error.validator), error.instance, error.validator_value
    if keyword in {"enum", "const"}:
        return choice(name, value, limit if keyword == "enum" else [limit])[1:]
    if keyword == "type":
        return mistyped(name, str(value), value, limit)[1:]
    if keyword == "pattern":
        return f"{name} is {shown(value)}, which does not match {shown(limit)}", "write what does"
    if keyword in {"items", "uniqueItems", "unevaluatedItems", "unevaluatedProperties"}:
        return f"{name} has something that {keyword} does not allow", "look at what it holds"
    return out_of_range(name, value, keyword, limit)[1:]


def _missing(path: Path, error: Error) -> Iterator[Objection]:
    for key in error.validator_value:
        if key not in error.instance:
            yield _lacks(path, key)


def _dependent(path: Path, error: Error) -> Iterator[Objection]:
    for name, needed in error.validator_value.items():
        for key in needed if name in error.instance else ():
            if key not in error.instance:
                yield _lacks(path, key, f", and {name} needs it")


def _lacks(path: Path, key: str, why: str = "") -> Objection:
    where = f" in {dotted(path)}" if path else ""
    return Objection((*path, key), "missing", f"'{key}' is missing{where}{why}", f"add {key}")


def _surplus(path: Path, error: Error) -> Iterator[Objection]:
    schema = error.schema
    known, patterns = schema.get("properties", ()), schema.get("patternProperties", ())
    for key in error.instance:
        if key not in known and not any(re.search(pattern, key) for pattern in patterns):
            message = f"'{key}' is not allowed in {_name(path)}"
            yield Objection((*path, key), "key", message, "delete it")


def _ruled_out(path: Path, error: Error, condition: Any) -> Objection:
    """`not`: about the one part that it speaks of, or that its condition does."""
    schema, value, inner = error.validator_value or condition, error.instance, list(path)
    if schema is None:
        # Nothing is allowed here, as the schema `false` says.
        return Objection(
            path, "key" if path else "value", f"{_name(path)} is not allowed", "delete it"
        )
    while isinstance(schema, dict) and isinstance(value, dict):
        properties = schema.get("properties", {})
        keys = {key for key in (*properties, *schema.get("required", ())) if key in value}
        if len(keys) != 1:
            break
        key = keys.pop()
        schema, value = properties.get(key), value[key]
        inner.append(key)
    where, is_part = tuple(inner), len(inner) > len(path)
    is_plain = not isinstance(value, dict | list)
    said = f"is {shown(value)}, which is not allowed" if is_plain else "is not allowed as it is"
    kind: Literal["key", "value"] = "key" if is_part and schema is None else "value"
    return Objection(where, kind, f"{_name(where)} {said}", "change it")


def _alternatives(path: Path, error: Error) -> Iterator[Objection]:
    """`anyOf` and `oneOf`: about the part that all alternatives stumble over."""
    found = [each for part in error.context for each in objections(part)]
    if not found:
        message = f"{_name(path)} fits several alternatives, and only one is allowed"
        yield Objection(path, "value", message, "make it fit one of them")
        return
    first = found[0]
    where = _common([each.path for each in found])
    limits = _limits(error)
    if limits and all(each.path == where for each in found):
        _, message, hint = choice(_name(where), error.context[0].instance, limits)
        yield Objection(where, "value", message, hint)
        return
    titles = [saying[0] for each in error.validator_value if (saying := sayings(each))]
    ways = dict.fromkeys(titles or [each.hint for each in found])
    hint = " or ".join(islice(ways, _MOST_WAYS))
    message = f"{_name(where)} fits none of {len(error.validator_value)} alternatives"
    is_same = all((each.path, each.kind) == (first.path, first.kind) for each in found)
    yield Objection(where, first.kind if is_same else "value", message, hint)


def _common(paths: list[Path]) -> Path:
    """The path that all paths begin with."""
    steps = zip(*paths, strict=False)
    length = next((at for at, step in enumerate(steps) if len(set(step)) > 1), min(map(len, paths)))
    return paths[0][:length]


def _limits(error: Error) -> list[Any]:
    """What is allowed, when every alternative lists it."""
    limits: list[Any] = []
    for part in error.context:
        if part.validator not in {"const", "enum"}:
            return []
        limits += part.validator_value if part.validator == "enum" else [part.validator_value]
    return limits


def _items(path: Path, error: Error) -> Iterator[Objection]:
    schema = error.schema
    name, wanted = _name(path), schema["contains"]
    said = sayings(wanted)
    if isinstance(wanted, dict) and not said:
        said = [", ".join(f"{key} {shown(value)}" for key, value in wanted.items())]
    what = said[0] if said else "at all"
    if error.validator == "maxContains":
        message = f"{name} has more than {error.validator_value} items that fit {what}"
        yield Objection(path, "value", message, "delete some of them")
    else:
        least = schema.get("minContains", 1)
        few = "no item that fits" if least == 1 else f"fewer than {least} items that fit"
        yield Objection(path, "value", f"{name} has {few} {what}", "add one that does")


_BY_KEYWORD: dict[str, Callable[[Path, Error], Iterator[Objection]]] = {
    "required": _missing,
    "dependentRequired": _dependent,
    "additionalProperties": _surplus,
    "anyOf": _alternatives,
    "oneOf": _alternatives,
    "contains": _items,
    "minContains": _items,
    "maxContains": _items,
}


def sayings(schema: Any) -> list[str]:
    """What a schema says for itself: its title, its description, or both, each in one line."""
    if not isinstance(schema, dict):
        return []
    texts = [" ".join(str(schema.get(key, "")).split()) for key in ("title", "description")]
    cut = (t if len(t) <= _LONGEST_SAYING else t[: _LONGEST_SAYING - 1] + "…" for t in texts)
    return [text for text in cut if text]


def _name(path: Path) -> str:
    return dotted(path) or "the manifest"
