"""What `promptops gate --out` wrote, as far as GitHub is told of it."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from promptops.errors import UsageError
from promptops.finding import Finding, Place

_ENVIRONMENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Judged:
    """One environment; `markdown` is the whole comment about it."""

    environment: str
    markdown: str


@dataclass(frozen=True, slots=True)
class Gate:
    """The verdict over all environments; `markdown` sums them up."""

    verdict: Literal["pass", "fail"]
    findings: tuple[Finding, ...]
    environments: tuple[Judged, ...]
    markdown: str

    def with_severity(self, severity: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == severity]


def read_gate(path: Path) -> Gate:
    """Raises UsageError for a file that is missing or that the gate did not write."""
    try:
        facts = json.loads(path.read_bytes())
        return Gate(
            _one_of(facts["verdict"], ("pass", "fail")),
            tuple(_finding(finding) for finding in facts["findings"]),
            tuple(_judged(item) for item in facts["environments"]),
            _text(facts["markdown"]),
        )
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}",
            "promptops gate --out writes it; where the gate ended early, its own message says why",
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(
            f"{path} is not what promptops gate --out writes", "run the gate again"
        ) from error


def _finding(facts: Any) -> Finding:
    return Finding(
        _text(facts["code"]),
        _text(facts["file"]),
        Place(max(1, int(facts["line"])), max(1, int(facts["column"]))),
        _text(facts["message"]),
        _text(facts["hint"]),
        ruled=_one_of(facts["severity"], ("error", "warning")),
        reason=_text(facts.get("reason", "")),
    )


def _judged(facts: Any) -> Judged:
    environment = _text(facts["environment"])
    if not _ENVIRONMENT.fullmatch(environment):
        raise ValueError(environment)
    return Judged(environment, _text(facts["markdown"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    # JSON can hold half a surrogate pair, which no file and no request can.
    return value.encode("utf-8", "replace").decode()


def _one_of(value: Any, allowed: tuple[str, ...]) -> Any:
    if value not in allowed:
        raise ValueError(value)
    return value
