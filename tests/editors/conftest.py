"""An editor that is open on a fresh project."""

import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.cli.projects import new_folder
from tests.editors.language_server import LanguageServer, install


@pytest.fixture(scope="session")
def installed() -> None:
    """The language server; in CI a check that cannot run has failed, a laptop is told."""
    try:
        install()
    except (OSError, subprocess.SubprocessError) as error:
        why = f"the YAML language server cannot be installed: {error}"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(f"NOT RUN: {why}")


@pytest.fixture(scope="session")
def editor(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    """On the project that `promptops init` makes, with the settings that it writes."""
    project = new_folder(tmp_path_factory.mktemp("editor"))
    project.git("init", "--quiet")
    assert project.here("init").code == 0
    schemas = json.loads((project.root / ".vscode/settings.json").read_text())["yaml.schemas"]
    yaml = {"validate": True, "hover": True, "completion": True, "schemas": schemas}
    server = LanguageServer(project.root, {"yaml": yaml | {"schemaStore": {"enable": False}}})
    yield server
    server.end()
