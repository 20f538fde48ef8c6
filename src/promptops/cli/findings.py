"""Findings as people read them: the place, the line, a caret under the span, the way out."""

import unicodedata
from collections.abc import Iterable

import click

from promptops.cli.output import printable, say
from promptops.finding import Finding

_COLOURS = {"error": "red", "warning": "yellow"}


def say_findings(findings: Iterable[Finding]) -> None:
    """Print findings on stderr."""
    for finding in findings:
        say(as_text(finding) + "\n")


def as_text(finding: Finding) -> str:
    """`file:line:column: error[E210]: message`, the line with a caret, `= help: …`."""
    place = finding.place
    word = click.style(
        f"{finding.severity}[{finding.code}]", fg=_COLOURS[finding.severity], bold=True
    )
    file = printable(finding.file).replace("\n", "\N{REPLACEMENT CHARACTER}")
    lines = [f"{file}:{place.line}:{place.column}: {word}: {printable(finding.message)}"]
    margin = " " * len(str(place.line))
    if finding.source:
        before = finding.source[: place.column - 1]
        marked = finding.source[place.column - 1 : place.column - 1 + place.width]
        carets = "^" * max(1, sum(map(_cells, marked)))
        # A tab stays a tab, so that the caret stands where the terminal puts the character.
        indent = "".join("\t" if mark == "\t" else " " * _cells(mark) for mark in before)
        lines += [
            f"{margin} |",
            f"{place.line} | {printable(finding.source)}",
            f"{margin} | {indent}{click.style(carets, fg=_COLOURS[finding.severity])}",
        ]
    if finding.hint:
        lines.append(f"{margin} = help: {printable(finding.hint)}")
    return "\n".join(lines)


def _cells(mark: str) -> int:
    """How many columns of a terminal a character takes."""
    if unicodedata.category(mark) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(mark) in {"W", "F"} else 1
