"""Findings as GitHub's workflow commands, which become annotations of a pull request.

What stands in a manifest may be written by a stranger: no text of it can begin a command of its
own. A command ends at its line, and the runner also obeys `##[…]` anywhere in a line.
"""

from collections.abc import Iterable

from promptops.cli.output import printable
from promptops.finding import Finding


def as_github(findings: Iterable[Finding]) -> str:
    """One `::error …::message` or `::warning …::message` a line."""
    return "\n".join(map(_command, findings))


def _command(finding: Finding) -> str:
    place = finding.place
    properties = {
        "file": finding.file,
        "line": str(place.line),
        "col": str(place.column),
        "endColumn": str(place.column + place.width),
        "title": finding.code,
    }
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = f"{finding.message}\nhelp: {finding.hint}" if finding.hint else finding.message
    text += f"\nreason: {finding.reason}" if finding.reason else ""
    return f"::{finding.severity} {written}::{_data(text)}"


def _data(text: str) -> str:
    text = printable(text).replace("##[", "## [")
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
