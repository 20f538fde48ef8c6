"""What a team asks of its units: applied where something would move, and never by a rollback."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from promptops.live.store import Store
from tests.cli.projects import Ended, Project

SHORT = {
    "title": "max_tokens ≤ 1000",
    "required": ["params"],
    "properties": {
        "params": {
            "required": ["max_tokens"],
            "properties": {"max_tokens": {"maximum": 1000}},
        }
    },
}
OURS = {
    "title": "production uses only these models",
    "properties": {"model": {"properties": {"id": {"enum": ["gpt-4o-mini-2024-07-18"]}}}},
}
OWNED = {
    "description": "every unit has an owner of our domain",
    "properties": {"owners": {"contains": {"pattern": "@example\\.com$"}}},
}
BROKEN = {"properties": {"model": {"$ref": "https://example.com/model.json"}}}
ON_PRODUCTION = ("--env", "production")


def ask(project: Project, common: Any = None, production: Any = None, rules: str = "") -> None:
    """Name policies and severities in promptops.yaml; nothing of it is committed."""
    text = (project.root / "promptops.yaml").read_text("utf-8")
    if common is not None:
        project.write("policies/all.json", json.dumps(common))
        text = text.replace("environments:", "policy: [policies/all.json]\nenvironments:")
    if production is not None:
        project.write("policies/production.json", json.dumps(production))
        text = text.replace('STORE}"}', 'STORE}", policy: [policies/production.json]}')
    if rules:
        text = text.replace("environments:", f"rules: {rules}\nenvironments:")
    project.write("promptops.yaml", text)


def edit(project: Project, before: str, after: str) -> None:
    """Replace a text in greeter's manifest and commit that."""
    path = "manifests/greeter/manifest.yaml"
    text = (project.root / path).read_text("utf-8")
    assert before in text
    project.write(path, text.replace(before, after))
    project.commit(f"{before} → {after}")


def assert_stopped(done: Ended, *said: str) -> None:
    """A check said no, on stderr, and nothing went to stdout."""
    assert (done.code, done.out) == (1, "")
    assert "; nothing was deployed" in done.err or ", so there is no plan" in done.err, done.err
    for words in said:
        assert words in done.err, done.err


# --- validate -------------------------------------------------------------------------------------


def test_validate_applies_the_policies_for_all_environments(git_project: Project) -> None:
    ask(git_project, common=OWNED, production=SHORT)
    assert git_project.here("validate").code == 0
    edit(git_project, "ada@example.com", "ada@example.org")
    for paths in ((), ("manifests/greeter",), (str(git_project.root / "manifests"),)):
        done = git_project.here("validate", *paths)
        assert done.code == 1
        assert (
            "manifests/greeter/manifest.yaml:4:9: error[E600]: every unit has an owner of our "
            "domain: owners has no item that fits pattern"
        ) in done.out
        assert "4 | owners: [ada@example.org]\n  |         ^^^" in done.out


def test_validate_applies_those_of_an_environment_that_is_named(git_project: Project) -> None:
    ask(git_project, common=OWNED, production=SHORT)
    done = git_project.here("validate", *ON_PRODUCTION, "--json")
    assert done.code == 1
    assert {(each["line"], each["message"]) for each in done.json["findings"]} == {
        (6, "in production: max_tokens ≤ 1000: 'max_tokens' is missing in params")
    }
    assert git_project.here("validate", "--env", "local").code == 0


def test_validate_needs_an_environment_of_the_project(git_project: Project, tmp_path: Path) -> None:
    done = git_project.here("validate", "--env", "produktion")
    assert done.code == 2
    assert "promptops.yaml has no environment 'produktion'\n" in done.err
    assert "did you mean 'production'?" in done.err
    (git_project.root / "manifests").rename(tmp_path / "elsewhere")
    done = git_project.here("validate", "../elsewhere", *ON_PRODUCTION)
    assert (done.code, "there is no promptops.yaml in" in done.err) == (2, True)


def test_a_policy_that_cannot_be_applied_is_a_finding_of_validate(git_project: Project) -> None:
    ask(git_project, production=BROKEN)
    done = git_project.here("validate", "--json")
    assert done.code == 1
    (finding,) = done.json["findings"]
    assert (finding["code"], finding["file"]) == ("E224", "policies/production.json")


