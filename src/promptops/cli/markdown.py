"""Findings as a Markdown table, as a comment or a job's summary shows it.

What a manifest says is written as character references inside of <code>: no markup, no link, no
mention and no end of the table can come out of it.
"""

import re
from collections.abc import Iterable

from promptops.cli.output import printable
from promptops.finding import Finding

_MARKUP = re.compile(r"[^\w .,;/-]|_|(?i:www\.)")


def as_markdown(findings: Iterable[Finding], counted: str) -> str:
    """A table of findings, and a line that counts them."""
    rows = [_row(finding) for finding in findings]
    head = ["| | Where | What | Help |", "|---|---|---|---|"]
    return "\n".join([*head, *rows, "", counted] if rows else [counted])


def _row(finding: Finding) -> str:
    where = f"{finding.file}:{finding.place.line}:{finding.place.column}"
    cells = [
        f"{finding.severity} {finding.code}",
        *(_inert(text) for text in (where, finding.message, finding.hint)),
    ]
    return f"| {' | '.join(cells)} |"


def _inert(text: str) -> str:
    line = " ".join(printable(text).split())
    if not line:
        return ""
    inert = _MARKUP.sub(lambda mark: "".join(f"&#{ord(each)};" for each in mark[0]), line)
    return f"<code>{inert}</code>"
