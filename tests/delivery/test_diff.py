"""What changed in the units between two commits."""

from pathlib import Path

import pytest

from promptops.delivery.build import InvalidUnits
from promptops.delivery.diff import Diff, diff
from promptops.errors import UnknownUnit, UsageError
from tests.plan_projects import PlanProject


@pytest.fixture
def project(tmp_path: Path) -> PlanProject:
    return PlanProject.new(tmp_path / "project", "sqlite:///.promptops/production.db")


def between(
    project: PlanProject, revisions: str, unit: str | None = None, environment: str | None = None
) -> Diff:
    return diff(project.read(), revisions, unit, environment)


def impacts(found: Diff) -> dict[str, str]:
    return {unit.unit: unit.grade.impact.word for unit in found.units}


def test_the_units_that_changed_are_compared(project: PlanProject) -> None:
    first = project.head
    project.edit("greeter/manifest.yaml", "maxLength: 100", "maxLength: 50")
    second = project.commit()
    found = between(project, "HEAD~1..HEAD")
    assert (found.before, found.after) == (first, second)
    assert impacts(found) == {"greeter": "major"}


@pytest.mark.parametrize("revisions", ["HEAD~1..", "main~1..main"])
def test_a_side_that_is_left_out_is_head(project: PlanProject, revisions: str) -> None:
    project.edit("greeter/system.md", "kind", "gentle")
    project.commit()
    assert impacts(between(project, revisions)) == {"greeter": "patch"}


def test_from_head_back_to_an_earlier_commit(project: PlanProject) -> None:
    project.edit("greeter/manifest.yaml", "inputs:", 'inputs:\n  tone: {type: string, default: ""}')
    project.edit("greeter/manifest.yaml", "{{ name }}", "{{ name }} {{ tone }}")
    project.commit()
    assert impacts(between(project, "..HEAD~1")) == {"greeter": "major"}


def test_units_come_and_go(project: PlanProject) -> None:
    project.git("mv", "manifests/farewell", "manifests/goodbye")
    project.edit("goodbye/manifest.yaml", "name: farewell", "name: goodbye")
    project.commit()
    found = between(project, "HEAD~1..HEAD")
    assert impacts(found) == {"farewell": "major", "goodbye": "minor"}
    assert [unit.digest_after is None for unit in found.units] == [True, False]


def test_an_overlay_counts_in_its_environment_only(project: PlanProject) -> None:
    project.edit("greeter/manifest.yaml", "temperature: 0.1", "temperature: 0.3")
    project.commit()
    assert between(project, "HEAD~1..").units == ()
    (unit,) = between(project, "HEAD~1..", environment="production").units
    assert [change.as_json() for change in unit.changes] == [
        {"field": "params.temperature", "before": 0.1, "after": 0.3}
    ]


def test_one_unit_of_several(project: PlanProject) -> None:
    for unit in ("greeter", "farewell"):
        project.edit(f"{unit}/system.md", "kind", "gentle")
    project.commit()
    assert impacts(between(project, "HEAD~1..", "greeter")) == {"greeter": "patch"}
    with pytest.raises(UnknownUnit, match="did you mean 'greeter'"):
        between(project, "HEAD~1..", "greter")


def test_a_unit_that_could_not_be_read_before_is_shown_as_new(project: PlanProject) -> None:
    project.edit("greeter/manifest.yaml", "provider: openai, ", "")
    project.commit()
    project.edit("greeter/manifest.yaml", "model: {", "model: {provider: openai, ")
    project.commit()
    (unit,) = between(project, "HEAD~1..").units
    assert unit.before is None
    assert [notice.code for notice in unit.notices] == ["invalid"]
    with pytest.raises(InvalidUnits):
        between(project, "HEAD~2..HEAD~1")


@pytest.mark.parametrize("revisions", ["HEAD", "..", "HEAD...main", "a..b..c"])
def test_what_is_no_range_is_refused(project: PlanProject, revisions: str) -> None:
    with pytest.raises(UsageError):
        between(project, revisions)
