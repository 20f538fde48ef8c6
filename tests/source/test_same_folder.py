"""Whether a folder holds the same files at another commit."""

from pathlib import Path

import pytest

from promptops.source.git import Repository
from tests.plan_projects import PlanProject

GREETER = "manifests/greeter"


@pytest.fixture
def project(tmp_path: Path) -> PlanProject:
    return PlanProject.new(tmp_path / "project", "sqlite:///.promptops/production.db")


def same(project: PlanProject, commit: str, folder: str = GREETER) -> bool:
    repository = Repository.around(project.root)
    return repository.files(repository.commit("HEAD"), project.root).same_at(commit, folder)


def test_a_folder_that_nobody_touched_is_the_same(project: PlanProject) -> None:
    first = project.head
    project.edit("farewell/system.md", "kind", "gentle")
    project.commit()
    assert same(project, first)


def test_a_file_that_changed_makes_another_folder(project: PlanProject) -> None:
    first = project.head
    project.edit("greeter/system.md", "kind", "gentle")
    project.commit()
    assert not same(project, first)


def test_a_link_in_place_of_a_file_makes_another_folder(project: PlanProject) -> None:
    first = project.head
    prompt = project.root / GREETER / "system.md"
    prompt.unlink()
    prompt.symlink_to("manifest.yaml")
    project.commit()
    assert not same(project, first)


@pytest.mark.parametrize("commit", ["f" * 40, "HEAD", "", "\n", "--all", "main\nHEAD"])
def test_a_commit_that_git_has_not_says_nothing(project: PlanProject, commit: str) -> None:
    assert not same(project, commit)


def test_a_folder_that_is_not_there_is_not_the_same(project: PlanProject) -> None:
    assert not same(project, project.head, "manifests/gone")


def test_a_project_in_a_folder_of_its_repository(tmp_path: Path) -> None:
    outer = PlanProject.new(tmp_path / "outer", "sqlite:///.promptops/production.db")
    (outer.root / "inner").mkdir()
    outer.git("mv", "manifests", "promptops.yaml", "inner/")
    commit = outer.commit()
    repository = Repository.around(outer.root / "inner")
    assert repository.files(commit, outer.root / "inner").same_at(commit, GREETER)
