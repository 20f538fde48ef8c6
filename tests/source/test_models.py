"""When models end: whose date counts, and what is said on which day."""

from datetime import date
from pathlib import Path

import pytest

from promptops.delivery.validate import validate
from promptops.finding import Finding
from promptops.source.models import date_of

MANIFEST = """\
apiVersion: promptops/v1
name: greeting
description: Says hello.
owners: [team]
model:
  provider: openai
  id: gpt-4o-mini-2024-07-18
  version: "2024-07-18"
prompt:
  id: greeting
  version: "1.0.0"
  messages:
    - {role: user, text: "Say hello."}
"""
PROJECT = "apiVersion: promptops/v1\nenvironments: {production: {store: 'sqlite:///a.db'}}\n"


def found(folder: Path, today: str, manifest: str = MANIFEST, models: str = "") -> list[Finding]:
    unit = folder / "manifests/greeting"
    unit.mkdir(parents=True, exist_ok=True)
    (unit / "manifest.yaml").write_text(manifest)
    (folder / "promptops.yaml").write_text(PROJECT)
    if models:
        (folder / "models.yaml").write_text(models)
    return validate([unit], today=date.fromisoformat(today)).findings


def said(findings: list[Finding]) -> list[tuple[str, int, str]]:
    return [(each.code, each.place.line, each.message) for each in findings]


@pytest.mark.parametrize(
    ("today", "code", "when"),
    [
        ("2027-03-01", None, ""),
        ("2027-03-02", "W228", "is retired on 2027-04-01, in 30 days"),
        ("2027-03-31", "W228", "is retired on 2027-04-01, tomorrow"),
        ("2027-04-01", "W228", "is retired on 2027-04-01, today"),
        ("2027-04-02", "E226", "was retired on 2027-04-01: calls of it fail"),
    ],
)
def test_the_last_day_is_warned_of_for_30_days_and_is_an_error_when_it_has_passed(
    tmp_path: Path, today: str, code: str | None, when: str
) -> None:
    retiring = MANIFEST.replace('-18"\n', '-18"\n  retires: 2027-04-01\n', 1)
    expected = [(code, 9, f"the model 'gpt-4o-mini-2024-07-18' {when}")]
    assert said(found(tmp_path, today, retiring)) == (expected if code else [])


def test_the_catalogue_speaks_of_a_model_by_its_id(tmp_path: Path) -> None:
    models = "another: 2020-01-01\ngpt-4o-mini-2024-07-18: 2027-04-01\n"
    message = "the model 'gpt-4o-mini-2024-07-18' was retired on 2027-04-01, says models.yaml"
    assert said(found(tmp_path, "2027-04-02", models=models)) == [
        ("E226", 7, f"{message}: calls of it fail")
    ]
    assert found(tmp_path, "2027-01-01") == []


def test_a_manifest_may_know_better_than_the_catalogue(tmp_path: Path) -> None:
    later = MANIFEST.replace('-18"\n', '-18"\n  retires: 2028-01-01\n', 1)
    assert found(tmp_path, "2027-04-02", later, "gpt-4o-mini-2024-07-18: 2027-04-01\n") == []


def test_a_model_that_ends_keeps_nothing_from_being_said_about_others(tmp_path: Path) -> None:
    """And without a project file the manifest's own date counts."""
    unit = tmp_path / "greeting"
    unit.mkdir()
    retired = MANIFEST.replace('-18"\n', '-18"\n  retires: 2020-01-01\n', 1)
    (unit / "manifest.yaml").write_text(retired)
    codes = [each.code for each in validate([unit], today=date(2027, 1, 1)).findings]
    assert codes == ["E226"]


@pytest.mark.parametrize(
    "written", ["2027-02-29", "20270401", "2027-4-1", "2027-W13-4", "", 5, None]
)
def test_what_is_no_date(written: object) -> None:
    assert date_of(written) is None
