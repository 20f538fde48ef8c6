"""Characters that must not be in a YAML value, written as they are or as an escape."""

import re
from collections.abc import Iterator

from promptops.finding import Finding
from promptops.source.syntax import lone_surrogate
from promptops.source.text import describe, place_at, suspects_in

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_NAMED = {"0": "\0", "a": "\a", "b": "\b", "v": "\v", "f": "\f", "e": "\x1b"}
_NAMED |= {"N": "\x85", "L": "\u2028", "P": "\u2029"}


def suspects_of(
    value: str, text: str, file: str, start: int, end: int, *, is_prose: bool
) -> Iterator[Finding]:
    """One finding for each kind of character that must not be in a value spelled at start:end.

    What `read_text` has found already, because it stands in the file as it is, is left out.
    """
    seen = set()
    for kind, offset in suspects_in(value):
        character = value[offset]
        code = "E106" if kind == "W106" and not is_prose else kind
        at = text.find(character, start, end)
        if code in seen or (at >= 0 and kind != "W106"):
            continue
        seen.add(code)
        if at < 0:
            at = _escaped(character, text, start, end)
        if "\ud800" <= character <= "\udfff":
            yield lone_surrogate(text, file, at)
        else:
            yield describe(code, file, place_at(text, at), character)


def _escaped(character: str, text: str, start: int, end: int) -> int:
    """Where the escape stands that wrote a character; the start when there is none."""
    for match in _ESCAPE.finditer(text, start, end):
        digits = match.group(1) or match.group(2) or match.group(3)
        written = chr(int(digits, 16)) if digits else _NAMED.get(match.group(4), "")
        if written == character:
            return match.start()
    return start