# --- plan and deploy ------------------------------------------------------------------------------


def test_plan_stops_at_what_a_policy_does_not_allow(deployed: Project) -> None:
    edit(deployed, "id: gpt-4o-mini-2024-07-18", "id: gpt-4o-2024-11-20")
    ask(deployed, production=OURS)
    for output in ("text", "json", "markdown"):
        done = deployed.here("plan", *ON_PRODUCTION, "--out", "plan.json", "-o", output)
        assert_stopped(
            done,
            "manifests/greeter/manifest.yaml:5:31: error[E600]: production uses only these models:",
            "then: promptops validate --env production",
        )
    assert not (deployed.root / "plan.json").exists()
    assert deployed.here("plan", "--env", "local").code == 0


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_deploy_stops_before_anything_is_written(
    deployed: Project, store: Store, more: tuple[str, ...]
) -> None:
    before = store.read()
    ask(deployed, common=SHORT)
    deployed.says("greeter", "Good evening.")
    done = deployed.run("deploy", "--all", *ON_PRODUCTION, *more)
    assert_stopped(done, "error[E600]: max_tokens ≤ 1000: 'max_tokens' is missing in params")
    assert "farewell" not in done.err
    assert store.read() == before


def test_what_is_live_and_does_not_move_is_not_judged_again(
    deployed: Project, store: Store
) -> None:
    ask(deployed, common={"properties": {"name": {"const": "farewell"}}})
    deployed.says("farewell", "Good evening.")
    assert deployed.here("plan", *ON_PRODUCTION).code == 0
    assert deployed.here("deploy", "--all", *ON_PRODUCTION).code == 0
    assert store.read().pointers["farewell"].revision == 2


def test_what_is_live_is_not_planned_anew_because_of_a_rule_that_came_later(
    deployed: Project, store: Store
) -> None:
    deployed.says("greeter", "Good\u200b morning.")
    deployed.deploy(store)
    ask(deployed, rules="{W106: {severity: error}}")
    assert deployed.here("plan", *ON_PRODUCTION, "--exit-code").code == 0
    deployed.says("greeter", "Good\u200b evening.")
    assert_stopped(deployed.here("plan", *ON_PRODUCTION), "error[W106]")


def test_the_overlay_is_what_a_policy_sees(deployed: Project, store: Store) -> None:
    edit(deployed, "  staging:", "  production: {params: {temperature: 1.5}}\n  staging:")
    steady = {"properties": {"params": {"properties": {"temperature": {"maximum": 1}}}}}
    ask(deployed, common={"title": "steady", **steady})
    done = deployed.here("deploy", "--all", *ON_PRODUCTION)
    assert_stopped(done, "manifest.yaml:18:38: error[E600]: steady: params.temperature is 1.5")
    assert deployed.here("deploy", "--all", "--env", "local").code == 0


def test_a_plan_that_was_made_before_a_policy_came_is_stopped_by_it(
    deployed: Project, store: Store
) -> None:
    deployed.says("greeter", "Good evening.")
    assert deployed.here("plan", *ON_PRODUCTION, "--out", "plan.json").code == 0
    ask(deployed, production=SHORT)
    before = store.read()
    assert_stopped(deployed.run("deploy", "--plan", "plan.json"), "error[E600]")
    assert store.read() == before


def test_an_older_commit_is_judged_by_what_is_asked_today(deployed: Project, store: Store) -> None:
    first = deployed.head
    deployed.says("greeter", "Good evening.")
    deployed.deploy(store)
    ask(deployed, production=SHORT)
    deployed.commit("ask for a limit")
    before = store.read()
    arguments = ("--all", *ON_PRODUCTION, "--commit", first, "--allow-older")
    assert_stopped(deployed.here("deploy", *arguments), "error[E600]")
    assert store.read() == before


def test_the_work_tree_is_judged_too(git_project: Project) -> None:
    ask(git_project, common=SHORT)
    assert_stopped(git_project.here("deploy", "--all", "--dirty", "--env", "local"), "error[E600]")
    assert not (git_project.root / ".promptops").exists()


