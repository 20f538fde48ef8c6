"""deploy reads commits, in whatever state the clone is in, and runs nothing that the clone says."""

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.projects import PROJECT, PROMPTOPS, Project

Contents = Callable[[], object]

DEPLOY = ("deploy", "--all", "--env", "production", "--create")


def clone(project: Project, folder: Path, *options: str) -> Project:
    project.git("clone", "--quiet", *options, f"file://{project.root}", str(folder))
    return Project(folder, project.variables)


def test_a_shallow_clone_that_has_the_live_commit_deploys(
    deployed_twice: Project, store: Store, tmp_path: Path
) -> None:
    commit = deployed_twice.says("greeter", "Good night.")
    ci = clone(deployed_twice, tmp_path / "ci", "--depth", "2")
    done = ci.run(*DEPLOY)
    assert (done.code, store.read().pointers["greeter"].commit) == (0, commit)


def test_a_clone_that_lacks_the_live_commit_is_refused(
    deployed_twice: Project, store: Store, tmp_path: Path
) -> None:
    """A job that is run again has a clone without the commit that is live by now."""
    deployed_twice.says("greeter", "Good night.")
    ci = clone(deployed_twice, tmp_path / "ci", "--depth", "1")
    live = deployed_twice.says("greeter", "Good day.")
    deployed_twice.deploy(store)
    before = store.read()
    done = ci.run(*DEPLOY, "--json")
    assert (done.code, done.json["refused"]["code"]) == (3, "unknown-commit")
    assert done.err == (
        f"error[unknown-commit]: greeter is live from commit {live[:12]}, which this clone does "
        "not have: what is deployed may be older\n"
        " help: fetch first (in CI: fetch-depth: 0); to deploy all the same: --allow-older\n"
    )
    assert store.read() == before
    assert ci.run(*DEPLOY, "--allow-older").code == 0


def test_a_detached_head_deploys(deployed: Project, store: Store) -> None:
    commit = deployed.says("greeter", "Good evening.")
    deployed.git("checkout", "--quiet", "--detach")
    assert deployed.run(*DEPLOY).code == 0
    assert store.read().pointers["greeter"].commit == commit


def test_a_linked_work_tree_deploys_its_own_commit(
    deployed: Project, store: Store, tmp_path: Path
) -> None:
    deployed.git("worktree", "add", "--quiet", "-b", "fix", str(tmp_path / "fix"))
    fix = Project(tmp_path / "fix", deployed.variables)
    commit = fix.says("greeter", "Good evening.")
    assert fix.run(*DEPLOY).code == 0
    assert store.read().pointers["greeter"].commit == commit


def test_a_project_in_a_subfolder_of_its_repository(git_project: Project, store: Store) -> None:
    git_project.write(
        "services/desk/promptops.yaml",
        PROJECT.replace("environments:", "manifests: prompts/units\nenvironments:"),
    )
    git_project.unit("desk", "At your service.", folder="services/desk/prompts/units")
    git_project.commit("a project below")
    desk = Project(git_project.root / "services/desk", git_project.variables)
    done = desk.at("prompts").run(*DEPLOY)
    assert (done.code, done.err) == (0, "")
    assert sorted(store.read().pointers) == ["desk"]


def test_the_project_can_be_the_folder_of_the_units(git_project: Project, store: Store) -> None:
    git_project.write(
        "promptops.yaml", PROJECT.replace("environments:", "manifests: .\nenvironments:")
    )
    git_project.unit("top", "On top.", folder=".")
    git_project.commit("units beside the project file")
    done = git_project.run(*DEPLOY)
    assert (done.code, done.err) == (0, "")
    assert sorted(store.read().pointers) == ["top"]


