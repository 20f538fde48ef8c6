"""The catalogue of bad input: every folder of tests/bad is a case, and adding one adds a test.

A case holds a unit's folder `greeting` as it lies on disk and `expected.json`: the catalogue's
rows, the exact findings as [code, file, line, column], and phrases that messages or hints say.
What cannot be kept in git, such as a FIFO or half a megabyte, stands as a recipe in `case.json`.
With a `promptops.yaml` the unit is checked as a part of that project, with the policies of
`environment` and with `severities` that are not the code's own.
"""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from promptops.delivery.validate import validate
from promptops.finding import Finding
from promptops.source import strict_yaml
from promptops.source.files import WorkTree
from promptops.source.project import PROJECT_FILE
from promptops.source.unit import read_unit

BAD = Path(__file__).parent.parent / "bad"
CASES = sorted(path.name for path in BAD.iterdir() if path.is_dir())
UNIT = "greeting"
LATER = {65, 70, 71, 72, 80}  # of other issues, or no older format is there yet


def expected_of(case: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((BAD / case / "expected.json").read_text("utf-8"))
    return content


def make(path: Path, recipe: dict[str, Any]) -> None:
    """Put a file on disk that git cannot keep, or should not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if "repeat" in recipe:
        text, times = recipe["repeat"]
        path.write_text(text * times, "utf-8")
    elif "symlink" in recipe:
        path.symlink_to(recipe["symlink"])
    elif recipe.get("fifo"):
        os.mkfifo(path)
    else:
        raise ValueError(f"unknown recipe {recipe}")


@pytest.fixture
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of PyYAML's two parsers reads: both say the same, at the same places."""
    if request.param == "pure Python":
        monkeypatch.setattr(strict_yaml, "_Loader", yaml.SafeLoader)


@pytest.fixture
def findings(
    request: pytest.FixtureRequest, parser: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[Finding]:
    """What is found in the case that the test is called for, within a second by libyaml."""
    folder = BAD / request.param
    if (folder / "case.json").exists():
        shutil.copytree(folder, tmp_path / "case")
        folder = tmp_path / "case"
        for name, recipe in json.loads((folder / "case.json").read_text("utf-8"))["files"].items():
            make(folder / UNIT / name, recipe)
    monkeypatch.chdir(folder)
    started = time.process_time()
    found = _found(folder, expected_of(request.param).get("environment"))
    assert time.process_time() - started < (1 if strict_yaml._Loader is yaml.CSafeLoader else 10)
    return found


def _found(folder: Path, environment: str | None) -> list[Finding]:
    if (folder / PROJECT_FILE).exists():
        return validate([folder / UNIT], environment).findings
    return list(read_unit(WorkTree(folder), UNIT).findings)


@pytest.mark.parametrize("parser", ["libyaml", "pure Python"], indirect=True)
@pytest.mark.parametrize(
    ("findings", "case"), [(case, case) for case in CASES], indirect=["findings"]
)
def test_bad_input_gets_exactly_its_findings_at_their_places(
    findings: list[Finding], case: str
) -> None:
    expected = expected_of(case)
    found = [
        [f.code, os.path.relpath(f.file, UNIT), f.place.line, f.place.column] for f in findings
    ]
    assert found == expected["findings"], "\n".join(map(str, findings))
    said = "\n".join(f"{each.message}\n{each.hint}\n{each.reason}" for each in findings)
    for phrase in expected.get("says", []):
        assert phrase in said
    assert all(finding.message and finding.hint for finding in findings)
    for finding in findings:
        own = "warning" if finding.code.startswith("W") else "error"
        assert finding.severity == expected.get("severities", {}).get(finding.code, own)


def test_every_row_of_the_catalogue_that_is_due_has_a_case() -> None:
    rows = {row for case in CASES for row in expected_of(case)["rows"]}
    assert not (set(range(1, 87)) - LATER | {92, 93}) - rows


def test_every_case_is_named_after_the_code_that_it_shows() -> None:
    for case in CASES:
        code = case.partition("-")[0]
        codes = {finding[0] for finding in expected_of(case)["findings"]}
        assert code in codes or (code == "fine" and not codes), case