def test_an_environment_of_no_project_is_asked_for_what_is_common(
    git_project: Project, tmp_path: Path
) -> None:
    ask(git_project, common=OWNED, production=SHORT)
    elsewhere = ("--store", f"sqlite:///{tmp_path}/other.db", "--env", "other")
    assert git_project.here("plan", *elsewhere).code == 0
    edit(git_project, "ada@example.com", "ada@example.org")
    assert_stopped(git_project.here("plan", *elsewhere), "error[E600]")


def test_a_lowered_policy_is_a_warning_with_its_reason(deployed: Project, store: Store) -> None:
    ask(deployed, common=SHORT, rules='{E600: {severity: warning, reason: "We still count."}}')
    deployed.says("greeter", "Good evening.")
    for command in (("plan",), ("deploy", "--all")):
        done = deployed.here(*command, *ON_PRODUCTION)
        assert done.code == 0
        assert "warning[E600]: max_tokens ≤ 1000" in done.err
        assert " = reason: We still count.\n" in done.err
    assert store.read().pointers["greeter"].revision == 2


# --- a policy or a rule that cannot be applied ----------------------------------------------------


@pytest.mark.parametrize("command", [("plan",), ("deploy", "--all")])
def test_a_broken_policy_stops_what_would_apply_it(
    deployed: Project, store: Store, command: tuple[str, ...]
) -> None:
    ask(deployed, production=BROKEN)
    before = store.read()
    done = deployed.here(*command, *ON_PRODUCTION)
    assert (done.code, done.out) == (2, "")
    assert "policies/production.json:1:35: error[E224]: the reference https://" in done.err
    assert "error: policies/production.json has errors\n" in done.err
    assert store.read() == before
    assert deployed.here("plan", "--env", "local").code == 0


def test_a_rollback_asks_for_nothing(deployed_twice: Project) -> None:
    refused = "{E302: {severity: warning, reason: x}, W999: {severity: error}}"
    ask(deployed_twice, common=BROKEN, rules=refused)
    done = deployed_twice.run("rollback", "greeter", *ON_PRODUCTION, "--reason", "rude")
    assert (done.code, done.err) == (0, "")
    for command in ("status", "history"):
        assert deployed_twice.here(command, *ON_PRODUCTION).code == 0
    assert deployed_twice.here("plan", *ON_PRODUCTION).code == 2


# --- severities -----------------------------------------------------------------------------------


@pytest.fixture
def floating(deployed: Project) -> Project:
    """greeter is committed with a version that moves."""
    edit(deployed, 'version: "2024-07-18"', "version: latest")
    return deployed


def test_an_error_that_is_lowered_lets_a_unit_go_live(floating: Project) -> None:
    assert floating.here("deploy", "--all", *ON_PRODUCTION).code == 1
    ask(floating, rules='{E215: {severity: warning, reason: "No versions there."}}')
    path = ("--path", "manifests/greeter", *ON_PRODUCTION)
    for command in (("validate",), ("show", *path), ("deploy", "--all", *ON_PRODUCTION)):
        done = floating.here(*command)
        assert done.code == 0
        assert " = reason: No versions there.\n" in done.out + done.err
    units = floating.here("status", *ON_PRODUCTION, "--json").json["units"]
    assert {unit["state"] for unit in units} == {"in sync"}
    assert floating.here("diff", "HEAD~1..HEAD").code == 0


def test_the_reason_is_in_every_format(floating: Project) -> None:
    ask(floating, rules='{E215: {severity: warning, reason: "No versions there."}}')
    for output in ("text", "json", "markdown", "github", "sarif"):
        done = floating.here("validate", "-o", output)
        assert done.code == 0
        assert "No versions there." in done.out, output
    (finding,) = floating.here("validate", "--json").json["findings"]
    assert list(finding)[-2:] == ["hint", "reason"]
    assert finding["severity"] == "warning"
    assert floating.here("validate", "-o", "github").out.startswith("::warning ")


