"""From manifest and environment to the release: what is in it, and what stays in git."""

import json
from pathlib import Path
from typing import Any

import pytest

from promptops.errors import CheckFailed, ReleaseRejected
from promptops.manifest.way_back import Sample, forward_only_of, samples_of
from promptops.source.files import WorkTree
from promptops.source.resolve import resolve
from promptops.source.unit import Unit, read_unit

MANIFEST = """\
apiVersion: promptops/v1
name: greeting
description: Says hello.
owners: [team]
model: {provider: openai, id: gpt-4o-mini-2024-07-18, version: "2024-07-18"}
params: {temperature: 0.2, stop: [END]}
prompt:
  id: greeting
  version: "1.0.0"
  messages:
    - {role: system, file: system.md}
    - {role: user, text: "Greet {{ who }}."}
  examples: []
inputs:
  who: {type: string, description: Whom to greet., default: everybody}
output: {schema: answer.json}
retriever: {index: kb, version: "1"}
environments:
  staging: {params: {temperature: 0, stop: null}, retriever: null}
"""


def unit_of(folder: Path, manifest: str = MANIFEST) -> Unit:
    unit = folder / "greeting"
    unit.mkdir(exist_ok=True)
    (unit / "manifest.yaml").write_text(manifest, "utf-8")
    (unit / "system.md").write_bytes(b"  Be brief.  \r\n\r\n")
    (unit / "answer.json").write_text('{"type": "object"}', "utf-8")
    return read_unit(WorkTree(folder), "greeting")


def release_of(unit: Unit, environment: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(resolve(unit, environment))
    return content


def test_a_release_holds_what_changes_behaviour_and_nothing_else(tmp_path: Path) -> None:
    assert release_of(unit_of(tmp_path), "production") == {
        "apiVersion": "promptops/v1",
        "unit": "greeting",
        "model": {
            "provider": "openai",
            "id": "gpt-4o-mini-2024-07-18",
            "version": "2024-07-18",
        },
        "params": {"temperature": 0.2, "stop": ["END"]},
        "prompt": {
            "id": "greeting",
            "version": "1.0.0",
            "messages": [
                {"role": "system", "content": "  Be brief.  \n\n"},
                {"role": "user", "content": "Greet {{ who }}."},
            ],
        },
        "inputs": {"who": {"type": "string", "default": "everybody"}},
        "output": {"schema": {"type": "object"}},
        "retriever": {"index": "kb", "version": "1"},
    }


def test_an_overlay_changes_adds_and_deletes(tmp_path: Path) -> None:
    release = release_of(unit_of(tmp_path), "staging")
    assert release["params"] == {"temperature": 0}
    assert "retriever" not in release


def test_the_same_content_has_the_same_bytes_in_two_environments(tmp_path: Path) -> None:
    unit = unit_of(tmp_path)
    assert resolve(unit, "production") == resolve(unit, "local")
    assert resolve(unit, "production") != resolve(unit, "staging")


def test_a_unit_with_errors_is_not_resolved(tmp_path: Path) -> None:
    unit = unit_of(tmp_path, MANIFEST.replace("temperature: 0.2", "temperature: 7"))
    assert not unit.ok
    with pytest.raises(CheckFailed):
        resolve(unit, "production")


def test_a_warning_does_not_stop_a_release(tmp_path: Path) -> None:
    unit = unit_of(tmp_path, MANIFEST.replace("Greet {{ who }}.", "Greet."))
    assert [finding.code for finding in unit.findings] == ["W303", "W108"]
    assert unit.ok
    assert resolve(unit, "production")


def test_a_unit_lists_the_bytes_of_every_file_it_was_read_from(tmp_path: Path) -> None:
    files = dict(unit_of(tmp_path).files)
    assert list(files) == ["greeting/manifest.yaml", "greeting/system.md", "greeting/answer.json"]
    assert files["greeting/system.md"] == b"  Be brief.  \r\n\r\n"


def test_a_fault_in_an_overlay_is_said_once(tmp_path: Path) -> None:
    unit = unit_of(tmp_path, MANIFEST.replace("{temperature: 0,", "{temperature: 9,"))
    assert [finding.code for finding in unit.findings if finding.code[0] == "E"] == ["E213"]


def test_what_the_way_back_needs_is_in_the_release_and_the_last_day_of_a_model_is_not(
    tmp_path: Path,
) -> None:
    """Rehearsals have the stored release and no git; without these fields nothing changes."""
    plain = release_of(unit_of(tmp_path), "production")
    written = MANIFEST.replace('-18"}', '-18", retires: 2099-01-01}') + (
        "forward_only: Writes the new format.\n"
        "samples: [{name: nobody, inputs: {}}, {name: one, inputs: {who: Ada}}]\n"
    )
    release = release_of(unit_of(tmp_path, written), "production")
    assert {key: part for key, part in release.items() if key not in plain} == {
        "forward_only": "Writes the new format.",
        "samples": [{"name": "nobody", "inputs": {}}, {"name": "one", "inputs": {"who": "Ada"}}],
    }
    assert {key: release[key] for key in plain} == plain
    assert forward_only_of(release) == "Writes the new format."
    assert samples_of(release)[1] == Sample("one", {"who": "Ada"})
    assert (samples_of(plain), forward_only_of(plain)) == ((), "")


@pytest.mark.parametrize("samples", [5, [5], [{"name": "a"}], [{"name": 1, "inputs": {}}]])
def test_samples_that_somebody_else_wrote_into_a_release_are_refused(samples: Any) -> None:
    with pytest.raises(ReleaseRejected):
        samples_of({"samples": samples})


def test_safe_mode_goes_over_the_environment_and_can_be_left(tmp_path: Path) -> None:
    safe = MANIFEST + (
        "forward_only: Writes the new format.\n"
        "safe:\n"
        "  params: {temperature: 0.1, seed: 7}\n"
        "  prompt: {version: 1.0.0-safe, messages: [{role: system, file: system.md}]}\n"
    )
    unit = unit_of(tmp_path, safe)
    release = json.loads(resolve(unit, "staging", safe=True))
    assert release["params"] == {"temperature": 0.1, "seed": 7}
    assert release["prompt"]["version"] == "1.0.0-safe"
    assert [each["role"] for each in release["prompt"]["messages"]] == ["system"]
    assert "retriever" not in release
    assert "forward_only" not in release
    assert "safe" not in release_of(unit, "staging")
