"""Situations of somebody who begins."""

from pathlib import Path

import pytest

from tests.desk import Desk


@pytest.fixture
def empty_folder(tmp_path: Path) -> Desk:
    """No git, no project."""
    return Desk.empty(tmp_path)


@pytest.fixture
def fresh_repository(empty_folder: Desk) -> Desk:
    """After `git init`."""
    empty_folder.git("init", "--quiet")
    return empty_folder


@pytest.fixture(scope="session")
def begun_once(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = Desk.empty(tmp_path_factory.mktemp("begun"))
    desk.git("init", "--quiet")
    assert desk.run("init").code == 0
    desk.commit("Add promptops")
    return desk


@pytest.fixture
def begun(begun_once: Desk, tmp_path: Path) -> Desk:
    """After `promptops init`, committed."""
    return begun_once.copy(tmp_path)


@pytest.fixture(scope="session")
def deployed_twice_once(begun_once: Desk, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = begun_once.copy(tmp_path_factory.mktemp("deployed"))
    desk.run("deploy", "--all", "--env", "local")
    desk.write("manifests/hello/system.md", "Answer in one word.\n")
    desk.commit("Be brief")
    desk.run("deploy", "--all", "--env", "local")
    desk.run("new", "goodbye")
    return desk


@pytest.fixture
def deployed_twice(deployed_twice_once: Desk, tmp_path: Path) -> Desk:
    """hello was live in local with two prompts; goodbye is in the work tree and not live."""
    return deployed_twice_once.copy(tmp_path)
