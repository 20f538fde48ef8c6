"""Policies over resolved manifests: what they see, what they say, and that they come to an end."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from promptops.finding import Finding
from promptops.source import judge as judging
from promptops.source.files import WorkTree
from promptops.source.json_schema import problems_of
from promptops.source.judge import judge
from promptops.source.policy import Policy, Standard
from promptops.source.resolve import resolved_manifest
from promptops.source.severity import Rule
from promptops.source.text import MOST_FINDINGS
from promptops.source.unit import Unit, read_unit

MANIFEST = """\
apiVersion: promptops/v1
name: greeting
description: Says hello.
owners: [team]
model: {provider: openai, id: gpt-4o-mini-2024-07-18, version: "2024-07-18"}
params:
  max_tokens: 300
prompt:
  id: greeting
  version: "1.0.0"
  messages:
    - {role: system, file: system.md}
    - {role: user, text: "Greet {{ who }}."}
inputs:
  who: {type: string}
output: {schema: answer.json}
tools:
  - {name: look_up, schema: {type: object}}
environments:
  staging: {params: {max_tokens: null, seed: 7}}
"""
EVERYWHERE = ("staging", "production")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a project's manifests lie."""
    (tmp_path / "greeting").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def unit_of(folder: Path, manifest: str = MANIFEST, system: str = "Be kind.\n") -> Unit:
    (folder / "greeting/manifest.yaml").write_text(manifest, "utf-8")
    (folder / "greeting/system.md").write_text(system, "utf-8")
    (folder / "greeting/answer.json").write_text('{"type": "object"}', "utf-8")
    return read_unit(WorkTree(folder), "greeting")


def policy(schema: Any) -> Policy:
    assert problems_of(schema, applied=True) == []
    return Policy("policy.json", json.dumps(schema))


def judged(
    folder: Path,
    schema: Any,
    unit: Unit | None = None,
    environments: tuple[str, ...] = EVERYWHERE,
    rules: tuple[Rule, ...] = (),
) -> list[Finding]:
    looks = tuple((environment, (policy(schema),)) for environment in environments)
    return judge(WorkTree(folder), unit or unit_of(folder), Standard(rules, looks))


def said(findings: list[Finding]) -> list[tuple[int, int, str]]:
    return [(each.place.line, each.place.column, each.message) for each in findings]


def test_a_policy_sees_the_manifest_with_everything_in_its_place(folder: Path) -> None:
    assert resolved_manifest(unit_of(folder), "staging") == {
        "apiVersion": "promptops/v1",
        "name": "greeting",
        "description": "Says hello.",
        "owners": ["team"],
        "model": {
            "provider": "openai",
            "id": "gpt-4o-mini-2024-07-18",
            "version": "2024-07-18",
        },
        "params": {"seed": 7},
        "prompt": {
            "id": "greeting",
            "version": "1.0.0",
            "messages": [
                {"role": "system", "text": "Be kind.\n"},
                {"role": "user", "text": "Greet {{ who }}."},
            ],
        },
        "inputs": {"who": {"type": "string"}},
        "output": {"schema": {"type": "object"}},
        "tools": [{"name": "look_up", "schema": {"type": "object"}}],
    }


def test_what_holds_everywhere_is_said_once(folder: Path) -> None:
    schema = {"title": "named", "properties": {"name": {"const": "hello"}}}
    assert said(judged(folder, schema)) == [
        (2, 7, "named: name is 'greeting'; allowed is hello"),
    ]


def test_what_holds_in_one_environment_says_so(folder: Path) -> None:
    schema = {"title": "limited", "properties": {"params": {"required": ["max_tokens"]}}}
    assert said(judged(folder, schema)) == [
        (20, 22, "in staging: limited: 'max_tokens' is missing in params"),
    ]
    assert judged(folder, schema, environments=("production",)) == []


def test_a_key_that_nobody_wrote_is_missing_in_the_mapping_and_not_in_its_overlay(
    folder: Path,
) -> None:
    schema = {"title": "steady", "properties": {"params": {"required": ["temperature"]}}}
    assert said(judged(folder, schema)) == [
        (7, 3, "steady: 'temperature' is missing in params"),
    ]


