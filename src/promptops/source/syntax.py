"""What a YAML syntax error means, said in the words of who wrote the file.

The parser's own words stay in the message, so that they can be searched for; the caret goes to
where the mistake was made, which is often before the place where the parser noticed it.
"""

import re
from dataclasses import dataclass

import yaml

from promptops.finding import Finding
from promptops.source.text import place_at

QUOTE_TEMPLATES = "quote templates: YAML reads {{ as a mapping"

_TEMPLATE_VALUE = re.compile(r"(?:^|[:\-,\[{])[ \t]*(\{\{)", re.MULTILINE)
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_HEX = re.compile("[0-9a-fA-F]{1,8}")
_INDENT_TAB = re.compile(r"[ ]*\t")


@dataclass(frozen=True, slots=True)
class _Error:
    """What the parser said: noticed `at` an offset, in something that `began` at another."""

    text: str
    file: str
    problem: str
    at: int
    began: int

    def finding(self, at: int, problem: str, hint: str) -> Finding:
        message = f"not valid YAML: {problem}"
        return Finding("E110", self.file, place_at(self.text, at), message, hint)

    def line(self) -> tuple[int, int]:
        """Where the line begins and ends in which the error was noticed."""
        end = self.text.find("\n", self.at)
        return self.text.rfind("\n", 0, self.at) + 1, end if end >= 0 else len(self.text)

    def character(self, at: int) -> str:
        return self.text[at : at + 1]


def explain(text: str, file: str, raised: Exception) -> Finding:
    """The finding for what the parser raised: E107, E110, E111 or E113."""
    if not isinstance(raised, yaml.MarkedYAMLError) or raised.problem_mark is None:
        # Only the pure-Python parser gets here, with a number that is no character.
        at = max(text.find("\\U"), 0)
        message = "not valid YAML: an escape in double quotes that is no Unicode character"
        return Finding("E110", file, place_at(text, at), message, "write the character itself")
    at = min(raised.problem_mark.index, len(text))
    began = at if raised.context_mark is None else raised.context_mark.index
    problem = f"{raised.context or ''} {raised.problem or ''}".strip()
    error = _Error(text, file, problem, at, began)
    for reader in (_directive, _escape, _template, _tab, _quote, _bracket, _structure):
        finding = reader(error)
        if finding is not None:
            return finding
    return error.finding(at, problem, "look at quotes, brackets and indentation here")


def _directive(error: _Error) -> Finding | None:
    directive = _DIRECTIVE.search(error.text)
    if directive is None or not ("directive" in error.problem or "document start" in error.problem):
        return None
    return directive_at(error.text, error.file, directive.start())


def directive_at(text: str, file: str, at: int) -> Finding:
    return Finding(
        "E113",
        file,
        place_at(text, at),
        "a YAML directive: it changes how the rest of the file is read",
        "delete the line that begins with %",
    )


def _escape(error: _Error) -> Finding | None:
    if "Unicode character escape" in error.problem:
        digits = _HEX.match(error.text, error.at)
        code = int(digits.group(), 16) if digits is not None else 0
        if 0xD800 <= code <= 0xDFFF:
            return lone_surrogate(error.text, error.file, error.at - 2)
        message = "an escape that is no Unicode character"
        return error.finding(error.at - 2, message, "write the character itself")
    if "unknown escape" in error.problem:
        at = error.text.rfind("\\", error.began, error.at + 1)
        hint = r"in double quotes \ begins an escape: write \\, or use single quotes"
        return error.finding(max(at, error.began), "found unknown escape character", hint)
    return None


def lone_surrogate(text: str, file: str, at: int) -> Finding:
    return Finding(
        "E107",
        file,
        place_at(text, at),
        "half of a surrogate pair, which is no character and cannot be stored as UTF-8",
        "write the character itself, or \\U and its eight hex digits",
    )


def _template(error: _Error) -> Finding | None:
    line, end = error.line()
    match = _TEMPLATE_VALUE.search(error.text, line, end)
    if match is None or match.start(1) > error.at:
        return None
    return template_value(error.text, error.file, match.start(1))


def template_value(text: str, file: str, at: int) -> Finding:
    return Finding(
        "E111",
        file,
        place_at(text, at, 2),
        "a value that begins with {{ is no text for YAML",
        QUOTE_TEMPLATES,
    )


def _tab(error: _Error) -> Finding | None:
    line, _ = error.line()
    indent = _INDENT_TAB.match(error.text, line)
    if indent is None or indent.end() > error.at + 1:
        return None
    number = error.text.count("\n", 0, line) + 1
    message = f"line {number} is indented with a tab, which YAML does not allow"
    return error.finding(indent.end() - 1, message, "indent with spaces")


def _quote(error: _Error) -> Finding | None:
    here, opening = error.character(error.at), error.character(error.began)
    if "cannot start any token" in error.problem:
        hint = f"quote the value: unquoted, it cannot begin with {here}"
        return error.finding(error.at, f"a value begins with {here}", hint)
    if "scalar" in error.problem and "end of stream" in error.problem:
        message = "a quote is opened here and never closed"
        return error.finding(error.began, message, f"close it with {opening}")
    before = error.text[: error.at].rstrip(" \t")
    if here and before.endswith(("'", '"')) and "expected" in error.problem:
        hint = "put the whole value into one pair of quotes"
        return error.finding(error.at, "text goes on behind the closing quote", hint)
    return None


def _bracket(error: _Error) -> Finding | None:
    opening = error.character(error.began)
    if "flow" not in error.problem or opening not in ("[", "{"):
        return None
    closing = "]" if opening == "[" else "}"
    later = "\n" in error.text[error.began : error.at]
    if not error.text[error.at :].strip() or (later and error.character(error.at) == ":"):
        message = f"'{opening}' is opened here and never closed"
        return error.finding(error.began, message, f"close it with '{closing}'")
    number = error.text.count("\n", 0, error.began) + 1
    message = f"expected ',' or '{closing}' for the '{opening}' of line {number}"
    hint = "part items by commas, and quote text that holds , : [ ] { or }"
    return error.finding(error.at, message, hint)


def _structure(error: _Error) -> Finding | None:
    if "mapping values are not allowed" in error.problem:
        hint = "if the colon is part of the text, quote it or use |; else look at the indentation"
        return error.finding(error.at, "mapping values are not allowed here", hint)
    if "simple key" in error.problem:
        return error.finding(error.began, "could not find expected ':'", "write `key: value`")
    if "sequence entries are not allowed" in error.problem:
        hint = "begin the list on a line of its own; quote the value if it is text"
        return error.finding(error.at, "a list cannot begin here", hint)
    if "block mapping" in error.problem or "block collection" in error.problem:
        hint = "align it with its neighbours, or indent it as part of the text above"
        return error.finding(error.at, "this line fits nowhere: look at its indentation", hint)
    return None
