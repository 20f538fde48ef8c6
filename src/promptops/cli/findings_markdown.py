"""Findings as a Markdown table, as a comment or a job's summary shows it."""

from collections.abc import Iterable

from promptops.cli.markdown import code
from promptops.finding import Finding


def as_markdown(findings: Iterable[Finding], counted: str) -> str:
    """A table in which no text of a manifest is markup, and a line that counts the findings."""
    rows = [_row(finding) for finding in findings]
    head = ["| | Where | What | Help |", "|---|---|---|---|"]
    return "\n".join([*head, *rows, "", counted] if rows else [counted])


def _row(finding: Finding) -> str:
    where = f"{finding.file}:{finding.place.line}:{finding.place.column}"
    way_out = f"{finding.hint} (reason: {finding.reason})" if finding.reason else finding.hint
    texts = (where, finding.message, way_out)
    cells = [f"{finding.severity} {finding.code}", *(code(text) if text else "" for text in texts)]
    return f"| {' | '.join(cells)} |"
