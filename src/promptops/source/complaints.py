"""What a violation of the schema means for who wrote the file: code, place, message, way out."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from promptops.closest import closest
from promptops.finding import Finding, Place
from promptops.source.document import Path


class Placed(Protocol):
    """A document's value and where its parts stand: a file, or a file under an overlay."""

    @property
    def file(self) -> str: ...
    @property
    def value(self) -> dict[str, Any]: ...
    def place(self, path: Path) -> Place: ...
    def key_place(self, path: Path) -> Place: ...
    def missing_place(self, path: Path, key: str) -> Place: ...
    def raw(self, path: Path) -> str: ...
    def empty_paths(self) -> Iterator[Path]: ...


@dataclass(frozen=True, slots=True)
class Violation:
    """One keyword of the schema that a value does not satisfy."""

    path: Path
    keyword: str
    limit: Any  # what the schema says: a type, a list of keys, a number, …
    schema: dict[str, Any]  # where the keyword stands
    value: Any  # of a key, if `of_key`
    of_key: bool


def complain(document: Placed, violation: Violation, root: dict[str, Any]) -> Iterator[Finding]:
    """The findings for one violation; several when it is about several keys."""
    path = violation.path
    if violation.keyword == "required":
        yield from _missing(document, violation)
    elif violation.keyword == "additionalProperties":
        yield from _unknown(document, violation, root)
    elif violation.keyword == "oneOf":
        yield from _text_or_file(document, violation)
    elif violation.of_key:
        place = document.key_place((*path, str(violation.value)))
        message = f"{shown(violation.value)} cannot be a name in {dotted(path)}"
        yield Finding("E219", document.file, place, message, _grammar(violation, root))
    elif violation.keyword == "pattern":
        # Spaces around an id are E231, which says it better.
        if violation.value.strip(" ") == violation.value:
            message = f"{dotted(path)} is {shown(violation.value)}, which is not allowed"
            hint = _grammar(violation, root)
            yield Finding("E219", document.file, document.place(path), message, hint)
    else:
        code, message, hint = _about_value(document, violation)
        yield Finding(code, document.file, document.place(path), message, hint)


def _about_value(document: Placed, violation: Violation) -> tuple[str, str, str]:
    """Code, message and hint about one value."""
    name, value = dotted(violation.path), violation.value
    if value is None:
        message = f"{name} has an empty value: it is unclear whether that is meant"
        return "E205", message, "remove the key or set it"
    if violation.path == ("apiVersion",):
        return _version(value)
    if violation.keyword == "type":
        return mistyped(name, document.raw(violation.path), value, violation.limit)
    if violation.keyword == "enum":
        return choice(name, value, violation.limit)
    return out_of_range(name, value, violation.keyword, violation.limit)


def _missing(document: Placed, violation: Violation) -> Iterator[Finding]:
    path = violation.path
    for key in violation.limit:
        if key not in violation.value:
            where = f" in {dotted(path)}" if path else ""
            hint = _how_to_add(key, violation.schema.get("properties", {}).get(key, {}))
            place = document.missing_place(path, key)
            yield Finding("E211", document.file, place, f"'{key}' is missing{where}", hint)


def _how_to_add(key: str, schema: dict[str, Any]) -> str:
    examples = schema.get("examples")
    if not examples:
        return f"add {key}"
    if isinstance(examples[0], dict):
        return f"add {key} with {', '.join(examples[0])}"
    return f"add {key}: {json.dumps(examples[0], ensure_ascii=False)}"


def _unknown(document: Placed, violation: Violation, root: dict[str, Any]) -> Iterator[Finding]:
    path = violation.path
    known = list(violation.schema.get("properties", {}))
    for key in violation.value:
        if key in known:
            continue
        place = document.key_place((*path, key))
        message = f"unknown key {shown(key)}: nothing in {dotted(path) or 'the file'} has this name"
        close = closest(key, known)
        homes = [
            section
            for section, schema in root["properties"].items()
            if key in schema.get("properties", {}) and (section,) != path
        ]
        if close:
            hint = f"did you mean {close}?"
        elif homes:
            hint = f"move it into {homes[0]}"
        else:
            hint = f"known keys: {', '.join(known)}"
        yield Finding("E210", document.file, place, message, hint)


def _text_or_file(document: Placed, violation: Violation) -> Iterator[Finding]:
    path = violation.path
    if not isinstance(violation.value, dict):
        return
    given = [key for key in violation.value if key in {"text", "file"}]
    if len(given) == 2:
        place = document.key_place((*path, given[1]))
        message = f"{dotted(path)} has both text and file: only one can be the message"
        yield Finding("E214", document.file, place, message, "delete one of them")
    elif not given:
        message = f"{dotted(path)} has neither text nor file: the message would be empty"
        hint = "write the words as text: or name a file with them as file:"
        yield Finding("E214", document.file, document.place(path), message, hint)


