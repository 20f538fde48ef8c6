"""The hook checks the units that changed files belong to."""

from pathlib import Path

import pytest
import yaml

from tests.cli.projects import Project, tool

ROOT = Path(__file__).parents[2]


@pytest.fixture
def two_broken_units(begun: Project) -> Project:
    """hello and goodbye use an input that neither declares."""
    begun.here("new", "goodbye")
    for unit in ("hello", "goodbye"):
        begun.write(f"manifests/{unit}/system.md", "Greet {{ guest }}.\n")
    begun.git("add", "--all")
    return begun


def checked(project: Project, *files: str) -> set[str]:
    """The files with findings when these were changed."""
    done = project.here("validate", "--changed", "-o", "json", *files)
    assert done.code == (1 if done.json["findings"] else 0)
    return {finding["file"] for finding in done.json["findings"]}


def test_a_prompt_file_stands_for_its_unit(two_broken_units: Project) -> None:
    assert checked(two_broken_units, "manifests/hello/system.md") == {"manifests/hello/system.md"}


def test_each_unit_is_checked_once(two_broken_units: Project) -> None:
    files = ("manifests/hello/system.md", "manifests/hello/manifest.yaml")
    done = two_broken_units.here("validate", "--changed", "-o", "json", *files)
    assert done.json["checked"] == 1


def test_the_project_file_stands_for_all_units(two_broken_units: Project) -> None:
    assert len(checked(two_broken_units, "promptops.yaml")) == 2


@pytest.mark.parametrize(
    "file", ["README.md", "manifests/README.md", "manifests/gone/system.md", "/etc/hosts"]
)
def test_files_of_no_unit_are_passed_over(two_broken_units: Project, file: str) -> None:
    assert checked(two_broken_units, file) == set()


def test_units_of_a_project_below_the_repository_are_found(two_broken_units: Project) -> None:
    path = f"{two_broken_units.root.name}/manifests/hello/system.md"
    assert checked(two_broken_units.at(".."), path) == {path}


def test_pre_commit_runs_the_hook_on_what_is_staged(two_broken_units: Project) -> None:
    two_broken_units.git("reset", "--quiet", "--", "manifests/goodbye")
    done = two_broken_units.shell(
        tool("pre-commit"), "try-repo", str(ROOT), "promptops-validate", "--color=never"
    )
    assert done.code == 1, done.err
    assert "promptops validate" in done.out
    assert "manifests/hello/system.md:1:" in done.out
    assert "E302" in done.out
    assert "checked 1 manifest: 1 error" in done.out


def test_the_snippet_of_init_runs_the_same_as_the_hook(begun: Project) -> None:
    hook = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())[0]
    config = yaml.safe_load((begun.root / ".pre-commit-config.yaml").read_text())
    snippet = config["repos"][0]["hooks"][0]
    assert {name: snippet[name] for name in ("id", "entry", "language", "require_serial")} == {
        name: hook[name] for name in ("id", "entry", "language", "require_serial")
    }
