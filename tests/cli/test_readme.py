"""The quick start of the README, word for word, in an empty folder."""

import os
import re
from pathlib import Path

from promptops.live.opening import open_store
from promptops.live.records import Head
from tests.cli.projects import PROMPTOPS, Project

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def test_the_quick_start_works_as_it_stands(empty_folder: Project) -> None:
    chapter = README.partition("## Quick start")[2].partition("\n## ")[0]
    (script,) = re.findall(r"```sh\n(.*?)```", chapter, re.DOTALL)
    path = f"{Path(PROMPTOPS).parent}{os.pathsep}{empty_folder.variables['PATH']}"
    done = empty_folder.shell("sh", "-e", "-c", script, PATH=path)
    assert (done.code, done.err) == (0, "")
    store = open_store(f"sqlite:///{empty_folder.root}/.promptops/local.db", "local")
    state, actions = store.read(), [entry.action for entry in store.history()]
    data = store.release(state.pointers["hello"].digest)
    store.close()
    assert (state.head, actions) == (Head(1, 3), ["rollback", "deploy", "deploy"])
    assert data is not None
    assert b"in one friendly sentence." in data
    assert b"ten words" not in data
    assert "checked 1 manifest: 0 errors, 0 warnings\n" in done.out
    assert "[user]\nAre you there?\n" in done.out
    assert "local is at revision 3 (rollback)\n" in done.out
    assert "too brief" in done.out
    assert empty_folder.git("status", "--porcelain") == ""


def test_the_policies_of_the_readme_are_applied(empty_folder: Project) -> None:
    chapter = README.partition("## Policies")[2].partition("\n## ")[0]
    (project,) = re.findall(r"```yaml\n(.*?)```", chapter, re.DOTALL)
    (policy,) = re.findall(r"```json\n(.*?)```", chapter, re.DOTALL)
    empty_folder.write("promptops.yaml", project)
    empty_folder.write("policies/all.json", "{}")
    empty_folder.write("policies/production.json", policy)
    empty_folder.unit("greeter", "Hello.")
    assert empty_folder.here("validate", "--env", "production").code == 0
    manifest = (empty_folder.root / "manifests/greeter/manifest.yaml").read_text("utf-8")
    empty_folder.write("manifests/greeter/manifest.yaml", manifest.replace("gpt-4o-mini", "gpt-4o"))
    assert empty_folder.here("validate").code == 0
    done = empty_folder.here("validate", "--env", "production")
    assert "error[E600]: production uses only these models: model.id is" in done.out
