"""What `promptops gate --out` writes, for tests that need no gate."""

from typing import Any


def finding(
    message: str = "'ticket' is used and not declared",
    severity: str = "error",
    source: str = "Answer {{ ticket }}",
    file: str = "manifests/hello/system.md",
    **facts: Any,
) -> dict[str, Any]:
    letter = "E" if severity == "error" else "W"
    return {
        "code": f"{letter}302",
        "severity": severity,
        "file": file,
        "line": 3,
        "column": 8,
        "message": message,
        "hint": "declare it under inputs",
        "source": source,
    } | facts


def environment(name: str, markdown: str = "hello: the prompt changes") -> dict[str, Any]:
    return {
        "environment": name,
        "verdict": "pass",
        "markdown": f"<!-- promptops plan={name} digest=0123 -->\n## {name}\n\n{markdown}\n",
        "plan": None,
        "drift": [],
        "held": [],
        "offline": True,
    }


def gate(
    *findings: dict[str, Any],
    environments: tuple[dict[str, Any], ...] = (environment("production"),),
    markdown: str = "# promptops\n\nOne unit changes.\n",
) -> dict[str, Any]:
    failed = any(each["severity"] == "error" for each in findings)
    return {
        "verdict": "fail" if failed else "pass",
        "base": "b" * 40,
        "commit": "c" * 40,
        "findings": list(findings),
        "environments": list(environments),
        "markdown": markdown,
    }
