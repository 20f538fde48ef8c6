"""The catalogue of bad input: every folder of tests/bad is a case, and adding one adds a test.

A case holds a unit's folder `greeting` as it lies on disk and `expected.json`: the catalogue's
rows, the exact findings as [code, file, line, column], and phrases that messages or hints say.
What cannot be kept in git, such as a FIFO or half a megabyte, stands as a recipe in `case.json`.
"""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from promptops.source.files import WorkTree
from promptops.source.unit import Unit, read_unit

BAD = Path(__file__).parent.parent / "bad"
CASES = sorted(path.name for path in BAD.iterdir() if path.is_dir())
UNIT = "greeting"


def expected_of(case: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((BAD / case / "expected.json").read_text("utf-8"))
    return content


def make(path: Path, recipe: dict[str, Any]) -> None:
    """Put a file on disk that git cannot keep, or should not."""
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
def unit(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Unit:
    """The unit of the case that the test is called for, read within a second."""
    folder = BAD / request.param
    if (folder / "case.json").exists():
        shutil.copytree(folder, tmp_path / "case")
        folder = tmp_path / "case"
        for name, recipe in json.loads((folder / "case.json").read_text("utf-8"))["files"].items():
            make(folder / UNIT / name, recipe)
    monkeypatch.chdir(folder)
    started = time.perf_counter()
    read = read_unit(WorkTree(folder), UNIT)
    assert time.perf_counter() - started < 1
    return read


@pytest.mark.parametrize(("unit", "case"), [(case, case) for case in CASES], indirect=["unit"])
def test_bad_input_gets_exactly_its_findings_at_their_places(unit: Unit, case: str) -> None:
    expected = expected_of(case)
    found = [
        [f.code, os.path.relpath(f.file, UNIT), f.place.line, f.place.column] for f in unit.findings
    ]
    assert found == expected["findings"], "\n".join(map(str, unit.findings))
    said = "\n".join(f"{finding.message}\n{finding.hint}" for finding in unit.findings)
    for phrase in expected.get("says", []):
        assert phrase in said
    assert all(finding.message and finding.hint for finding in unit.findings)


def test_every_row_of_the_catalogue_that_is_due_has_a_case() -> None:
    rows = {row for case in CASES for row in expected_of(case)["rows"]}
    assert not set(range(1, 60)) - rows


def test_every_case_is_named_after_the_code_that_it_shows() -> None:
    for case in CASES:
        code = case.partition("-")[0]
        codes = {finding[0] for finding in expected_of(case)["findings"]}
        assert code in codes or (code == "fine" and not codes), case
