"""Situations in which people type commands."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from promptops.live.address import parse_address
from promptops.live.store import Store
from tests.cli.apps import App
from tests.cli.projects import Project, clean_variables, new_project
from tests.client.sabotage import RedisSaboteur, Saboteur, SqliteSaboteur
from tests.servers import Server


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> str:
    """SQLite, unless a test is for `everywhere`."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def empty_folder(tmp_path: Path, store_url: str) -> Project:
    """No project, no git, nothing: where one is at night."""
    variables = clean_variables(tmp_path / "home", PRODUCTION_STORE=store_url)
    return Project(tmp_path / "empty", variables)


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copied for every test, because a copy is made faster than a repository."""
    folder = tmp_path_factory.mktemp("repository")
    return new_project(folder / "project", clean_variables(folder / "home")).root


@pytest.fixture
def git_project(tmp_path: Path, repository: Path, store_url: str) -> Project:
    """greeter and farewell are committed; the store of production is empty."""
    shutil.copytree(repository, tmp_path / "project")
    variables = clean_variables(tmp_path / "home", PRODUCTION_STORE=store_url)
    return Project(tmp_path / "project", variables)


@pytest.fixture
def deployed(git_project: Project, store: Store) -> Project:
    """Revision 1 of production: greeter says Good morning, farewell says Good night."""
    git_project.deploy(store)
    return git_project


@pytest.fixture
def deployed_twice(deployed: Project, store: Store) -> Project:
    """Revision 2 of production: greeter says Good evening."""
    deployed.says("greeter", "Good evening.")
    deployed.deploy(store, "greeter")
    return deployed


@pytest.fixture
def rolled_back(deployed_twice: Project, store: Store) -> Project:
    """Revision 3 of production: greeter says Good morning again, and Good evening is held."""
    deployed_twice.rollback(store, "greeter")
    return deployed_twice


@pytest.fixture
def three_apps(deployed: Project, store: Store, store_url: str) -> Iterator[list[App]]:
    """Three processes serve revision 1 of production, and the store knows of them."""
    apps = [App(store_url, f"app-{number}") for number in range(3)]
    try:
        for app in apps:
            app.wait_until_present(store)
        yield apps
    finally:
        for app in apps:
            app.end()


@pytest.fixture
def saboteur(backend: str, store_url: str, shared_servers: Callable[[str], Server]) -> Saboteur:
    address = parse_address(store_url)
    if backend == "sqlite":
        return SqliteSaboteur(Path(address.path))
    return RedisSaboteur(shared_servers(backend), address.namespace)
