"""A gate asks what the team asks: policies of each environment, and its severities."""

import json

from tests.cli.projects import Project

MODELS = {
    "title": "production uses only these models",
    "properties": {"model": {"properties": {"id": {"enum": ["gpt-4o-mini-2024-07-18"]}}}},
}
OTHER_MODEL = ("id: gpt-4o-mini-2024-07-18", "id: gpt-4o-2024-11-20")
GATE = ("gate", "--base", "main", "--offline")


def ask(project: Project, rules: str = "{}") -> None:
    """Production has a policy, and codes their severities."""
    project.write("policies/production.json", json.dumps(MODELS))
    text = (project.root / "promptops.yaml").read_text("utf-8")
    text = text.replace('STORE}"}', 'STORE}", policy: [policies/production.json]}')
    project.write("promptops.yaml", f"{text}rules: {rules}\n")
    project.commit("What the team asks")


def use_another_model(project: Project) -> None:
    path = "manifests/greeter/manifest.yaml"
    project.write(path, (project.root / path).read_text("utf-8").replace(*OTHER_MODEL))
    project.commit("Use another model")


def test_a_policy_fails_the_gate_at_the_line_of_the_manifest(changed: Project) -> None:
    ask(changed)
    use_another_model(changed)
    done = changed.here(*GATE, "--env", "production", "--json")
    assert done.code == 1
    (finding,) = done.json["findings"]
    assert (finding["code"], finding["line"], finding["column"]) == ("E600", 5, 31)
    assert finding["message"].startswith("production uses only these models: ")
    assert finding["file"] == "manifests/greeter/manifest.yaml"


def test_it_says_in_which_environment_when_not_in_all(changed: Project) -> None:
    ask(changed)
    use_another_model(changed)
    done = changed.here(*GATE, "--env", "local", "--env", "production", "--json")
    (finding,) = done.json["findings"]
    assert finding["message"].startswith("in production: production uses only these models: ")
    assert changed.here(*GATE, "--env", "local").code == 0


def test_a_policy_that_is_lowered_lets_it_pass_and_says_why(changed: Project) -> None:
    ask(changed, '{E600: {severity: warning, reason: "until the vendor is back"}}')
    use_another_model(changed)
    done = changed.here(*GATE, "--env", "production")
    assert done.code == 0
    assert "warning[E600]" in done.out
    assert "= reason: until the vendor is back" in done.out


def test_the_same_version_for_another_text_fails_where_the_team_forbids_it(
    changed: Project,
) -> None:
    assert changed.here(*GATE, "--env", "local").code == 0
    ask(changed, "{W232: {severity: error}}")
    for options in (("--env", "local"), ("--env", "local", "--env", "production")):
        done = changed.here(*GATE, *options, "--json")
        assert done.code == 1
        (finding,) = done.json["findings"]
        assert (finding["code"], finding["severity"], finding["line"]) == ("W232", "error", 9)


def test_a_policy_that_cannot_be_applied_stops_it(changed: Project) -> None:
    ask(changed)
    changed.write("policies/production.json", "{")
    changed.commit("A slip")
    done = changed.here(*GATE, "--env", "production", "--out", "gate.json")
    assert (done.code, done.out) == (2, "")
    assert "policies/production.json:1:2: error[E110]" in done.err
    assert not (changed.root / "gate.json").exists()


def test_what_is_not_committed_changes_no_verdict(changed: Project) -> None:
    ask(changed)
    use_another_model(changed)
    judged = changed.here(*GATE, "--env", "production")
    changed.write("policies/production.json", "{}")
    assert changed.here(*GATE, "--env", "production") == judged
    text = (changed.root / "promptops.yaml").read_text("utf-8")
    changed.write("promptops.yaml", text.replace(", policy: [policies/production.json]", ""))
    assert changed.here(*GATE, "--env", "production") == judged


def test_a_change_that_leaves_nothing_to_deploy_fails(changed: Project) -> None:
    text = (changed.root / "promptops.yaml").read_text("utf-8")
    changed.write("promptops.yaml", f"{text}manifests: nowhere\n")
    changed.commit("A slip")
    done = changed.here(*GATE, "--env", "production", "--json")
    assert done.code == 1
    (finding,) = done.json["findings"]
    assert (finding["code"], finding["file"], finding["line"]) == ("E404", "promptops.yaml", 5)


def test_nothing_is_said_to_go_live_while_a_policy_is_broken(changed: Project) -> None:
    ask(changed)
    use_another_model(changed)
    gate = ("gate", "--base", "main", "--env", "production")

    text, comment = changed.here(*gate).out, changed.here(*gate, "-o", "markdown").out

    assert "error[E600]" in text
    assert f"deploying {changed.head[:12]} changes 1 unit\n" in text
    assert "**On merge** nothing is deployed while there are errors." in comment
    assert "goes live" not in comment