def test_a_warning_that_is_raised_stops_a_deployment(deployed: Project, store: Store) -> None:
    edit(deployed, "inputs:", "inputs:\n  unused: {type: string}")
    before = store.read()
    ask(deployed, rules="{W303: {severity: error}}")
    for command in (("plan",), ("deploy", "--all")):
        assert_stopped(deployed.here(*command, *ON_PRODUCTION), "error[W303]")
    assert store.read() == before


def test_a_work_tree_that_differs_stops_a_deployment_where_the_team_says_so(
    deployed: Project,
) -> None:
    deployed.write("manifests/greeter/system.md", "Good evening.\n")
    ask(deployed, rules="{W404: {severity: error}}")
    done = deployed.here("deploy", "--all", *ON_PRODUCTION)
    assert_stopped(done, "error[W404]: the work tree differs from commit")


@pytest.mark.parametrize("command", [("plan",), ("deploy", "greeter"), ("deploy", "--all")])
def test_a_text_that_changes_without_its_version_is_stopped_where_the_team_says_so(
    deployed: Project, store: Store, command: tuple[str, ...]
) -> None:
    deployed.says("greeter", "Good evening.")
    before = store.read()
    ask(deployed, rules="{W232: {severity: error}}")
    assert_stopped(
        deployed.here(*command, *ON_PRODUCTION),
        "manifests/greeter/manifest.yaml:9:12: error[W232]: the prompt's text changes and "
        "prompt.version stays 1.0.0",
        '9 |   version: "1.0.0"\n',
    )
    assert store.read() == before
    edit(deployed, '"1.0.0"', '"1.0.1"')
    done = deployed.here(*command, *ON_PRODUCTION)
    assert (done.code, "W232" in done.err) == (0, False)


@pytest.mark.parametrize("command", [("plan",), ("deploy", "--all")])
def test_a_version_that_was_another_text_before_is_stopped_where_the_team_says_so(
    deployed: Project, store: Store, command: tuple[str, ...]
) -> None:
    edit(deployed, '"1.0.0"', '"1.1.0"')
    deployed.says("greeter", "Good evening.")
    deployed.deploy(store)
    deployed.says("greeter", "Hello.")
    edit(deployed, '"1.1.0"', '"1.0.0"')
    before = store.read()
    ask(deployed, rules="{W232: {severity: error}}")
    assert_stopped(
        deployed.here(*command, *ON_PRODUCTION),
        "error[W232]: prompt.version 1.0.0 was another text at revision 1",
    )
    assert store.read() == before


def test_what_is_held_does_not_move_and_is_not_judged(rolled_back: Project) -> None:
    ask(rolled_back, rules="{W232: {severity: error}}", production=SHORT)
    assert rolled_back.here("plan", *ON_PRODUCTION).code == 0
    assert rolled_back.here("deploy", "--all", *ON_PRODUCTION).code == 0


def test_a_live_release_that_is_lost_does_not_keep_out_the_next(
    deployed: Project, store_url: str
) -> None:
    with closing(sqlite3.connect(store_url.removeprefix("sqlite:///"))) as db, db:
        db.execute("DELETE FROM releases")
    deployed.says("greeter", "Good evening.")
    ask(deployed, rules="{W232: {severity: error}}")
    assert deployed.here("deploy", "greeter", *ON_PRODUCTION).code == 0


def test_secrets_in_the_project_file_and_in_a_policy_are_seen_and_not_shown(
    git_project: Project,
) -> None:
    key = "sk-proj-" + "a1B2c3D4" * 5
    git_project.write(
        "promptops.yaml",
        f"# {key}\napiVersion: promptops/v1\npolicy: [all.json]\nenvironments:\n"
        '  local: {store: "redis://:hunter2ab@example.com/0"}\n',
    )
    git_project.write("all.json", f'{{"title": "{key}"}}\n')
    done = git_project.here("validate")
    places = [line.split(" ")[0] for line in done.err.splitlines() + done.out.splitlines()]
    for place in ("promptops.yaml:1:3:", "promptops.yaml:5:28:", "all.json:1:12:"):
        assert places.count(place) == 1
    assert done.code == 1
    assert "hunter2ab" not in done.out
    assert key not in done.out
