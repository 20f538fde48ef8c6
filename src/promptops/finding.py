"""A finding: what a check noticed, and where."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Place:
    """A span of a source text: line and column count from 1, in characters; width ≥ 1."""

    line: int = 1
    column: int = 1
    width: int = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check noticed in one file.

    `code` is E… for errors and W… for warnings; `file` is a path relative to the root of what
    was read; the message says what is so, the hint what to do; `source` is the line of the file.
    `ruled` is the severity that the project gives the code in place of its own, for a `reason`.
    """

    code: str
    file: str
    place: Place
    message: str
    hint: str = ""
    source: str = field(default="", compare=False)
    ruled: Severity | None = None
    reason: str = ""

    @property
    def severity(self) -> Severity:
        return self.ruled or ("warning" if self.code.startswith("W") else "error")

    def as_json(self) -> dict[str, str | int]:
        """The fixed shape that scripts rely on; `reason` is there only when there is one."""
        reason = {"reason": self.reason} if self.reason else {}
        return {
            "code": self.code,
            "severity": self.severity,
            "file": self.file,
            "line": self.place.line,
            "column": self.place.column,
            "message": self.message,
            "hint": self.hint,
            **reason,
        }


def errors_in(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity == "error"]


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then by place."""
    return sorted(
        findings,
        key=lambda finding: (
            finding.severity != "error",
            finding.file,
            finding.place.line,
            finding.place.column,
        ),
    )