def _version(value: object) -> tuple[str, str, str]:
    kind, _, number = str(value).partition("/v")
    if kind == "promptops" and number.isdecimal() and number != "0":
        message = f"the file has the format {value}; this promptops reads promptops/v1"
        return "E221", message, "it needs a newer promptops: upgrade it"
    message = f"apiVersion is {shown(value)}, a format that promptops does not know"
    return "E221", message, "write apiVersion: promptops/v1"


_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


def mistyped(name: str, raw: str, value: Any, wanted: str | list[str]) -> tuple[str, str, str]:
    """Code (E201, E202), message and hint for a value of another type than those wanted."""
    types = [wanted] if isinstance(wanted, str) else wanted
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if "string" in types and is_number:
        message = f"{name} must be text: unquoted it is the number {shown(value)}"
        return "E201", message, f"write '{raw}'"
    expected = " or ".join(_WORDS[kind] for kind in types)
    message = f"{name} must be {expected}, not {_kind(value)}"
    return "E202", message, _type_hint(types[0], raw, value)


def _type_hint(wanted: str, raw: str, value: object) -> str:
    if wanted == "boolean":
        return "use true or false"
    if wanted == "array":
        return (
            "write `- value` lines below it"
            if isinstance(value, dict)
            else f"write a list: [{raw}]"
        )
    if wanted in {"integer", "number"}:
        if isinstance(value, str) and raw[:1] in "'\"":
            return "write the number without quotes"
        return f"write {_WORDS[wanted]}, such as {5 if wanted == 'integer' else 0.5}"
    if wanted == "string":
        return f"quote it: '{raw}'" if isinstance(value, bool) else "write text in quotes"
    return "write `key: value` lines below it"


_MOST_NAMED = 8
_LONGEST_NAME = 200


def choice(name: str, value: object, limit: list[object]) -> tuple[str, str, str]:
    """Code (E212), message and hint for a value that is not one of those allowed."""
    allowed = [item if isinstance(item, str) else json.dumps(item) for item in limit]
    few = [shown(item)[1:-1] for item in allowed[:_MOST_NAMED]]
    more = f" and {len(allowed) - len(few)} more" if len(allowed) > len(few) else ""
    names = [item for item in allowed if len(item) <= _LONGEST_NAME]  # to compare texts takes long
    close = closest(str(value)[: _LONGEST_NAME + 1], names)
    hint = f"did you mean {close}?" if close else f"write {' or '.join(few)}"
    are = "are" if len(few) > 1 else "is"
    message = f"{name} is {shown(value)}; allowed {are} {', '.join(few)}{more}"
    return "E212", message, hint


_LIMITS: dict[str, tuple[str, str]] = {
    "minimum": ("is {}; the least is {}", "write {} or more"),
    "maximum": ("is {}; the most is {}", "write {} or less"),
    "exclusiveMinimum": ("is {}; it must be above {}", "write more than {}"),
    "exclusiveMaximum": ("is {}; it must be below {}", "write less than {}"),
    "minLength": ("is too short with {}; the least is {}", "write {} or more"),
    "maxLength": ("is too long with {}; the most is {}", "shorten it to {}"),
    "minItems": ("has {}; the least is {}", "list {} or more"),
    "maxItems": ("has {}; the most is {}", "keep {} of them"),
    "minProperties": ("has {}; the least is {}", "write {} or more"),
    "maxProperties": ("has {}; the most is {}", "keep {} of them"),
}


def out_of_range(name: str, value: Any, keyword: str, limit: object) -> tuple[str, str, str]:
    """Code (E213), message and hint for a value that is too small, too large or otherwise wrong."""
    if keyword not in _LIMITS:
        return "E213", f"{name} is {shown(value)}, which {keyword} does not allow", "change it"
    message, hint = _LIMITS[keyword]
    measure = value if isinstance(value, int | float) else _counted(value)
    if value == "":
        message, hint = "is empty", "write some text"
    return "E213", f"{name} {message.format(measure, limit)}", hint.format(limit)


def _counted(value: str | list[object] | dict[str, object]) -> str:
    noun = {str: "character", list: "item"}.get(type(value), "key")
    return f"{len(value)} {noun}" + ("" if len(value) == 1 else "s")


def _grammar(violation: Violation, root: dict[str, Any]) -> str:
    """What a name may be made of, in words; most names are ids."""
    schema = violation.schema
    for known in root.get("$defs", {}).values():
        if known.get("pattern") == violation.limit:
            schema = known
    words = str(schema.get("description") or f"what matches {violation.limit}")
    return f"use {words[:1].lower()}{words[1:].rstrip('.')}"


def dotted(path: Path) -> str:
    """A path as people write it: `prompt.messages[0].text`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def shown(value: object) -> str:
    """A value as a message shows it: short, and text in quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f"'{value}'" if isinstance(value, str) else str(value)
    text = text.replace("\n", "\\n")
    return text if len(text) <= 60 else text[:57] + "…" + text[-1]


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return shown(value)
    if isinstance(value, str):
        return f"the text {shown(value)}"
    if isinstance(value, int | float):
        return f"the number {shown(value)}"
    return "a list" if isinstance(value, list) else "a mapping"
