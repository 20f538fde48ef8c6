"""JSON files, read strictly: no duplicate keys, no NaN, no bombs, every mistake with its place."""

import json
import re
from typing import Any

from promptops.finding import Finding, Place
from promptops.source.document import Path
from promptops.source.scalars import Refusal, number_value
from promptops.source.strict_yaml import MAX_DEPTH, read_yaml
from promptops.source.syntax import lone_surrogate
from promptops.source.text import describe, place_at, suspects_in

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_ESCAPE = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|.)",
    re.DOTALL,
)


class _Refused(Exception):
    """Raised from within the JSON parser, which knows no places."""

    def __init__(self, code: str, token: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.token = token
        self.message = message
        self.hint = hint


def read_json(text: str, file: str) -> tuple[Any, list[Finding]]:
    """The value in a text that `read_text` let through; None with findings when there is none."""
    found = _too_deep(text, file) or _bad_escapes(text, file)
    if found:
        return None, found
    try:
        value = json.loads(
            text,
            object_pairs_hook=_pairs,
            parse_constant=_constant,
            parse_int=lambda token: _number(token, is_integer=True),
            parse_float=lambda token: _number(token, is_integer=False),
        )
    except json.JSONDecodeError as error:
        place = Place(error.lineno, error.colno)
        message = f"not valid JSON: {error.msg}"
        return None, [Finding("E110", file, place, message, "look at commas, quotes and brackets")]
    except _Refused as refused:
        return None, [_refusal(refused, text, file)]
    return value, []


def places_in_json(text: str, paths: list[Path]) -> list[Place]:
    """Where values stand in a JSON text; JSON is YAML, so its reader knows."""
    document = read_yaml(text, "")[0] if paths else None
    return [Place() if document is None else document.place(path) for path in paths]


def _too_deep(text: str, file: str) -> list[Finding]:
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return []
    depth = 0
    for token in _TOKEN.finditer(text):
        sign = token.group()
        depth += (sign in "[{") - (sign in "]}")
        if depth > MAX_DEPTH:
            message = f"nested deeper than {MAX_DEPTH} levels, which crashes some readers"
            place = place_at(text, token.start())
            return [Finding("E119", file, place, message, "make it flatter")]
    return []


def _bad_escapes(text: str, file: str) -> list[Finding]:
    """Escapes that write what must not be in a string; pairs of surrogates are one character."""
    if "\\u" not in text:
        return []
    for match in _ESCAPE.finditer(text):
        if match.group(1):
            high, low = int(match.group(1), 16), int(match.group(2), 16)
            character = chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
        elif match.group(3):
            character = chr(int(match.group(3), 16))
        else:
            continue
        if "\ud800" <= character <= "\udfff":
            return [lone_surrogate(text, file, match.start())]
        for code, _ in suspects_in(character):
            if code != "W106":
                return [describe(code, file, place_at(text, match.start()), character)]
    return []


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Refused("E115", "", "a key is given twice: only one would count", "delete one")
    return value


def _constant(token: str) -> Any:
    raise _Refused("E123", token, f"{token} is not finite: JSON has no such number", "write null")


def _number(token: str, *, is_integer: bool) -> int | float:
    value = number_value(token, is_integer=is_integer)
    if isinstance(value, Refusal):
        raise _Refused(value.code, token, value.message, value.hint)
    return value


def _refusal(refused: _Refused, text: str, file: str) -> Finding:
    if refused.code == "E115":
        _, findings = read_yaml(text, file)
        for finding in findings:
            if finding.code == "E115":
                return finding
    place = place_at(text, max(text.find(refused.token), 0))
    return Finding(refused.code, file, place, refused.message, refused.hint)
