"""Situations in which somebody asks whether a change may be merged."""

from pathlib import Path

import pytest

from promptops.live.store import Store
from tests.cli.projects import Project, clean_variables, new_project


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("repository")
    project = new_project(folder / "project", clean_variables(folder / "home"))
    project.git("switch", "--quiet", "--create", "change")
    return project


@pytest.fixture
def project(repository: Project, tmp_path: Path) -> Project:
    """greeter and farewell are on main; one stands on the branch change, which has nothing yet."""
    return repository.copy(tmp_path / "project")


@pytest.fixture
def deployed(project: Project, store: Store) -> Project:
    """What is on main is live in production."""
    project.deploy(store)
    return project


@pytest.fixture
def rolled_back(deployed: Project, store: Store) -> Project:
    """main says Good evening, which is held in production; the branch is up to date."""
    deployed.git("switch", "--quiet", "main")
    deployed.says("greeter", "Good evening.")
    deployed.deploy(store)
    deployed.rollback(store, "greeter")
    deployed.git("switch", "--quiet", "change")
    deployed.git("merge", "--quiet", "main")
    return deployed
