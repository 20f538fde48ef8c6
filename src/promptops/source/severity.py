"""How serious a finding is: its code says so, and `rules` of promptops.yaml may say otherwise.

Nothing can be switched off, and nothing is said line by line: a rule is about a code, for all of
the project, and whoever lowers one gives a reason that is printed with every finding.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

from promptops.closest import closest
from promptops.finding import Finding, Severity
from promptops.source.document import Document

# The errors that leave what is built just as its files say. All others stay errors: each of them
# stands for a release that could not be built, or that would not be what its author wrote.
LOWERABLE = (
    "E103",  # the mark at the beginning of a file is left out when it is read
    "E215",  # what moves is sent as it is named; what it means tomorrow is the team's to know
    "E226",  # a provider may serve a model longer than it has said
    "E501",  # a secret changes nothing in what is built, and it may be one that opens nothing
    "E600",  # a policy is the team's own
)
_WHY_NOT = {
    "E1": "such a file cannot be read as its author sees it",
    "E2": "what is built would not be what the manifest means",
    "E3": "such a prompt fails, or says something else, when the app fills it",
    "E4": "the release would lack a file, or the commit that it comes from",
    "C": "it is a state of the client, and no finding",
}

_PAGE = re.compile(r"[A-Z][0-9]{3}\.md")


@dataclass(frozen=True, slots=True)
class Rule:
    """The severity of a code in a project, and why it is not the code's own."""

    code: str
    severity: Severity
    reason: str = ""


def ruled(findings: Iterable[Finding], rules: tuple[Rule, ...]) -> list[Finding]:
    """The findings with the severities of a project."""
    by_code = {rule.code: rule for rule in rules}
    return [
        replace(finding, ruled=rule.severity, reason=rule.reason)
        if (rule := by_code.get(finding.code))
        else finding
        for finding in findings
    ]


def is_in_the_way(finding: Finding) -> bool:
    """Whether nothing can be built right before this is mended."""
    return finding.code.startswith("E") and finding.code not in LOWERABLE


def is_error(code: str, rules: tuple[Rule, ...]) -> bool:
    """Whether a finding with this code would be an error."""
    own = not code.startswith("W")
    return next((rule.severity == "error" for rule in rules if rule.code == code), own)


def read_rules(document: Document) -> tuple[tuple[Rule, ...], list[Finding]]:
    """The rules of a project file that has passed its schema, and what is wrong with others."""
    rules: list[Rule] = []
    findings: list[Finding] = []
    for code, written in document.value.get("rules", {}).items():
        problems = list(_problems(document, code, written))
        findings += problems
        if not problems:
            rules.append(Rule(code, written["severity"], written.get("reason", "").strip()))
    return tuple(rules), findings


def _problems(document: Document, code: str, rule: Mapping[str, Any]) -> Iterator[Finding]:
    file, path = document.file, ("rules", code)
    if code not in known_codes():
        close = nearest_code(code)
        hint = f"did you mean {close}?" if close else "promptops explain lists all codes"
        message = f"unknown key '{code}': no finding has this code"
        yield Finding("E210", file, document.key_place(path), message, hint)
        return
    lowered = not code.startswith("W") and rule["severity"] == "warning"
    if code not in LOWERABLE and (lowered or code.startswith("C")):
        why = next(why for prefix, why in _WHY_NOT.items() if code.startswith(prefix))
        what = "has no severity" if code.startswith("C") else "cannot be lowered to a warning"
        message = f"{code} {what}: {why}"
        hint = f"delete the rule; what can be lowered is {', '.join(LOWERABLE)}"
        yield Finding("E212", file, document.place((*path, "severity")), message, hint)
    elif lowered and not rule.get("reason", "").strip():
        message = f"'reason' is missing in rules.{code}: who reads the finding must know why"
        hint = f'add reason: "why {code} may pass in this project"'
        yield Finding("E211", file, document.place(path), message, hint)


@lru_cache(maxsize=1)
def known_codes() -> tuple[str, ...]:
    """Every code of a finding or a client; all have pages, and so have the words of refusals."""
    pages = files("promptops").joinpath("explain").iterdir()
    return tuple(sorted(page.name[:4] for page in pages if _PAGE.fullmatch(page.name)))


def nearest_code(code: str) -> str | None:
    """The code that was meant; the same number under another letter is nearest."""
    digits = "".join(mark for mark in code if mark.isdecimal())
    twins = [known for known in known_codes() if known[1:] == digits]
    return twins[0] if twins else closest(code.upper(), known_codes())
