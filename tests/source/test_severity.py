"""Severities of a project: what can be lowered still builds, and nothing else can be lowered."""

import json
from pathlib import Path

import pytest

from promptops.finding import errors_in
from promptops.source.document import Document
from promptops.source.files import WorkTree
from promptops.source.resolve import resolve
from promptops.source.severity import LOWERABLE, Rule, is_error, known_codes, read_rules
from promptops.source.strict_yaml import read_yaml
from promptops.source.unit import read_unit

BAD = Path(__file__).parent.parent / "bad"
LOWERED = tuple(Rule(code, "warning", "on purpose") for code in LOWERABLE)
ERRORS = [code for code in known_codes() if code.startswith("E")]


def only_lowerable() -> list[str]:
    """The cases of bad input whose errors are all among those that can be lowered."""
    cases = {
        path.parent.name: {
            finding[0] for finding in json.loads(path.read_text("utf-8"))["findings"]
        }
        for path in BAD.glob("*/expected.json")
        if not (path.parent / "promptops.yaml").exists()
    }
    return sorted(
        case
        for case, codes in cases.items()
        if codes & {*LOWERABLE} and not {code for code in codes if code[0] == "E"} - {*LOWERABLE}
    )


def project_file(rules: str) -> Document:
    document, _ = read_yaml(f"apiVersion: promptops/v1\nrules: {rules}\n", "promptops.yaml")
    assert document is not None
    return document


@pytest.mark.parametrize("case", only_lowerable())
def test_what_can_be_lowered_does_not_keep_a_release_from_being_built(case: str) -> None:
    tree = WorkTree(BAD / case)
    assert not read_unit(tree, "greeting").ok
    unit = read_unit(tree, "greeting", LOWERED)
    assert unit.ok
    assert resolve(unit, "production")
    assert {finding.reason for finding in unit.findings} == {"on purpose"}


def test_such_cases_are_there() -> None:
    """E600 is what promptops.yaml brings along itself, and E226 is asked with the day."""
    assert {case[:4] for case in only_lowerable()} == {*LOWERABLE} - {"E226", "E600"}


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_is_lowered_with_a_reason_or_refused_with_one(code: str) -> None:
    rules, findings = read_rules(
        project_file(f"{{{code}: {{severity: warning, reason: Why not.}}}}")
    )
    if code in LOWERABLE:
        assert (rules, findings) == ((Rule(code, "warning", "Why not."),), [])
    else:
        assert (rules, [finding.code for finding in findings]) == ((), ["E212"])
        assert f"{code} cannot be lowered to a warning: " in findings[0].message


@pytest.mark.parametrize("code", [code for code in known_codes() if code.startswith("W")])
def test_a_warning_is_raised_without_a_reason(code: str) -> None:
    rules, findings = read_rules(project_file(f"{{{code}: {{severity: error}}}}"))
    assert (rules, findings) == ((Rule(code, "error"),), [])
    assert is_error(code, rules)
    assert not is_error(code, ())


@pytest.mark.parametrize("code", ["E302", "W303"])
def test_a_rule_may_say_what_is_so_anyway(code: str) -> None:
    own = "warning" if code.startswith("W") else "error"
    rules, findings = read_rules(project_file(f"{{{code}: {{severity: {own}}}}}"))
    assert (len(rules), findings) == (1, [])


@pytest.mark.parametrize("severity", ["error", "warning"])
def test_a_state_of_the_client_has_no_severity(severity: str) -> None:
    _, findings = read_rules(project_file(f"{{C601: {{severity: {severity}, reason: x}}}}"))
    assert [finding.message for finding in findings] == [
        "C601 has no severity: it is a state of the client, and no finding"
    ]


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("E2151", "did you mean E215?"),
        ("e215", "did you mean E215?"),
        ("W215", "did you mean E215?"),
        ("E999", "promptops explain lists all codes"),
    ],
)
def test_an_unknown_code_gets_the_nearest(code: str, hint: str) -> None:
    rules, findings = read_rules(project_file(f"{{{code}: {{severity: error}}}}"))
    assert (rules, [finding.code for finding in findings]) == ((), ["E210"])
    assert findings[0].hint == hint


def test_a_rule_that_is_wrong_does_not_apply_and_the_others_do() -> None:
    rules, findings = read_rules(
        project_file("{E302: {severity: warning, reason: x}, W303: {severity: error}}")
    )
    assert (rules, len(errors_in(findings))) == ((Rule("W303", "error"),), 1)