def test_the_nearest_schema_that_failed_speaks_also_through_a_reference(folder: Path) -> None:
    schema = {
        "title": "the team's rules",
        "allOf": [
            {
                "title": "short answers",
                "description": "Ask the platform team.",
                "properties": {"params": {"$ref": "#/$defs/params"}},
            }
        ],
        "$defs": {"params": {"properties": {"max_tokens": {"maximum": 100}}}},
    }
    (finding,) = judged(folder, schema)
    assert finding.message == (
        "in production: short answers: params.max_tokens is 300; the most is 100"
    )
    assert finding.hint == "write 100 or less; Ask the platform team (policy.json)"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"title": "a\n b", "description": "c"}, "a b: name is"),
        ({"description": "c"}, "c: name is"),
        ({"title": " "}, "policy.json does not allow this: name is"),
        ({"title": "x" * 400}, "x" * 299 + "…: name is"),
    ],
)
def test_whose_words_a_finding_has(folder: Path, words: dict[str, str], message: str) -> None:
    (finding,) = judged(folder, {**words, "properties": {"name": {"const": "hello"}}})
    assert finding.message.startswith(message)


@pytest.mark.parametrize(
    ("schema", "place", "message"),
    [
        ({"minProperties": 99}, (1, 1), "the manifest has 10 keys; the least is 99"),
        ({"required": ["retriever"]}, (1, 1), "'retriever' is missing"),
        ({"dependentRequired": {"name": ["samples"]}}, (1, 1), "'samples' is missing, and name"),
        ({"properties": {"tools": False}}, (17, 1), "tools is not allowed"),
        ({"properties": {"owners": {"minItems": 2}}}, (4, 9), "owners has 1 item; the least is 2"),
        ({"properties": {"owners": {"type": "string"}}}, (4, 9), "owners must be text, not a list"),
        (
            {"properties": {"owners": {"contains": {"title": "ops"}, "maxContains": 0}}},
            (4, 9),
            "owners has more than 0 items that fit ops",
        ),
        (
            {"properties": {"owners": {"contains": {"const": "a"}, "minContains": 2}}},
            (4, 9),
            "owners has fewer than 2 items that fit const 'a'",
        ),
        (
            {"properties": {"name": {"pattern": "^x"}}},
            (2, 7),
            "name is 'greeting', which does not match '^x'",
        ),
        (
            {"properties": {"inputs": {"propertyNames": {"maxLength": 2}}}},
            (15, 3),
            "'who' is not allowed as a key in inputs",
        ),
        (
            {"properties": {"model": {"unevaluatedProperties": False}}},
            (5, 8),
            "model has something that unevaluatedProperties does not allow",
        ),
        (
            {"if": {"properties": {"name": {"const": "greeting"}}}, "then": False},
            (2, 7),
            "name is 'greeting', which is not allowed",
        ),
        (
            {"oneOf": [True, {"required": ["name"]}]},
            (1, 1),
            "the manifest fits several alternatives, and only one is allowed",
        ),
        (
            {"anyOf": [{"title": "A", "required": ["a"]}, {"title": "B", "required": ["b"]}]},
            (1, 1),
            "the manifest fits none of 2 alternatives",
        ),
        (
            {"properties": {"output": {"properties": {"schema": {"const": {}}}}}},
            (16, 18),
            "output.schema is {'type': 'object'}; allowed is {}",
        ),
        (
            {"properties": {"tools": {"items": {"properties": {"schema": {"required": ["a"]}}}}}},
            (18, 29),
            "'a' is missing in tools[0].schema",
        ),
        (
            {
                "properties": {
                    "prompt": {"properties": {"messages": {"items": {"required": ["x"]}}}}
                }
            },
            (12, 7),
            "'x' is missing in prompt.messages[0]",
        ),
    ],
)
def test_every_kind_of_objection_has_its_place(
    folder: Path, schema: dict[str, Any], place: tuple[int, int], message: str
) -> None:
    first = judged(folder, {"title": "T", **schema}, environments=("production",))[0]
    assert (first.place.line, first.place.column) == place
    assert first.message.startswith(f"T: {message}")
    assert first.hint.endswith(" (policy.json)")


def test_alternatives_with_titles_are_the_way_out(folder: Path) -> None:
    schema = {"anyOf": [{"title": "A", "required": ["a"]}, {"description": "B", "required": ["b"]}]}
    assert judged(folder, schema)[0].hint == "A or B (policy.json)"


