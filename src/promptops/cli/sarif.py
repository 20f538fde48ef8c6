"""Findings as SARIF 2.1.0, which code scanning reads."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from promptops.cli.output import printable
from promptops.finding import Finding
from promptops.version import VERSION


def as_sarif(findings: Sequence[Finding]) -> dict[str, Any]:
    """A log with one run: a rule for each code that was found, a result for each finding."""
    codes = sorted({finding.code for finding in findings})
    driver = {
        "name": "promptops",
        "version": VERSION,
        "rules": [
            {
                "id": code,
                "help": {"text": f"promptops explain {code}"},
                "defaultConfiguration": {"level": "warning" if code[0] == "W" else "error"},
            }
            for code in codes
        ],
    }
    results = [_result(finding, codes.index(finding.code)) for finding in findings]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    place = finding.place
    text = f"{finding.message}\n{finding.hint}" if finding.hint else finding.message
    text += f"\nreason: {finding.reason}" if finding.reason else ""
    location = {
        "artifactLocation": {"uri": quote(finding.file, errors="surrogateescape")},
        "region": {
            "startLine": place.line,
            "startColumn": place.column,
            "endColumn": place.column + place.width,
        },
    }
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity,
        # `[text](target)` in a message is a link.
        "message": {"text": printable(text).replace("](", "] (")},
        "locations": [{"physicalLocation": location}],
    }
