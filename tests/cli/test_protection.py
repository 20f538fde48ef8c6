"""A protected environment takes merged commits from CI, or a person who says why not."""

from collections.abc import Callable

import pytest

from promptops.live.store import Store
from tests.cli.projects import ADA, Project

PLACE = ("--env", "production")
DEPLOY = ("deploy", "greeter", *PLACE, "--yes")
CI = {"CI": "true"}


@pytest.fixture
def protected(deployed: Project) -> Project:
    """Production takes commits on main only; greeter is changed on main."""
    text = (deployed.root / "promptops.yaml").read_text()
    deployed.write(
        "promptops.yaml", text.replace('_STORE}"}', '_STORE}", protected: true, branch: main}')
    )
    deployed.says("greeter", "Good evening.")
    return deployed


def refused(project: Project, *command: str, **variables: str) -> tuple[str, str]:
    done = project.here(*command, "--json", **variables)
    assert (done.code, done.json["refused"]["code"]) == (3, "protected"), done
    return done.json["refused"]["message"], done.json["refused"]["hint"]


def test_ci_deploys_what_is_merged(protected: Project, store: Store) -> None:
    assert protected.run(*DEPLOY, **CI).code == 0
    assert store.history(limit=1)[0].commit == protected.head


def test_a_laptop_does_not(protected: Project, contents: Callable[[], object]) -> None:
    before = contents()
    for command in (DEPLOY, ("deploy", "--all", *PLACE, "--yes")):
        assert refused(protected, *command) == (
            "production is protected: it is deployed from CI, and this is none",
            (
                "merge it to main and let CI deploy (it sets CI=true); in an emergency: "
                '--break-glass "WHY", which the history shows'
            ),
        )
    refused(protected, *DEPLOY, CI="false")
    assert contents() == before
    dry = protected.here(*DEPLOY, "--dry-run")
    assert (dry.code, "warning: without --dry-run this is refused: production is" in dry.err) == (
        0,
        True,
    )
    assert protected.here("deploy", "farewell", *PLACE).code == 0, "it is live already"


def test_naming_the_store_is_no_way_around(protected: Project, store_url: str) -> None:
    refused(protected, *DEPLOY, "--store", store_url)


def test_a_commit_beside_the_branch_does_not_go_live(
    protected: Project, contents: Callable[[], object]
) -> None:
    before = contents()
    protected.git("switch", "--quiet", "--create", "feature")
    commit = protected.says("greeter", "Good night.")
    message, hint = refused(protected, *DEPLOY, **CI)
    assert message == (
        f"production takes commits on main only, and commit {commit[:12]} is not on it"
    )
    assert hint.startswith("merge it to main first; ")
    protected.git("tag", "main")
    assert refused(protected, *DEPLOY, **CI)[0] == message, "a tag is no branch"
    assert contents() == before
    protected.git("tag", "--delete", "main")
    protected.git("update-ref", "refs/remotes/origin/main", commit)
    assert protected.run(*DEPLOY, **CI).code == 0


def test_a_clone_without_the_branch_cannot_tell(protected: Project) -> None:
    protected.git("switch", "--quiet", "--detach")
    protected.git("branch", "--quiet", "-D", "main")
    message, hint = refused(protected, *DEPLOY, **CI)
    assert message == "production takes commits on main only, a branch that this clone has not"
    assert hint.startswith("git fetch origin main (in CI: fetch-depth: 0); ")


def test_broken_glass_stands_out(protected: Project, store: Store) -> None:
    protected.git("switch", "--quiet", "--create", "feature")
    protected.says("greeter", "Good night.")
    assert protected.here(*DEPLOY, "--break-glass", " ").code == 2
    done = protected.run(*DEPLOY, "--reason", "refunds", "--break-glass", "the runners are down")
    assert done.code == 0
    entry = protected.here("history", *PLACE, "--json").json["entries"][0]
    assert (entry["reason"], entry["break_glass"]) == ("refunds", "the runners are down")
    said = protected.here("history", *PLACE).out.splitlines()
    assert said[0].endswith(ADA)
    assert said[1:3] == ["    refunds", "    BREAK-GLASS the runners are down"]
    line = "BREAK-GLASS greeter was deployed past the protection: the runners are down"
    assert line in protected.here("status", *PLACE).out.splitlines()
    units = protected.here("status", *PLACE, "--json").json["units"]
    assert [unit.get("break_glass") for unit in units] == [None, "the runners are down"]
    protected.git("switch", "--quiet", "main")
    assert protected.run(*DEPLOY, "--allow-older", **CI).code == 0
    assert "BREAK-GLASS" not in protected.here("status", *PLACE).out
    assert "break_glass" not in protected.here("history", *PLACE, "--json").json["entries"][0]


def test_a_rollback_is_held_up_by_neither(protected: Project, store: Store) -> None:
    assert protected.run(*DEPLOY, **CI).code == 0
    protected.git("switch", "--quiet", "--create", "feature")
    done = protected.run("rollback", "greeter", *PLACE, "--yes", PATH="/nowhere")
    assert done.code == 0
    assert store.history(limit=1)[0].action == "rollback"


def test_a_restore_takes_what_is_merged_from_anybody_and_nothing_else(
    protected: Project, contents: Callable[[], object]
) -> None:
    protected.git("checkout", "--quiet", "-b", "unmerged")
    protected.says("greeter", "Anything goes.")
    before = contents()
    restore = ("restore", "--env", "production", "--yes", "--json", "--from-git")
    for asked in ((), ("--dry-run",)):
        done = protected.here(*restore, "HEAD", *asked)
        assert (done.code, done.json["refused"]["code"], contents()) == (3, "protected", before)
        assert "--force" in done.json["refused"]["hint"]
    assert protected.here(*restore, "main", "--dry-run").code == 0
    assert protected.here(*restore, "main", "--force").code == 0
    assert "BREAK-GLASS" not in protected.here("history", *PLACE).out


def test_a_restore_that_is_forced_past_the_protection_stands_out_too(protected: Project) -> None:
    protected.git("checkout", "--quiet", "-b", "unmerged")
    commit = protected.says("greeter", "Anything goes.")
    restore = ("restore", *PLACE, "--yes", "--reason", "the store is gone", "--from-git", "HEAD")
    said = (
        "warning: past the protection, as the history will show: production takes commits on main "
        f"only, and commit {commit[:12]} is not on it\n"
    )
    dry = protected.here(*restore, "--force", "--dry-run")
    assert (dry.code, dry.err) == (0, said)
    done = protected.here(*restore, "--force")
    assert (done.code, done.err.startswith(said)) == (0, True)
    why = "--force: the store is gone"
    assert f"    BREAK-GLASS {why}" in protected.here("history", *PLACE).out.splitlines()
    line = f"BREAK-GLASS greeter was deployed past the protection: {why}"
    assert line in protected.here("status", *PLACE).out.splitlines()
    assert protected.here("verify", *PLACE).code == 0