@pytest.mark.parametrize(
    "command", ["validate", "deploy --all --env production", "plan --env production"]
)
def test_a_manifest_that_is_called_yml_is_not_passed_over(deployed: Project, command: str) -> None:
    deployed.unit("thanks", "Thank you.")
    deployed.git("add", ".")
    deployed.git("mv", "manifests/thanks/manifest.yaml", "manifests/thanks/manifest.yml")
    deployed.commit("thanks")
    done = deployed.here(*command.split())
    assert done.code == 1
    assert (
        "manifests/thanks/manifest.yml:1:1: error[E402]: a manifest is named manifest.yaml: this "
        "file would never be deployed\n  = help: rename manifest.yml to manifest.yaml\n"
    ) in done.out + done.err
    status = deployed.here("status", "--env", "production", "--json").json
    assert [unit["state"] for unit in status["units"]] == ["in sync", "in sync", "missing"]


@pytest.mark.parametrize("path", ["manifests/greeter", "manifests/greeter/manifest.yml"])
def test_a_manifest_that_is_called_yml_can_be_named(git_project: Project, path: str) -> None:
    git_project.git("mv", "manifests/greeter/manifest.yaml", "manifests/greeter/manifest.yml")
    done = git_project.here("validate", path)
    assert (done.code, done.err) == (1, "")
    assert "manifests/greeter/manifest.yml:1:1: error[E402]: " in done.out


