"""What an unquoted YAML scalar means: YAML 1.2 core, narrowed to what everybody expects.

`true` and `false`, `null` and `~`, and the numbers that JSON knows. Everything else is the text
that was written: `no`, `on`, `12:30`, `2026-11-01`, `0x1F`, `1_000`.
"""

import math
import re
from dataclasses import dataclass

MAX_DIGITS = 100
MAX_NUMBER = 2**53 - 1

_CONSTANTS = {"true": True, "false": False, "null": None, "~": None, "": None}
_NUMBER_STARTS = frozenset("-+.0123456789")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"-?0[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

# What YAML 1.1 readers take for something else than text when it stands as a key.
_BENT_KEYS = frozenset({"", "~", "null", "true", "false", "yes", "no", "on", "off"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a scalar has no value."""

    code: str
    message: str
    hint: str


def plain_value(text: str) -> bool | int | float | str | Refusal | None:
    """The value of an unquoted scalar, or why it has none (E122, E123, E203, E206)."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    number = _NUMBER.fullmatch(text)
    if number is not None:
        return number_value(text, is_integer=number.group(1) is None and number.group(2) is None)
    if _LEADING_ZERO.fullmatch(text):
        return Refusal(
            "E203",
            f"{_cut(text)} begins with a zero: some readers take it for octal, some for text",
            f"write {text.lstrip('-0') or '0'} for the number or '{_cut(text)}' for the text",
        )
    if _NOT_FINITE.fullmatch(text):
        return Refusal(
            "E123", f"{text} is not finite: JSON has no such number", "write a number, or quote it"
        )
    return text


def number_value(text: str, *, is_integer: bool) -> int | float | Refusal:
    """The value of a number in JSON's spelling, or why it has none (E122, E123, E206)."""
    if len(text) > MAX_DIGITS:
        return Refusal(
            "E122",
            f"a number of {len(text):,} characters; the limit is {MAX_DIGITS}",
            "write it shorter, or quote it if it is text",
        )
    value = int(text) if is_integer else float(text)
    if math.isinf(value):
        return Refusal(
            "E123",
            f"{text} is not finite: it is larger than any number that JSON readers can hold",
            "write a smaller number",
        )
    if abs(value) > MAX_NUMBER:
        return Refusal(
            "E206",
            f"{_cut(text)} is beyond ±2^53: readers that use floating point would change it",
            "write a smaller number, or quote it if it is an id",
        )
    return value or 0  # both zeros are one number


def is_plain_key(text: str) -> bool:
    """Whether every YAML reader takes an unquoted key for this text."""
    if text.lower() in _BENT_KEYS:
        return False
    if text[0] not in _NUMBER_STARTS:
        return True
    return not (
        _NUMBER.fullmatch(text) or _LEADING_ZERO.fullmatch(text) or _NOT_FINITE.fullmatch(text)
    )


def _cut(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
