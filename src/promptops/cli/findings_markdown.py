"""Findings as a Markdown table, as a comment or a job's summary shows it."""

import sys
from collections.abc import Iterable

from promptops.cli.markdown import code, fitting
from promptops.finding import Finding

NO_LIMIT = sys.maxsize


def as_markdown(findings: Iterable[Finding], counted: str, room: int = NO_LIMIT) -> str:
    """A table in which no text of a manifest is markup, and a line that counts the findings.

    Rows that do not fit into `room` characters are counted.
    """
    rows = fitting(findings, _row, room, lambda left: f"| | … and {left:,} more | | |")
    head = ["| | Where | What | Help |", "|---|---|---|---|"]
    return "\n".join([*head, *rows, "", counted] if rows else [counted])


def _row(finding: Finding) -> str:
    where = f"{finding.file}:{finding.place.line}:{finding.place.column}"
    way_out = f"{finding.hint} (reason: {finding.reason})" if finding.reason else finding.hint
    texts = (where, finding.message, way_out)
    cells = [f"{finding.severity} {finding.code}", *(code(text) if text else "" for text in texts)]
    return f"| {' | '.join(cells)} |"
