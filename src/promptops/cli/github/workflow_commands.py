"""The lines that GitHub's runner obeys, built so that no text of a prompt can become one.

The runner reads a command from a line that begins with `::`, and an older form from `##[` anywhere
in a line (actions/runner, ActionCommand.cs). So a text is kept in one line behind our own `::…::`,
where the runner looks no further, with everything that could end the line or the command escaped.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from promptops.cli.github.gate import Gate
from promptops.cli.output import printable
from promptops.finding import Finding

AT_MOST = 10  # of each kind a step; GitHub drops the others without a word
_LONGEST = 4000  # characters of one message, so that it leaves room for the others
_LONGEST_TITLE = 200


def as_github(findings: Iterable[Finding]) -> str:
    """One command for each finding, for whoever runs the check in a workflow of their own."""
    return "\n".join(map(_annotation, findings))


def annotations(gate: Gate) -> Iterator[str]:
    """One command for each finding that GitHub shows, and a notice of how many more there are."""
    left = []
    for severity, word in (("error", "errors"), ("warning", "warnings")):
        found = gate.with_severity(severity)
        yield from (_annotation(finding) for finding in found[:AT_MOST])
        if len(found) > AT_MOST:
            left.append(f"{len(found) - AT_MOST} more {word}")
    if left:
        yield command("notice", f"{' and '.join(left)}: see the summary", title="promptops")


def command(name: Literal["error", "warning", "notice"], message: str, **properties: str) -> str:
    """`::name key=value,…::message`."""
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
    return f"::{name} {listed}::{_line(message[:_LONGEST])}"


def _annotation(finding: Finding) -> str:
    place = finding.place
    help_ = f"\nhelp: {finding.hint}" if finding.hint else ""
    reason = f"\nreason: {finding.reason}" if finding.reason else ""
    return command(
        finding.severity,
        f"{finding.message}{help_}{reason}",
        file=finding.file,
        line=str(place.line),
        col=str(place.column),
        endColumn=str(place.column + place.width) if place.width > 1 else "",
        title=f"promptops {finding.code}"[:_LONGEST_TITLE],
    )


def _property(text: str) -> str:
    return _line(text).replace(":", "%3A").replace(",", "%2C")


def _line(text: str) -> str:
    """All lines in one. Every kind of line end counts, and no other control character is left."""
    text = text.replace("##[", "## [").replace("%", "%25")
    return "%0A".join(map(printable, text.splitlines()))
