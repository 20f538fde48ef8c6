"""Findings as people read them: the place, the line, a caret under the span, the way out."""

import unicodedata
from collections.abc import Collection, Iterable

import click

from promptops.cli.output import count, in_line, say
from promptops.finding import Finding, errors_in

WIDTH = 160
_COLOURS = {"error": "red", "warning": "yellow"}


def say_findings(findings: Iterable[Finding]) -> None:
    """Print findings on stderr."""
    for finding in findings:
        say(as_text(finding) + "\n")


def counted(manifests: int, findings: Collection[Finding]) -> str:
    """The last line of a report."""
    errors = len(errors_in(findings))
    warnings = len(findings) - errors
    return (
        f"checked {count(manifests, 'manifest')}: {count(errors, 'error')}, "
        f"{count(warnings, 'warning')}"
    )


def as_text(finding: Finding) -> str:
    """`file:line:column: error[E210]: message`, the line with a caret, `= help: …`.

    Where the project gives the code another severity, `= reason: …` says why.
    """
    place = finding.place
    word = click.style(
        f"{finding.severity}[{finding.code}]", fg=_COLOURS[finding.severity], bold=True
    )
    # A line of ours that begins with `::` would be a command to the runner of GitHub's workflows.
    file = "./" * finding.file.startswith("::") + in_line(finding.file)
    lines = [f"{file}:{place.line}:{place.column}: {word}: {in_line(finding.message)}"]
    margin = " " * len(str(place.line))
    if finding.source:
        source, column = _window(finding.source, place.column)
        before = source[: column - 1]
        marked = source[column - 1 : column - 1 + place.width]
        carets = "^" * max(1, sum(map(_cells, marked)))
        # A tab stays a tab, so that the caret stands where the terminal puts the character.
        indent = "".join("\t" if mark == "\t" else " " * _cells(mark) for mark in before)
        lines += [
            f"{margin} |",
            f"{place.line} | {in_line(source)}",
            f"{margin} | {indent}{click.style(carets, fg=_COLOURS[finding.severity])}",
        ]
    if finding.hint:
        lines.append(f"{margin} = help: {in_line(finding.hint)}")
    if finding.reason:
        lines.append(f"{margin} = reason: {in_line(finding.reason)}")
    return "\n".join(lines)


def _window(line: str, column: int) -> tuple[str, int]:
    """A line short enough to be read, and where the column is in it."""
    if len(line) <= WIDTH:
        return line, column
    start = max(0, min(column - 1 - WIDTH // 2, len(line) - WIDTH))
    end = start + WIDTH
    left, right = "…" if start else "", "…" if end < len(line) else ""
    return left + line[start:end] + right, column - start + len(left)


def _cells(mark: str) -> int:
    """How many columns of a terminal a character takes."""
    if unicodedata.category(mark) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(mark) in {"W", "F"} else 1
