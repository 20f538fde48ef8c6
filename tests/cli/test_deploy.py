"""deploy: what becomes live, what is said about it, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest

from promptops import Client
from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.projects import Project, everywhere, short
from tests.conftest import Opener

Contents = Callable[[], object]


@everywhere
def test_a_deployed_prompt_is_served_by_an_app(git_project: Project, store_url: str) -> None:
    done = git_project.run("deploy", "--all", "--env", "production", "--create", "-o", "json")
    assert (done.code, done.err) == (0, "")
    with Client(store_url, environment="production", app="helpdesk") as client:
        client.wait_ready(5)
        served = client.get("greeter")
    operation = done.json["operation"]
    assert len(operation) == 36
    assert done.json == {
        "environment": "production",
        "epoch": 1,
        "revision": 1,
        "operation": operation,
        "action": "deploy",
        "changes": [
            {"unit": "farewell", "from": None, "to": git_project.digest("farewell")},
            {"unit": "greeter", "from": None, "to": served.digest},
        ],
        "skipped": [],
        "clients": None,
    }
    assert served.messages[0].content == "Good morning.\n"
    assert served.revision == 1


def test_the_text_says_what_changed_and_where_the_environment_is(
    deployed: Project, store: Store
) -> None:
    before = deployed.digest("greeter")
    deployed.says("greeter", "Good evening.")
    deployed.unit("newcomer", "Hello, I am new.")
    deployed.commit("newcomer")
    done = deployed.here("deploy", "--all", "--env", "production")
    assert done.code == 0
    assert done.err == ""
    assert done.out == (
        "production is at revision 2 (deploy)\n"
        f"  greeter  {short(before)} → {short(deployed.digest('greeter'))}\n"
        f"  newcomer  (new) → {short(deployed.digest('newcomer'))}\n"
    )
    assert store.read().head == Head(1, 2)


def test_several_units_change_in_one_revision(deployed: Project, store: Store) -> None:
    deployed.says("greeter", "Good evening.")
    deployed.says("farewell", "See you tomorrow.")
    done = deployed.run("deploy", "greeter", "farewell", "--env", "production", "--json")
    assert (done.code, done.json["revision"]) == (0, 2)
    assert [change["unit"] for change in done.json["changes"]] == ["farewell", "greeter"]
    assert {unit: live.revision for unit, live in store.read().pointers.items()} == {
        "farewell": 2,
        "greeter": 2,
    }


def test_only_the_named_unit_moves(deployed: Project, store: Store) -> None:
    deployed.says("farewell", "See you tomorrow.")
    deployed.says("greeter", "Good evening.")
    assert deployed.here("deploy", "greeter", "--env", "production").code == 0
    assert {unit: live.revision for unit, live in store.read().pointers.items()} == {
        "farewell": 1,
        "greeter": 2,
    }


def test_what_is_live_already_makes_no_revision(deployed: Project, contents: Contents) -> None:
    before = contents()
    deployed.write("README.md", "An unrelated commit.")
    deployed.commit("README")
    done = deployed.here("deploy", "--all", "--env", "production", "--json")
    assert (done.code, done.json["action"], done.json["revision"]) == (0, "none", 1)
    assert done.json["changes"] == []
    said = deployed.here("deploy", "greeter", "--env", "production")
    assert (said.code, said.out) == (0, "production: nothing to do, revision 1 stays\n")
    assert contents() == before


def test_all_leaves_what_does_not_differ_alone(deployed: Project, store: Store) -> None:
    deployed.says("greeter", "Good evening.")
    done = deployed.here("deploy", "--all", "--env", "production", "--json")
    assert [change["unit"] for change in done.json["changes"]] == ["greeter"]
    assert store.read().pointers["farewell"].revision == 1


def test_what_the_entry_says_is_what_was_asked(deployed: Project, store: Store) -> None:
    commit = deployed.says("greeter", "Good evening.")
    done = deployed.run(
        *("deploy", "greeter", "--env", "production"),
        *("--reason", "the shop closes late", "--operation", "ticket-4711", "--json"),
    )
    assert done.json["operation"] == "ticket-4711"
    entry = store.history(limit=1)[0]
    assert entry.reason == "the shop closes late"
    assert entry.operation == "ticket-4711"
    assert entry.commit == commit
    assert entry.actor == "Ada <ada@example.com>"


# --- dry runs -------------------------------------------------------------------------------------


@everywhere
def test_a_dry_run_writes_nothing_not_even_releases(deployed: Project, contents: Contents) -> None:
    before = contents()
    live = deployed.digest("greeter")
    deployed.says("greeter", "Good evening.")
    done = deployed.run("deploy", "--all", "--env", "production", "--dry-run", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json == {
        "environment": "production",
        "epoch": 1,
        "revision": 1,
        "operation": done.json["operation"],
        "action": "deploy",
        "changes": [{"unit": "greeter", "from": live, "to": deployed.digest("greeter")}],
        "skipped": [],
        "clients": None,
        "dry_run": True,
    }
    said = deployed.here("deploy", "greeter", "--env", "production", "--dry-run")
    assert said.out == (
        "production is at revision 1; a deploy would change:\n"
        f"  greeter  {short(live)} → {short(deployed.digest('greeter'))}\n"
    )
    assert contents() == before


def test_a_dry_run_makes_no_environment_even_where_it_could(
    git_project: Project, contents: Contents
) -> None:
    options = ("--env", "production", "--create", "--dry-run", "--wait")
    done = git_project.here("deploy", "--all", *options, "--json")
    assert done.code == 0
    assert (done.json["epoch"], done.json["revision"], done.json["clients"]) == (None, None, None)
    assert len(done.json["changes"]) == 2
    said = git_project.here("deploy", "--all", *options)
    assert said.out.startswith("production is at revision 0; a deploy would change:\n")
    assert contents() in (None, {})


def test_a_dry_run_refuses_what_the_deploy_would_refuse(rolled_back: Project) -> None:
    done = rolled_back.here("deploy", "greeter", "--env", "production", "--dry-run", "--json")
    assert (done.code, done.json["refused"]["code"]) == (3, "held")


# --- a plan that was reviewed ---------------------------------------------------------------------


def test_a_plan_of_another_revision_is_refused(deployed_twice: Project, contents: Contents) -> None:
    before = contents()
    deployed_twice.says("greeter", "Good night.")
    expect = ("deploy", "greeter", "--env", "production", "--expect-revision")
    done = deployed_twice.here(*expect, "1", "-o", "json")
    assert done.code == 3
    assert done.err == (
        "error[moved]: the environment is at revision 2, not at 1\n"
        " help: look at promptops history --env production, then deploy with the new "
        "--expect-revision\n"
    )
    assert done.json == {
        "environment": "production",
        "epoch": 1,
        "revision": 2,
        "operation": done.json["operation"],
        "action": "none",
        "changes": [],
        "skipped": [],
        "clients": None,
        "refused": {
            "code": "moved",
            "message": "the environment is at revision 2, not at 1",
            "hint": (
                "look at promptops history --env production, then deploy with the new "
                "--expect-revision"
            ),
        },
    }
    assert contents() == before
    assert deployed_twice.here(*expect, "2").code == 0


def test_a_new_environment_is_at_revision_0(git_project: Project, store: Store) -> None:
    command = ("deploy", "--all", "--env", "production", "--create", "--expect-revision")
    assert git_project.here(*command, "1").code == 3
    assert store.read().head is None
    assert git_project.here(*command, "0").code == 0


# --- environments that the store does not hold ----------------------------------------------------


@everywhere
def test_an_environment_never_held_is_not_made_by_a_wrong_url(
    git_project: Project, store_url: str, contents: Contents
) -> None:
    done = git_project.run("deploy", "--all", "--env", "production", "-o", "json")
    shown = store_url.partition("?")[0]
    message = f"{shown} does not hold an environment 'production'"
    hint = (
        "if it never did: check the store's URL and the name, or promptops deploy --all --env "
        "production --create; if it lost it: promptops restore --env production --from FILE, or "
        "without an export: promptops restore --env production --from-git REV"
    )
    assert done.code == 3
    assert done.err == f"error[no-environment]: {message}\n help: {hint}\n"
    assert done.json == {
        "environment": "production",
        "epoch": None,
        "revision": None,
        "operation": done.json["operation"],
        "action": "none",
        "changes": [],
        "skipped": [],
        "clients": None,
        "refused": {"code": "no-environment", "message": message, "hint": hint},
    }
    assert contents() in (None, {})


@everywhere
def test_the_url_of_staging_does_not_become_production(
    git_project: Project, store_url: str, opened: Opener, contents: Contents
) -> None:
    git_project.deploy(opened(store_url, "staging"))
    before = contents()
    done = git_project.run("deploy", "--all", "--env", "production")
    assert done.code == 3
    assert contents() == before


@everywhere
def test_create_is_harmless_where_the_environment_is(deployed: Project, store: Store) -> None:
    command = ("deploy", "--all", "--env", "production", "--create", "--json")
    assert deployed.run(*command).json["action"] == "none"
    deployed.says("greeter", "Good evening.")
    assert deployed.here(*command).json["revision"] == 2
    assert [entry.revision for entry in store.history()] == [2, 1]


def test_the_project_file_can_allow_the_making(git_project: Project, opened: Opener) -> None:
    assert git_project.here("deploy", "--all", "--env", "local").code == 0
    local = opened(f"sqlite:///{git_project.root}/.promptops/local.db", "local")
    assert local.read().head == Head(1, 1)
    assert git_project.git("status", "--porcelain") == ""


# --- commits --------------------------------------------------------------------------------------


def test_a_change_that_was_not_committed_is_not_deployed(deployed: Project, store: Store) -> None:
    commit = deployed.says("greeter", "Good evening.")
    deployed.write("manifests/greeter/system.md", "Only half written\n")
    done = deployed.run("deploy", "greeter", "--env", "production", "--json")
    assert done.code == 0
    assert done.err == (
        "manifests/greeter/system.md:1:1: warning[W404]: the work tree differs from commit "
        f"{commit[:12]}; the commit is deployed\n"
        "  = help: commit the change if it was meant to go live\n"
        "\n"
    )
    data = store.release(done.json["changes"][0]["to"])
    assert data is not None
    assert b"Good evening." in data


def test_a_file_that_was_deleted_but_not_committed_is_deployed(deployed: Project) -> None:
    commit = deployed.says("greeter", "Good evening.")
    (deployed.root / "manifests/greeter/system.md").unlink()
    done = deployed.here("deploy", "greeter", "--env", "production")
    assert done.code == 0
    assert f"warning[W404]: the work tree differs from commit {commit[:12]}" in done.err


@pytest.mark.parametrize("name", ["id", "short id", "tag", "annotated tag", "branch", "parent"])
def test_a_commit_can_be_named_in_every_way_of_git(
    deployed: Project, store: Store, name: str
) -> None:
    commit = deployed.says("greeter", "Good evening.")
    deployed.git("tag", "v2")
    deployed.git("tag", "--annotate", "v2.0", "--message", "two")
    deployed.git("branch", "release/2")
    deployed.says("greeter", "Good night.")
    spelled = {
        "id": commit,
        "short id": commit[:9],
        "tag": "v2",
        "annotated tag": "v2.0",
        "branch": "release/2",
        "parent": "HEAD~1",
    }[name]
    # The work tree is that of another commit, which W404 says.
    done = deployed.here("deploy", "greeter", "--env", "production", "--commit", spelled)
    assert done.code == 0
    live = store.read().pointers["greeter"]
    assert live.commit == commit
    assert live.digest == deployed.digest("greeter", commit=commit)


def test_an_older_commit_is_refused_unless_it_is_allowed(
    deployed_twice: Project, contents: Contents, store: Store
) -> None:
    older, newer = deployed_twice.git("rev-parse", "HEAD~1", "HEAD").split()
    live = short(deployed_twice.digest("greeter"))
    before = contents()
    command = ("deploy", "greeter", "--env", "production", "--commit", "HEAD~1")
    done = deployed_twice.run(*command, "--json")
    message = f"greeter is live from commit {newer[:12]}, and {older[:12]} is older than that"
    hint = (
        "to go back: promptops rollback greeter; to deploy the older commit all the same: "
        f"--allow-older (live is {live})"
    )
    assert done.code == 3
    assert done.json["refused"] == {"code": "older", "message": message, "hint": hint}
    assert done.err.endswith(f"error[older]: {message}\n help: {hint}\n")
    assert contents() == before
    assert deployed_twice.run(*command, "--allow-older").code == 0
    assert store.read().pointers["greeter"].commit == older


def test_older_is_a_question_of_each_unit(deployed_twice: Project, store: Store) -> None:
    """farewell is live from the first commit, so the first commit is not older for it."""
    first = deployed_twice.git("rev-parse", "HEAD~1")
    deployed_twice.says("farewell", "Bye.")
    assert deployed_twice.here("deploy", "farewell", "--env", "production").code == 0
    done = deployed_twice.here(
        "deploy", "farewell", "greeter", "--env", "production", "--commit", "HEAD~1", "--json"
    )
    assert (done.code, done.json["refused"]["code"]) == (3, "older")
    assert done.json["refused"]["message"].startswith("farewell is live from commit")
    assert store.read().head == Head(1, 3)
    assert first


def test_a_commit_of_another_branch_is_not_older(deployed_twice: Project) -> None:
    deployed_twice.git("checkout", "--quiet", "-b", "fix", "HEAD~1")
    deployed_twice.says("greeter", "Good day.")
    assert deployed_twice.here("deploy", "greeter", "--env", "production").code == 0


def test_a_dirty_work_tree_is_deployed_where_that_is_allowed(
    git_project: Project, opened: Opener
) -> None:
    git_project.write("manifests/greeter/system.md", "Only half written\n")
    done = git_project.here("deploy", "greeter", "--env", "local", "--dirty", "--json")
    assert (done.code, done.err) == (0, "")
    local = opened(f"sqlite:///{git_project.root}/.promptops/local.db", "local")
    pointer = local.read().pointers["greeter"]
    data = local.release(pointer.digest)
    assert pointer.commit is None
    assert data is not None
    assert b"Only half written" in data


def test_a_dirty_work_tree_is_refused_elsewhere(deployed: Project, contents: Contents) -> None:
    deployed.write("manifests/greeter/system.md", "Only half written\n")
    before = contents()
    done = deployed.here("deploy", "greeter", "--env", "production", "--dirty", "-o", "json")
    message = "production takes commits only, not the work tree"
    hint = "commit, then deploy; or set allow_dirty: true for this environment in promptops.yaml"
    assert done.code == 3
    assert done.err == f"error[dirty]: {message}\n help: {hint}\n"
    assert done.json == {
        "environment": "production",
        "epoch": 1,
        "revision": 1,
        "operation": done.json["operation"],
        "action": "none",
        "changes": [],
        "skipped": [],
        "clients": None,
        "refused": {"code": "dirty", "message": message, "hint": hint},
    }
    assert contents() == before


def test_a_dirty_work_tree_is_of_no_commit(git_project: Project) -> None:
    done = git_project.here("deploy", "--all", "--env", "local", "--dirty", "--commit", "HEAD~1")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: --dirty excludes --commit and --plan\n help: promptops deploy --help\n"
    )


# --- holds ----------------------------------------------------------------------------------------


@everywhere
def test_a_held_release_is_refused_and_the_way_out_is_said(
    rolled_back: Project, contents: Contents
) -> None:
    held = rolled_back.digest("greeter")
    before = contents()
    done = rolled_back.run("deploy", "greeter", "--env", "production", "-o", "json")
    message = f"{short(held)} is held for greeter: invents refunds (2026-11-20T10:00:00.000Z)"
    hint = (
        "a changed prompt deploys without ceremony; to allow this very one again: "
        f"promptops hold greeter {short(held)} --lift --env production"
    )
    assert done.code == 3
    assert done.err == f"error[held]: {message}\n help: {hint}\n"
    assert done.json["refused"] == {"code": "held", "message": message, "hint": hint}
    assert (done.json["action"], done.json["revision"]) == ("none", 3)
    assert contents() == before
    lifted = rolled_back.here("hold", "greeter", short(held), "--lift", "--env", "production")
    assert lifted.code == 0
    assert rolled_back.here("deploy", "greeter", "--env", "production").code == 0


def test_a_held_release_is_refused_from_whatever_commit_it_comes(rolled_back: Project) -> None:
    rolled_back.write("README.md", "An unrelated merge.")
    rolled_back.commit("README")
    manifest = rolled_back.root / "manifests/greeter/manifest.yaml"
    manifest.write_text(manifest.read_text("utf-8").replace("Says a word", "Says a line"), "utf-8")
    rolled_back.commit("another description")
    done = rolled_back.here("deploy", "greeter", "--env", "production", "--json")
    assert (done.code, done.json["refused"]["code"]) == (3, "held")


@everywhere
def test_deploy_on_merge_stays_green_and_skips_what_is_held(
    rolled_back: Project, store: Store
) -> None:
    held = rolled_back.digest("greeter")
    rolled_back.says("farewell", "See you tomorrow.")
    done = rolled_back.run("deploy", "--all", "--env", "production", "-o", "json")
    why = "held: invents refunds (2026-11-20T10:00:00.000Z)"
    assert done.code == 0
    assert done.json["skipped"] == [{"unit": "greeter", "digest": held, "why": why}]
    assert done.err == f"skipped greeter: {short(held)} {why}\n"
    assert [change["unit"] for change in done.json["changes"]] == ["farewell"]
    assert (done.json["action"], done.json["revision"]) == ("deploy", 4)
    live = store.read().pointers
    assert live["greeter"].digest == rolled_back.digest("greeter", commit="HEAD~2")
    assert live["farewell"].digest == rolled_back.digest("farewell")


def test_only_held_units_are_nothing_to_do(rolled_back: Project, contents: Contents) -> None:
    before = contents()
    done = rolled_back.here("deploy", "--all", "--env", "production")
    assert (done.code, done.out) == (0, "production: nothing to do, revision 3 stays\n")
    assert done.err.startswith("skipped greeter: ")
    assert contents() == before


def test_a_mended_prompt_deploys_without_ceremony(rolled_back: Project, store: Store) -> None:
    rolled_back.says("greeter", "Good evening, without refunds.")
    done = rolled_back.here("deploy", "--all", "--env", "production", "--json")
    assert (done.code, done.json["revision"], done.json["skipped"]) == (0, 4, [])
    assert store.read().pointers["greeter"].digest == rolled_back.digest("greeter")


# --- what cannot be meant -------------------------------------------------------------------------


@pytest.mark.parametrize("units", [(), ("greeter", "--all")])
def test_a_deploy_is_of_named_units_or_of_all(git_project: Project, units: tuple[str]) -> None:
    done = git_project.here("deploy", *units, "--env", "local")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: name the units to deploy or say --all or --plan FILE, one of them\n"
        " help: promptops deploy --help\n"
    )


def test_an_unknown_unit_is_answered_with_the_nearest(deployed: Project) -> None:
    done = deployed.here("deploy", "greter", "--env", "production", "--json")
    assert (done.code, done.out) == (2, "")
    assert (
        done.err == "error[E404]: manifests has no unit 'greter'\n help: did you mean 'greeter'?\n"
    )


def test_a_unit_that_resembles_none_is_answered_with_all(deployed: Project) -> None:
    deployed.unit("zebra", "Not committed.")
    done = deployed.here("deploy", "zebra", "--env", "production")
    assert (done.code, done.err) == (
        2,
        (
            "error[E404]: manifests has no unit 'zebra'\n"
            " help: its units are: farewell, greeter; a new one is committed first\n"
        ),
    )


def test_a_commit_without_units_is_not_a_deployment_of_nothing(git_project: Project) -> None:
    git_project.git("rm", "--quiet", "-r", "--cached", "manifests")
    git_project.git("commit", "--quiet", "--message", "no manifests")
    done = git_project.here("deploy", "--all", "--env", "local")
    assert (done.code, done.err) == (
        2,
        (
            "error[E404]: manifests holds no unit\n"
            " help: commit a unit's folder there, or change `manifests:` in promptops.yaml\n"
        ),
    )
    assert not (git_project.root / ".promptops").exists()


def test_a_commit_that_git_does_not_know(deployed: Project) -> None:
    done = deployed.here("deploy", "--all", "--env", "production", "--commit", "v9")
    assert (done.code, done.err) == (
        2,
        (
            "error[E406]: git knows no commit 'v9'\n"
            " help: name a branch, a tag or a commit; one of elsewhere is fetched first\n"
        ),
    )


@pytest.mark.parametrize("name", ["--output=canary", "-h", "--upload-pack=touch canary"])
def test_a_commit_is_never_taken_for_an_option_of_git(deployed: Project, name: str) -> None:
    done = deployed.here("deploy", "--all", "--env", "production", f"--commit={name}")
    assert (done.code, done.err) == (
        2,
        f"error[E406]: '{name}' is no git revision\n help: name a branch, a tag or a commit\n",
    )
    assert not list(deployed.root.rglob("canary*"))


def test_invalid_manifests_are_listed_and_nothing_is_deployed(
    deployed: Project, contents: Contents
) -> None:
    before = contents()
    deployed.says("farewell", "See you tomorrow.")
    deployed.says("greeter", "Good morning, {{ gest }}.")
    done = deployed.run("deploy", "--all", "--env", "production", "--json")
    assert (done.code, done.out) == (1, "")
    assert "manifests/greeter/system.md:1:15: error[E302]: " in done.err
    assert done.err.endswith(
        "error: 1 error in the manifests; nothing was deployed\n"
        " help: mend what is listed above, then: promptops validate\n"
    )
    assert contents() == before


def test_an_invalid_unit_does_not_stop_the_others(deployed: Project, store: Store) -> None:
    deployed.says("farewell", "See you tomorrow.")
    deployed.says("greeter", "Good morning, {{ gest }}.")
    assert deployed.here("deploy", "farewell", "--env", "production").code == 0
    assert store.read().pointers["farewell"].revision == 2


def test_the_overlay_of_the_environment_is_what_is_deployed(
    git_project: Project, store_url: str, opened: Opener
) -> None:
    url = ("--store", store_url)
    git_project.here("deploy", "--all", "--env", "production", "--create")
    git_project.here("deploy", "--all", *url, "--env", "staging", "--create")
    temperatures: dict[str, Any] = {}
    for environment in ("production", "staging"):
        shown = git_project.here("show", "greeter", *url, "--env", environment, "--json")
        temperatures[environment] = shown.json["release"]["params"]["temperature"]
    assert temperatures == {"production": 0.2, "staging": 0.7}