def test_a_checkout_with_crlf_is_no_difference(deployed: Project, store: Store) -> None:
    before = deployed.digest("greeter")
    for path in deployed.root.glob("manifests/*/*"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    done = deployed.run("deploy", "--all", "--env", "production")
    assert (done.code, done.err) == (0, "")
    assert done.out == "production: nothing to do, revision 1 stays\n"
    assert store.read().pointers["greeter"].digest == before


def test_no_git_repository(empty_folder: Project, contents: Contents) -> None:
    empty_folder.write("promptops.yaml", PROJECT)
    empty_folder.unit("greeter", "Hello.")
    done = empty_folder.run(*DEPLOY)
    assert (done.code, done.err) == (
        2,
        (
            f"error[E407]: {empty_folder.root} is not in a git repository\n"
            " help: run this in a clone of the repository that holds the manifests\n"
        ),
    )
    assert contents() in (None, {})


def test_a_repository_without_commits(empty_folder: Project) -> None:
    empty_folder.git("init", "--quiet")
    empty_folder.write("promptops.yaml", PROJECT)
    empty_folder.unit("greeter", "Hello.")
    done = empty_folder.run(*DEPLOY)
    assert (done.code, done.err) == (
        2,
        "error[E406]: git knows no commit 'HEAD'\n help: commit first\n",
    )


def test_a_bare_repository(git_project: Project, tmp_path: Path) -> None:
    bare = clone(git_project, tmp_path / "bare.git", "--bare")
    bare.write("promptops.yaml", PROJECT)
    done = bare.run(*DEPLOY)
    assert (done.code, done.err) == (
        2,
        f"error[E407]: {bare.root} is in a bare repository\n help: clone it and run this there\n",
    )


def test_git_is_not_on_the_path(deployed: Project, contents: Contents, tmp_path: Path) -> None:
    before = contents()
    (tmp_path / "nothing").mkdir()
    done = deployed.run(*DEPLOY, PATH=str(tmp_path / "nothing"))
    assert (done.code, done.err) == (
        2,
        "error: git is not on the PATH\n help: install git; a rollback works without it\n",
    )
    assert contents() == before


def test_a_clone_of_another_user_is_not_trusted(deployed: Project) -> None:
    # What git's own tests set, so that this one needs no second user.
    done = deployed.run(*DEPLOY, GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert (done.code, done.err) == (
        2,
        (
            f"error[E407]: git does not trust {deployed.root}: another user owns it\n"
            f" help: git config --global --add safe.directory {deployed.root}\n"
        ),
    )


def test_the_variables_of_a_hook_do_not_lead_astray(
    deployed: Project, store: Store, tmp_path: Path
) -> None:
    other = Project(tmp_path / "other", deployed.variables)
    other.git("init", "--quiet")
    other.write("README.md", "not this one")
    other.commit("other")
    commit = deployed.says("greeter", "Good evening.")
    done = deployed.run(
        *DEPLOY,
        GIT_DIR=str(other.root / ".git"),
        GIT_WORK_TREE=str(other.root),
        GIT_INDEX_FILE=str(other.root / ".git/index"),
        GIT_OBJECT_DIRECTORY=str(other.root / ".git/objects"),
        GIT_COMMON_DIR=str(other.root / ".git"),
        GIT_PREFIX="nowhere/",
        GIT_NAMESPACE="elsewhere",
    )
    assert (done.code, done.err) == (0, "")
    assert store.read().pointers["greeter"].commit == commit


def test_a_deploy_out_of_a_hook(deployed: Project, store: Store) -> None:
    """Deploy on commit: git calls the hook with its own variables set."""
    hook = deployed.root / ".git/hooks/post-commit"
    environment = " ".join(f"{k}={shlex.quote(v)}" for k, v in deployed.variables.items())
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{environment} {PROMPTOPS} deploy --all --env production\n")
    hook.chmod(0o755)
    commit = deployed.says("greeter", "Good evening.")
    assert store.read().head == Head(1, 2)
    assert store.read().pointers["greeter"].commit == commit


@pytest.fixture
def hostile_clone(git_project: Project, store: Store) -> Project:
    """Its configuration runs a command wherever git lets it: the canary tells."""
    git_project.deploy(store)
    canary = git_project.root.parent / "canary"
    trap = git_project.root.parent / "trap"
    trap.write_text(f'#!/bin/sh\ntouch "{canary}"\n')
    trap.chmod(0o755)
    hooks = git_project.root.parent / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc"):
        shutil.copy(trap, hooks / name)
    git_project.write(".gitattributes", "* diff=evil filter=evil merge=evil\n")
    git_project.says("greeter", "Good evening.")
    for key, value in {
        "core.fsmonitor": str(trap),
        "core.hooksPath": str(hooks),
        "core.pager": str(trap),
        "core.editor": str(trap),
        "core.sshCommand": str(trap),
        "core.alternateRefsCommand": str(trap),
        "diff.external": str(trap),
        "diff.evil.textconv": str(trap),
        "diff.evil.command": str(trap),
        "filter.evil.clean": str(trap),
        "filter.evil.smudge": str(trap),
        "filter.evil.process": str(trap),
        "credential.helper": str(trap),
        "gpg.program": str(trap),
        "log.showSignature": "true",
        "alias.rev-parse": f"!{trap}",
        "alias.cat-file": f"!{trap}",
    }.items():
        git_project.git("config", key, value)
    git_project.write("manifests/farewell/system.md", "Not committed.\n")
    return git_project


def test_nothing_that_a_hostile_clone_configures_is_ever_run(hostile_clone: Project) -> None:
    canary = hostile_clone.root.parent / "canary"
    for command in (
        ("validate",),
        ("deploy", "--all", "--env", "production"),
        ("doctor", "--env", "production"),
        ("status", "--env", "production"),
        ("history", "--env", "production"),
        ("rollback", "greeter", "--env", "production"),
        ("show", "--path", "manifests/greeter"),
    ):
        assert hostile_clone.run(*command).code == 0, command
        assert not canary.exists(), command
    # The trap is armed: what people type all day long springs it.
    hostile_clone.shell("git", "status")
    assert canary.exists()


def test_a_clone_that_lacks_an_object(git_project: Project, store: Store) -> None:
    """As a partial clone does without a network."""
    blob = git_project.git("rev-parse", "HEAD:manifests/greeter/system.md")
    (git_project.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    done = git_project.run(*DEPLOY)
    assert (done.code, done.err) == (
        2,
        (
            f"error[E407]: the clone {git_project.root} lacks an object of commit "
            f"{git_project.head[:12]}\n help: see git fsck there, or clone it anew, whole\n"
        ),
    )
    assert store.read().head is None
