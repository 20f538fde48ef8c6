"""Situations of somebody who begins."""

from pathlib import Path

import pytest

from tests.cli.projects import Project, new_folder


@pytest.fixture
def empty_folder(tmp_path: Path) -> Project:
    """No git, no project."""
    return new_folder(tmp_path)


@pytest.fixture
def fresh_repository(empty_folder: Project) -> Project:
    """After `git init`."""
    empty_folder.git("init", "--quiet")
    return empty_folder


@pytest.fixture(scope="session")
def begun_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = new_folder(tmp_path_factory.mktemp("begun"))
    project.git("init", "--quiet")
    assert project.here("init").code == 0
    project.commit("Add promptops")
    return project


@pytest.fixture
def begun(begun_once: Project, tmp_path: Path) -> Project:
    """After `promptops init`, committed."""
    return begun_once.copy(tmp_path / "work")


@pytest.fixture(scope="session")
def deployed_twice_once(begun_once: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = begun_once.copy(tmp_path_factory.mktemp("deployed") / "work")
    project.here("deploy", "--all", "--env", "local")
    project.write("manifests/hello/system.md", "Answer in one word.\n")
    project.commit("Be brief")
    project.here("deploy", "--all", "--env", "local")
    project.here("new", "goodbye")
    return project


@pytest.fixture
def deployed_twice(deployed_twice_once: Project, tmp_path: Path) -> Project:
    """hello was live in local with two prompts; goodbye is in the work tree and not live."""
    return deployed_twice_once.copy(tmp_path / "work")
