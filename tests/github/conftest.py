"""A runner of GitHub's, with its files and variables, and an API of its own."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.projects import PROMPTOPS, Project, new_folder
from tests.github.api import Api
from tests.github.runner import Runner

PULL_REQUEST = {"pull_request": {"number": 7, "head": {"ref": "brief"}}}

# Comes before Python on the PATH: the tool is installed already, and what was asked is kept.
FAKE_PYTHON = f"""#!/bin/bash
if [ "$1 $2 $3" = "-m pip install" ]; then
  printf '%s\\n' "${{@:4}}" >"$RUNNER_TEMP/installed"
  exit 0
fi
exec {sys.executable} "$@"
"""
FAKE_PROMPTOPS = f"""#!/bin/bash
if [ "$1" = gate ]; then printf '%s\\n' "${{@:2}}" >"$RUNNER_TEMP/asked"; fi
# Only what a test has prepared.
if [ "$1 $2" = "rehearse --all" ] && [ -e "$RUNNER_TEMP/../prepared.json" ]; then
  cat "$RUNNER_TEMP/../prepared.json"
  exit "$(cat "$RUNNER_TEMP/../prepared.code")"
fi
exec {PROMPTOPS} "$@"
"""


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    yield api
    api.close()


@pytest.fixture(scope="session")
def project_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = new_folder(tmp_path_factory.mktemp("project"))
    project.git("init", "--quiet")
    assert project.here("init", "--github").code == 0
    project.commit("Add promptops")
    project.write("manifests/hello/system.md", "Answer in one word.\n")
    project.commit("Be brief")
    return project


@pytest.fixture
def project(project_once: Project, tmp_path: Path) -> Project:
    """A repository with workflows and one unit, which the last commit changed."""
    return project_once.copy(tmp_path / "work")


STORE = {"PRODUCTION_REDIS_URL": "sqlite:///live.db"}


@pytest.fixture(scope="session")
def production_once(project_once: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = project_once.copy(tmp_path_factory.mktemp("production") / "work")
    older = ("--commit", "HEAD^", "--create")
    assert project.here("deploy", "--all", "--env", "production", *older, **STORE).code == 0
    return project


@pytest.fixture
def production(production_once: Project, tmp_path: Path) -> Project:
    """live.db is the store of production, where the commit before the last is live."""
    return production_once.copy(tmp_path / "production")


@pytest.fixture(scope="session")
def deployed_twice_once(
    production_once: Project, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    project = production_once.copy(tmp_path_factory.mktemp("deployed-twice") / "work")
    assert project.here("deploy", "--all", "--env", "production", **STORE).code == 0
    return project


@pytest.fixture
def deployed_twice(deployed_twice_once: Project, tmp_path: Path) -> Project:
    """Both releases of hello were live in production."""
    return deployed_twice_once.copy(tmp_path / "deployed-twice")


@pytest.fixture
def on_github(tmp_path: Path, api: Api) -> dict[str, str]:
    """What GitHub sets for the steps of a pull request's run."""
    temp = tmp_path / "runner"
    temp.mkdir()
    (temp / "event.json").write_text(json.dumps(PULL_REQUEST))
    return {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTOR": "ada",
        "GITHUB_API_URL": api.url,
        "GITHUB_EVENT_PATH": str(temp / "event.json"),
        "GITHUB_REPOSITORY": "acme/prompts",
        "GITHUB_RUN_ID": "4711",
        "GITHUB_SERVER_URL": "https://github.example",
        "no_proxy": "127.0.0.1",
    }


@pytest.fixture
def runner(project: Project, on_github: dict[str, str], tmp_path: Path) -> Runner:
    """With the repository checked out and promptops installed."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, script in (("python", FAKE_PYTHON), ("promptops", FAKE_PROMPTOPS)):
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    variables = {
        **project.variables,
        **on_github,
        "PATH": f"{programs}:{project.variables['PATH']}",
        "GITHUB_SHA": project.git("rev-parse", "HEAD"),
    }
    return Runner(project.root, tmp_path / "runner", variables)
