"""What somebody typed and cannot mean."""

from pathlib import Path

import pytest

from tests.cli.gate.reading import GATE
from tests.cli.projects import Project


def test_a_base_that_git_does_not_know(changed: Project) -> None:
    done = changed.here(*GATE, "--base", "mian")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error[E406]: git knows no commit 'mian'\n"
        " help: name a branch, a tag or a commit; one of elsewhere is fetched first\n"
    )


@pytest.mark.parametrize("base", ["-x", "--output=canary", ""])
def test_a_base_that_looks_like_an_option(changed: Project, base: str) -> None:
    done = changed.here(*GATE, f"--base={base}")
    assert done.code == 2
    assert done.err.startswith(f"error[E406]: '{base}' is no git revision\n")
    assert not (changed.root / "canary").exists()


def test_a_shallow_clone_says_what_to_fetch(changed: Project, tmp_path: Path) -> None:
    clone = tmp_path / "shallow"
    changed.git("clone", "--quiet", "--depth=1", f"file://{changed.root}", str(clone))
    done = Project(clone, changed.variables).here(*GATE, "--base", "HEAD^1")
    assert done.code == 2
    assert done.err == (
        "error[E405]: this clone is shallow and knows no commit 'HEAD^1'\n"
        " help: fetch the whole history: git fetch --unshallow (in CI: fetch-depth: 0)\n"
    )


def test_without_a_repository(changed: Project, tmp_path: Path) -> None:
    (changed.root / ".git").rename(tmp_path / "gone")
    done = changed.here(*GATE)
    assert done.code == 2
    assert done.err.startswith(f"error[E407]: {changed.root} is not in a git repository\n")


def test_without_a_project(empty_folder: Project) -> None:
    done = empty_folder.here(*GATE, "--offline")
    assert done.code == 2
    assert "a gate judges the manifests of a project: run it in one" in done.err


def test_an_environment_that_the_project_does_not_have(changed: Project) -> None:
    for more in ((), ("--offline",)):
        done = changed.here(*GATE, "--env", "prodction", *more)
        assert done.code == 2
        assert "did you mean 'production'?" in done.err


def test_without_an_environment(changed: Project) -> None:
    done = changed.here("gate", "--base", "main")
    assert done.code == 2
    assert "Missing option '--env'" in done.err


@pytest.mark.parametrize("where", ["manifests/other", "manifests/greeter/other"])
def test_a_submodule_among_the_units_is_no_unit_and_no_file(changed: Project, where: str) -> None:
    changed.git("update-index", "--add", "--cacheinfo", f"160000,{changed.head},{where}")
    changed.git("commit", "--quiet", "--message", "a submodule")

    assert changed.here(*GATE).code == 0
    assert changed.here("deploy", "--all", "--env", "production").code == 0


def test_a_submodule_that_a_manifest_names_is_a_finding(changed: Project) -> None:
    changed.git("rm", "--quiet", "manifests/greeter/system.md")
    link = f"160000,{changed.head},manifests/greeter/system.md"
    changed.git("update-index", "--add", "--cacheinfo", link)
    changed.git("commit", "--quiet", "--message", "a submodule")

    done = changed.here(*GATE)

    assert done.code == 1
    assert "E402" in done.out
    assert "is a submodule" in done.out
