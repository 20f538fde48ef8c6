"""After a rollback git is brought in line, if it can be; the rollback never waits for that."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.apps import App
from tests.cli.projects import Project
from tests.github.api import TOKEN, Api

PLACE = ("--env", "production")
ROLLBACK = ("rollback", "greeter", *PLACE, "--revert")
BRANCH = "promptops/rollback-production-3"
STANDS = "warning: the rollback stands, and git still says otherwise: "


@pytest.fixture
def later(deployed_twice: Project) -> Project:
    """greeter says Good evening; since then farewell was changed, and something is unfinished."""
    deployed_twice.says("farewell", "Bye.")
    deployed_twice.write("manifests/greeter/system.md", "Not finished.\n")
    deployed_twice.write("manifests/farewell/system.md", "Staged.\n")
    deployed_twice.git("add", "manifests/farewell")
    return deployed_twice


def prompt(project: Project, commit: str, unit: str) -> str:
    return project.git("show", f"{commit}:manifests/{unit}/system.md")


def test_a_branch_takes_the_units_back_and_nothing_else(later: Project, store: Store) -> None:
    head, status = later.head, later.git("status", "--porcelain", "--branch")
    done = later.run(*ROLLBACK, "--reason", "invents refunds", "--json")
    assert (done.code, done.json["action"]) == (0, "rollback")
    commit = later.git("rev-parse", BRANCH)
    assert done.err == (
        f"branch {BRANCH} (commit {commit[:12]}) takes greeter back in git\n"
        f"push it: git push origin {BRANCH}\n"
    )
    assert (later.head, later.git("status", "--porcelain", "--branch")) == (head, status)
    assert later.git("rev-parse", f"{BRANCH}^") == head
    assert prompt(later, BRANCH, "greeter") == "Good morning."
    assert prompt(later, BRANCH, "farewell") == "Bye."
    assert later.git("diff", "--name-only", head, BRANCH) == "manifests/greeter/system.md"
    assert later.digest("greeter", commit=BRANCH) == store.read().pointers["greeter"].digest
    author, *message = later.git("show", "-s", "--format=%an <%ae>%n%B", BRANCH).splitlines()
    assert author == "Ada <ada@example.com>"
    assert message[0] == "Go back with greeter, as production has done"
    assert "invents refunds" in message
    later.git("fsck", "--strict")


def test_files_that_came_since_are_gone_and_those_that_went_are_back(
    deployed_twice: Project,
) -> None:
    deployed_twice.git("mv", "manifests/greeter/system.md", "manifests/greeter/other.md")
    manifest = (deployed_twice.root / "manifests/greeter/manifest.yaml").read_text()
    deployed_twice.write(
        "manifests/greeter/manifest.yaml", manifest.replace("system.md", "other.md")
    )
    deployed_twice.commit("another file")
    assert deployed_twice.run(*ROLLBACK).code == 0
    listed = deployed_twice.git("ls-tree", "--name-only", f"{BRANCH}:manifests/greeter")
    assert listed.split() == ["manifest.yaml", "system.md"]


def test_the_same_operation_finds_its_branch_again(later: Project) -> None:
    command = (*ROLLBACK, "--operation", "night-1")
    first = later.run(*command)
    commit = later.git("rev-parse", BRANCH)
    again = later.run(*command)
    assert (first.code, again.code, again.err) == (0, 0, first.err)
    assert later.git("rev-parse", BRANCH) == commit


def test_git_that_says_so_already_gets_no_branch(deployed_twice: Project) -> None:
    deployed_twice.says("greeter", "Good morning.")
    done = deployed_twice.run(*ROLLBACK)
    assert (done.code, done.err) == (0, "git is in line already\n")
    assert deployed_twice.git("branch", "--list", "promptops/*") == ""


def test_a_protected_branch_is_where_it_begins(later: Project) -> None:
    text = (later.root / "promptops.yaml").read_text()
    later.write("promptops.yaml", text.replace('_STORE}"}', '_STORE}", branch: main}'))
    main = later.head
    later.git("update-ref", "refs/remotes/origin/main", main)
    later.git("switch", "--quiet", "--create", "feature")
    later.git("commit", "--quiet", "--all", "--message", "unfinished")
    assert later.run(*ROLLBACK).code == 0
    assert later.git("rev-parse", f"{BRANCH}^") == main


def test_without_git_it_is_a_warning(
    later: Project, empty_folder: Project, store: Store, store_url: str
) -> None:
    done = later.run(*ROLLBACK, PATH="/nowhere")
    assert done.code == 0
    assert done.err == (
        f"{STANDS}git is not on the PATH (install git; a rollback works without it)\n"
    )
    assert store.read().head == Head(1, 3)
    done = empty_folder.run("rollback", "--to", "2", *PLACE, "--store", store_url, "--revert")
    assert (done.code, done.err.startswith(f"{STANDS}there is no promptops.yaml")) == (3, False)
    done = empty_folder.run(*ROLLBACK, "--force", "--to", "2", "--store", store_url)
    assert (done.code, done.err[: len(STANDS) + 30]) == (
        0,
        f"{STANDS}there is no promptops.yaml her",
    )
    assert store.read().head == Head(1, 4)


def test_a_hook_hears_of_nothing_and_a_branch_in_the_way_is_a_warning(later: Project) -> None:
    hook = later.write(".git/hooks/reference-transaction", "#!/bin/sh\ntouch canary\nexit 1\n")
    hook.chmod(0o755)
    assert later.run(*ROLLBACK).err.startswith(f"branch {BRANCH}")
    assert not list(later.root.rglob("canary"))
    hook.unlink()
    later.says("greeter", "Good night.")
    assert later.run("deploy", "greeter", *PLACE).code == 0
    later.git("branch", "promptops/rollback-production-5", "HEAD^")
    done = later.run(*ROLLBACK)
    assert done.code == 0
    name = "promptops/rollback-production-5"
    assert done.err == (
        f"{STANDS}there is a branch {name} already, with something else "
        f"(look at it, then: git branch -D {name})\n"
    )


def test_a_client_that_does_not_confirm_stops_it_not_and_keeps_its_exit_code(
    deployed_twice: Project, store: Store, store_url: str
) -> None:
    app = App(store_url, "desk")
    try:
        app.wait_until_present(store)
        app.stop()
        done = deployed_twice.run(*ROLLBACK, "--wait=0.2")
    finally:
        app.end()
    assert done.code == 5
    assert f"takes greeter back in git\npush it: git push origin {BRANCH}\n" in done.err
    assert "error[unconfirmed]" in done.err
    assert deployed_twice.git("rev-parse", "--verify", BRANCH)


class GitHub(Api):
    """It has a clone of its own, in which it makes trees and commits as GitHub does."""

    def __init__(self, clone: Project) -> None:
        super().__init__()
        self.clone = clone
        self.pulls: list[dict[str, Any]] = []

    def answer(self, method: str, target: str, token: str | None, body: Any) -> tuple[int, Any]:
        at = "/api/v3/repos/acme/prompts"
        if self.mood == "well" and target.startswith(at):
            self.tokens.add(token)
            match method, target.removeprefix(at):
                case "GET", "":
                    return 200, {"default_branch": "main"}
                case "POST", "/git/trees":
                    return 201, {"sha": self._tree(body)}
                case "POST", "/git/commits":
                    words = [word for each in body["parents"] for word in ("-p", each)]
                    message = ("-m", body["message"])
                    return 201, {
                        "sha": self.clone.git("commit-tree", body["tree"], *words, *message)
                    }
                case "POST", "/git/refs":
                    self.clone.git("update-ref", body["ref"], body["sha"], "")
                    return 201, {}
                case "POST", "/pulls":
                    self.pulls.append(body)
                    return 201, {"html_url": "https://github.com/acme/prompts/pull/8"}
        return super().answer(method, target, token, body)

    def _tree(self, body: Any) -> str:
        self.clone.git("read-tree", body["base_tree"])
        for each in body["tree"]:
            self.clone.git("rm", "-r", "--quiet", "--cached", "--ignore-unmatch", each["path"])
            self.clone.git("read-tree", f"--prefix={each['path']}/", each["sha"])
        return self.clone.git("write-tree")


@pytest.fixture
def github(later: Project, tmp_path: Path) -> Iterator[GitHub]:
    later.git("clone", "--quiet", "--no-hardlinks", ".", str(tmp_path / "github"))
    clone = Project(tmp_path / "github", later.variables)
    clone.git("config", "user.name", "GitHub")
    clone.git("config", "user.email", "noreply@github.example")
    api = GitHub(clone)
    later.variables |= {
        "GITHUB_API_URL": api.url,
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": "acme/prompts",
    }
    yield api
    api.close()


def test_with_a_token_there_is_a_pull_request(later: Project, github: GitHub) -> None:
    home = Path(later.variables["HOME"]) / ".gitconfig"
    home.write_text("")  # a runner has no name in git
    done = later.run(*ROLLBACK, "--reason", "invents refunds", GITHUB_ACTOR="bo")
    assert done.code == 0
    assert done.err.splitlines()[1:] == ["pull request: https://github.com/acme/prompts/pull/8"]
    assert later.git("show", "-s", "--format=%an", BRANCH) == "bo"
    (asked,) = github.pulls
    assert (asked["head"], asked["base"]) == (BRANCH, "main")
    assert asked["title"] == "Go back with greeter, as production has done"
    assert asked["body"].startswith("invents refunds\n")
    trees = (project.git("rev-parse", f"{BRANCH}^{{tree}}") for project in (later, github.clone))
    assert len(set(trees)) == 1
    assert github.tokens == {TOKEN}


@pytest.mark.parametrize("mood", ["read only", "down", "no JSON"])
def test_when_github_says_no_the_branch_is_there_to_push(
    later: Project, github: GitHub, mood: Any
) -> None:
    github.mood = mood
    done = later.run(*ROLLBACK, "--json")
    assert (done.code, json.loads(done.out)["action"]) == (0, "rollback")
    assert done.err.splitlines()[1].startswith("warning: no pull request: ")
    assert done.err.endswith(f"push it: git push origin {BRANCH}\n")
    assert TOKEN not in done.err
