"""Digests of ten manifests, kept in git: what a unit is must not change with promptops' version.

How a manifest is spelled changes nothing: order of keys, comments, quotes, blocks, line ends.
"""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from promptops.manifest.digest import digest_of
from promptops.manifest.release import read_release
from promptops.source import strict_yaml
from promptops.source.files import WorkTree
from promptops.source.resolve import resolve
from promptops.source.strict_yaml import read_yaml
from promptops.source.unit import read_unit

GOLDEN = Path(__file__).parent.parent / "golden"
DIGESTS: dict[str, dict[str, str]] = json.loads((GOLDEN / "digests.json").read_text("utf-8"))


def value_of(text: str) -> Any:
    document, findings = read_yaml(text, "manifest.yaml")
    assert document is not None
    assert not findings
    return document.value


def shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key], chance) for key in keys}
    if isinstance(value, list):
        return [shuffled(item, chance) for item in value]
    return value


def as_json(text: str) -> str:
    """Double quotes and flow style everywhere, keys in another order."""
    value = shuffled(value_of(text), random.Random(text))  # noqa: S311  the same shuffle in every run
    return json.dumps(value, ensure_ascii=False, indent=1)


def as_blocks(text: str) -> str:
    """Block style and as few quotes as PyYAML dares, keys sorted."""
    return str(yaml.safe_dump(value_of(text), allow_unicode=True, default_flow_style=False))


def with_comments(text: str) -> str:
    lines = text.split("\n")
    top = [index for index, line in enumerate(lines) if line[:1].isalpha()]
    for index in reversed(top):
        lines.insert(index, "# a comment with 'quotes' and {braces}\n")
    return "\n".join(lines) + "\n# the end"


def with_crlf(text: str) -> str:
    return text.replace("\n", "\r\n")


def same(text: str) -> str:
    return text


def digests_of(unit: Path) -> dict[str, str]:
    read = read_unit(WorkTree(unit.parent), unit.name)
    assert read.ok, read.findings
    return {name: digest_of(resolve(read, name)) for name in DIGESTS[unit.name]}


@pytest.mark.parametrize("name", DIGESTS)
@pytest.mark.parametrize("respelled", [same, as_json, as_blocks, with_comments, with_crlf])
def test_a_manifest_has_its_digest_however_it_is_spelled(
    name: str, respelled: Callable[[str], str], tmp_path: Path
) -> None:
    unit = tmp_path / name
    shutil.copytree(GOLDEN / name, unit)
    manifest = unit / "manifest.yaml"
    manifest.write_bytes(respelled(manifest.read_text("utf-8")).encode())
    assert digests_of(unit) == DIGESTS[name]


@pytest.mark.parametrize("name", DIGESTS)
def test_line_ends_of_prompt_files_change_no_digest(name: str, tmp_path: Path) -> None:
    unit = tmp_path / name
    shutil.copytree(GOLDEN / name, unit)
    for path in unit.rglob("*.*"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert digests_of(unit) == DIGESTS[name]


@pytest.mark.parametrize("name", DIGESTS)
def test_the_parser_in_pure_python_gives_the_same_digests(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strict_yaml, "_Loader", yaml.SafeLoader)
    assert digests_of(GOLDEN / name) == DIGESTS[name]


@pytest.mark.parametrize("name", DIGESTS)
def test_a_resolved_manifest_is_a_release_that_can_be_read(name: str) -> None:
    read = read_unit(WorkTree(GOLDEN), name)
    for environment, digest in DIGESTS[name].items():
        assert read_release(resolve(read, environment), digest, name).unit == name


def test_one_changed_character_of_a_prompt_file_changes_the_digest(tmp_path: Path) -> None:
    unit = tmp_path / "prompt-files"
    shutil.copytree(GOLDEN / "prompt-files", unit)
    system = unit / "system.md"
    system.write_bytes(system.read_bytes().removesuffix(b"\n"))
    changed = digests_of(unit)
    assert all(changed[name] != digest for name, digest in DIGESTS["prompt-files"].items())


def test_environments_without_an_overlay_share_one_digest() -> None:
    assert len(set(DIGESTS["minimal"].values())) == 1
    assert len(set(DIGESTS["environments"].values())) == 3


def test_there_are_ten_golden_manifests() -> None:
    assert sorted(DIGESTS) == sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())
    assert len(DIGESTS) == 10