def test_a_text_is_read_where_the_manifest_names_its_file(folder: Path) -> None:
    texts: Any = {"properties": {"text": {"maxLength": 3}}}
    schema = {"properties": {"prompt": {"properties": {"messages": {"items": texts}}}}}
    found = judged(folder, {"title": "short", **schema})
    assert [place for *place, _ in said(found)] == [[12, 28], [13, 26]]
    assert found[0].source == "    - {role: system, file: system.md}"


def test_what_a_finding_quotes_of_a_secret_is_covered_and_told_once(folder: Path) -> None:
    secret = "hf" + "_" + "aB3dE5fG7h" * 4
    unit = unit_of(folder, system=f"{secret}\n")
    texts: Any = {"properties": {"text": {"const": "x"}}}
    schema = {"properties": {"prompt": {"properties": {"messages": {"items": texts}}}}}
    found = judged(folder, schema, unit)
    assert [finding.code for finding in found] == ["E600", "E600"]
    assert all(secret[:12] not in str(finding) for finding in found)
    assert "hf_a****" in found[0].message


def test_a_unit_that_cannot_be_built_is_not_judged(folder: Path) -> None:
    schema = {"required": ["samples"]}
    broken = unit_of(folder, MANIFEST.replace("{{ who }}", "{{ whom }}"))
    assert judged(folder, schema, broken) == []
    floating = unit_of(folder, MANIFEST.replace('"2024-07-18"', "latest"))
    assert [finding.code for finding in judged(folder, schema, floating)] == ["E600"]


def test_a_lowered_policy_gives_warnings(folder: Path) -> None:
    rules = (Rule("E600", "warning", "We still count."),)
    (finding,) = judged(folder, {"required": ["samples"]}, rules=rules)
    assert (finding.severity, finding.reason) == ("warning", "We still count.")


def test_a_standard_can_be_sent_to_another_process(folder: Path) -> None:
    standard = Standard((Rule("W303", "error"),), (("production", (policy({"title": "x"}),)),))
    assert pickle.loads(pickle.dumps(standard)) == standard  # noqa: S301 - our own


def test_a_long_text_is_not_compared_word_by_word(folder: Path) -> None:
    unit = unit_of(folder, system="Be kind to everybody.\n" * 5000)
    texts: Any = {"properties": {"text": {"const": "Be polite to everybody.\n" * 5000}}}
    schema = {"properties": {"prompt": {"properties": {"messages": {"items": texts}}}}}
    (finding, _) = judged(folder, {"title": "one text", **schema}, unit)
    kind, polite = "Be kind to everybody.", "Be polite to everybody."
    assert finding.message == (
        rf"one text: prompt.messages[0].text is '{kind}\n{kind}\nBe kind to…'; "
        rf"allowed is {polite}\n{polite}\nBe pol…"
    )


# --- cost -----------------------------------------------------------------------------------------


def test_findings_are_bounded(folder: Path) -> None:
    names = [f"a{number}" for number in range(5000)]
    found = judged(folder, {"required": names}, environments=("production",))
    assert len(found) == MOST_FINDINGS


DOUBLING = {f"a{at}": {"allOf": [{"$ref": f"#/$defs/a{at + 1}"}] * 2} for at in range(40)}
DEEP = {f"a{at}": {"$ref": f"#/$defs/a{at + 1}"} for at in range(95)}
TEXTS = {"items": {"properties": {"text": {"pattern": ".*.*x"}}}}


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$ref": "#/$defs/a0", "$defs": {**DOUBLING, "a40": {}}}, "takes longer than"),
        ({"properties": {"prompt": {"properties": {"messages": TEXTS}}}}, "takes longer than"),
        (
            {
                "$ref": "#/$defs/a0",
                "$defs": {**DEEP, "a95": {"additionalProperties": {"$ref": "#/$defs/a0"}}},
            },
            "goes too deep",
        ),
    ],
)
def test_a_policy_that_takes_too_long_is_an_error_every_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch, schema: dict[str, Any], why: str
) -> None:
    monkeypatch.setattr(judging, "SECONDS", 0.2)
    nested = "{a: " * 20 + "1" + "}" * 20
    manifest = MANIFEST.replace("max_tokens: 300", f"extra_body: {nested}")
    unit = unit_of(folder, manifest, system="a" * 200_000)
    for _ in range(2):
        (finding,) = judged(folder, schema, unit)
        assert (finding.code, finding.file) == ("E224", "policy.json")
        assert finding.message.startswith(f"checking greeting/manifest.yaml with this schema {why}")
