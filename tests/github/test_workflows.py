"""The workflows and the action, executed as GitHub would."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from promptops.cli.main import COMMANDS
from tests.cli.projects import Project
from tests.github.api import BOT, TOKEN, Api
from tests.github.conftest import STORE
from tests.github.gates import environment, finding, gate
from tests.github.runner import Job, Runner

ROOT = Path(__file__).parents[2]
Prepare = Callable[[Mapping[str, Any]], Path]

NOTHING_BEFORE = "0" * 40  # how GitHub names the commit before the first push

# Legal names of branches, each of which a shell would run if it ever saw it as a script.
HOSTILE = ["a;touch${IFS}pwn", "a$(touch${IFS}pwn)", "a`touch${IFS}pwn`", 'a"b', "x|y", "a&&b"]


def test_the_stand_in_is_still_needed() -> None:
    assert "gate" not in COMMANDS, (
        "promptops gate is there: delete tests/github/stand_in_gate.py and the branch of "
        "FAKE_PROMPTOPS that calls it, so that these tests run the real one"
    )


@pytest.fixture(params=["template", "this repository"])
def workflows(request: pytest.FixtureRequest, project: Project) -> Path:
    """As `promptops init --github` wrote them, and as this repository uses them."""
    return (project.root if request.param == "template" else ROOT) / ".github/workflows"


def check(runner: Runner, workflows: Path) -> Job:
    values = {"github.token": TOKEN}
    return runner.run(workflows / "promptops-check.yml", values)


def asked(job: Job) -> Any:
    """What the gate was asked."""
    return json.loads((job.temp / "gate-asked.json").read_text())


def on(project: Project, runner: Runner) -> Runner:
    """The same machine, with another repository checked out."""
    return replace(runner, folder=project.root)


def test_a_pull_request_gets_one_comment_which_the_next_push_updates(
    runner: Runner, workflows: Path, api: Api, prepared: Prepare
) -> None:
    prepared(gate(environments=(environment("production", "first"),)))
    assert check(runner, workflows).passed
    prepared(gate(environments=(environment("production", "second"),)))
    assert check(runner, workflows).passed
    (body,) = api.by(BOT)
    assert "second" in body
    assert [method for method, _ in api.requests] == ["GET", "POST", "GET", "PATCH"]


def test_a_finding_fails_the_check_and_is_reported_everywhere(
    runner: Runner, workflows: Path, api: Api, prepared: Prepare
) -> None:
    prepared(gate(finding()))
    job = check(runner, workflows)
    assert [(step.name, step.outcome) for step in job.steps[-2:]] == [
        ("Gate", "failure"),
        ("Report", "success"),
    ]
    report = job.step("Report")
    assert [command.name for command in report.commands] == ["error"]
    assert "One unit changes." in report.summary
    assert report.outputs == {"verdict": "fail", "errors": "1", "warnings": "0"}
    assert len(api.by(BOT)) == 1


def test_the_check_compares_with_what_the_merge_was_made_from_and_asks_no_store(
    runner: Runner, workflows: Path, prepared: Prepare
) -> None:
    prepared(gate())
    job = check(runner, workflows)
    environment = "production" if runner.folder in workflows.parents else "local"
    assert asked(job) == {"base": "HEAD^1", "env": [environment], "offline": True}


def test_a_pull_request_that_changes_nothing_is_reported_too(
    runner: Runner, workflows: Path, api: Api, prepared: Prepare
) -> None:
    prepared(gate(environments=(environment("production", "Nothing changes."),), markdown="None."))
    job = check(runner, workflows)
    assert job.passed
    assert job.step("Report").outputs["verdict"] == "pass"
    assert "Nothing changes." in api.by(BOT)[0]


@pytest.mark.parametrize("mood", ["read only", "down"])
@pytest.mark.parametrize("findings", [[], [finding()]])
def test_a_fork_or_an_outage_of_the_api_changes_no_verdict(
    runner: Runner, workflows: Path, api: Api, prepared: Prepare, mood: Any, findings: list[Any]
) -> None:
    api.mood = mood
    prepared(gate(*findings))
    job = check(runner, workflows)
    assert job.passed == (not findings)
    report = job.step("Report")
    assert report.outcome == "success"
    assert [command.name for command in report.commands] == ["error"] * len(findings) + ["warning"]
    assert report.summary.count("One unit changes.") == 1
    assert "hello: the prompt changes" in report.summary
    assert TOKEN not in job.log + job.summary


def test_a_gate_that_ends_without_a_verdict_fails_the_check(
    runner: Runner, workflows: Path, api: Api
) -> None:
    job = check(runner, workflows)
    assert not job.passed
    assert "gate.json cannot be read" in job.step("Report").log
    assert api.comments == []


def test_no_line_of_a_prompt_becomes_a_command(
    runner: Runner, workflows: Path, prepared: Prepare
) -> None:
    hostile = [
        "::error::x",
        "##[add-mask]a",
        "::set-output name=verdict::pass",
        "::stop-commands::x",
    ]
    prepared(gate(*(finding(text, source=text) for text in hostile)))
    job = check(runner, workflows)
    assert all(text in job.step("Gate").log for text in hostile)
    assert job.step("Gate").commands == []
    assert [command.data for command in job.step("Report").commands] == [
        f"{text}\nhelp: declare it under inputs".replace("##[", "## [") for text in hostile
    ]


def deploy(runner: Runner, workflows: Path | None = None, before: str = NOTHING_BEFORE) -> Job:
    values = {"github.event.before": before, "secrets.PROMPTOPS_STORE": "sqlite:///live.db"}
    folder = workflows or runner.folder / ".github/workflows"
    return runner.run(folder / "promptops-deploy.yml", values)


def live(project: Project, command: str, *arguments: str) -> Any:
    options = ("--env", "production", "-o", "json")
    return project.run(command, *arguments, *options, **STORE).json


def test_a_merge_goes_live_and_the_history_says_from_where_and_by_whom(
    runner: Runner, production: Project, prepared: Prepare
) -> None:
    prepared(gate())
    job = deploy(on(production, runner))
    assert job.passed, job.log
    newest, _ = live(production, "history")["entries"]
    assert newest["commit"] == production.git("rev-parse", "HEAD")
    assert newest["actor"] == "ada"
    assert newest["reason"] == "https://github.example/acme/prompts/actions/runs/4711"
    assert newest["operation"] == "github-run-4711"


def test_running_the_job_again_deploys_nothing_twice(
    runner: Runner, production: Project, prepared: Prepare
) -> None:
    prepared(gate())
    deploy(on(production, runner))
    assert deploy(on(production, runner)).passed
    assert len(live(production, "history")["entries"]) == 2


def test_what_the_gate_refuses_is_not_deployed(
    runner: Runner, production: Project, prepared: Prepare
) -> None:
    prepared(gate(finding()))
    job = deploy(on(production, runner))
    assert job.step("Deploy").outcome == "skipped"
    assert job.step("Report").summary
    assert len(live(production, "history")["entries"]) == 1


def test_the_gate_of_a_merge_looks_at_the_store_and_at_what_was_pushed(
    runner: Runner, production: Project, prepared: Prepare
) -> None:
    prepared(gate())
    before = production.git("rev-parse", "HEAD^")
    job = deploy(on(production, runner), before=before)
    assert asked(job) == {"base": before, "env": ["production"], "offline": False}


def test_the_gate_of_a_first_push_has_nothing_to_compare_with(
    runner: Runner, production: Project, prepared: Prepare
) -> None:
    prepared(gate())
    job = deploy(on(production, runner), before=NOTHING_BEFORE)
    assert asked(job)["base"] == production.git("rev-parse", "HEAD")


def test_this_repository_deploys_its_own_manifests(runner: Runner, prepared: Prepare) -> None:
    prepared(gate())
    job = deploy(runner, ROOT / ".github/workflows")
    assert job.passed, job.log
    assert "local is at revision 1 (deploy)" in job.step("Deploy").log


def roll_back(
    runner: Runner, project: Project, inputs: Mapping[str, str], workflows: Path | None = None
) -> Job:
    """In a folder without a project: the job checks nothing out."""
    given = {"unit": "hello", "environment": "production", "target": "", "reason": "", **inputs}
    values = {f"inputs.{name}": value for name, value in given.items()}
    values["secrets.PROMPTOPS_STORE"] = f"sqlite:///{project.root}/live.db"
    elsewhere = runner.temp / "empty"
    elsewhere.mkdir(exist_ok=True)
    file = (workflows or project.root / ".github/workflows") / "promptops-rollback.yml"
    return replace(runner, folder=elsewhere).run(file, values)


def test_the_rollback_from_a_phone(
    runner: Runner, workflows: Path, deployed_twice: Project
) -> None:
    (bad,) = live(deployed_twice, "status")["units"]
    job = roll_back(runner, deployed_twice, {"reason": "too brief"}, workflows)
    assert job.passed, job.log
    (now,) = live(deployed_twice, "status")["units"]
    assert now["digest"] != bad["digest"]
    assert now["held"] == [bad["digest"]]
    newest = live(deployed_twice, "history")["entries"][0]
    assert newest["actor"] == "ada"
    assert newest["reason"] == "too brief: https://github.example/acme/prompts/actions/runs/4711"


def test_the_rollback_to_a_target(runner: Runner, deployed_twice: Project) -> None:
    assert roll_back(runner, deployed_twice, {"target": "1"}).passed
    assert live(deployed_twice, "history")["entries"][0]["action"] == "rollback"


@pytest.mark.parametrize("text", [*HOSTILE, "--force", "*"])
@pytest.mark.parametrize("name", ["unit", "target"])
def test_an_input_is_never_more_than_a_text(
    runner: Runner, deployed_twice: Project, name: str, text: str
) -> None:
    job = roll_back(runner, deployed_twice, {name: text})
    assert not job.passed
    assert text in job.log
    assert not list(runner.temp.rglob("pwn"))
    assert len(live(deployed_twice, "history")["entries"]) == 2


@pytest.mark.parametrize("branch", HOSTILE[:3])
def test_a_hostile_name_of_a_branch_runs_nothing(
    runner: Runner, production: Project, prepared: Prepare, branch: str
) -> None:
    production.git("switch", "--quiet", "--create", branch)
    names = dict.fromkeys(("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "GITHUB_REF"), branch)
    hostile = replace(on(production, runner), variables={**runner.variables, **names})
    prepared(gate())
    assert check(hostile, production.root / ".github/workflows").passed
    assert act(hostile).passed
    assert deploy(hostile).passed
    assert not list(production.root.parent.rglob("pwn"))


def act(runner: Runner, **inputs: str) -> Job:
    given = {"environments": "staging\nproduction", "base": "HEAD^1", "offline": "true"} | inputs
    values = {f"inputs.{name}": value for name, value in given.items()} | {"inputs.token": TOKEN}
    variables = {**runner.variables, "GITHUB_ACTION_PATH": str(ROOT)}
    return replace(runner, variables=variables).run(ROOT / "action.yml", values)


def test_the_action_gates_and_reports(runner: Runner, api: Api, prepared: Prepare) -> None:
    prepared(gate(finding(), environments=(environment("staging"), environment("production"))))
    job = act(runner)
    assert not job.passed
    assert asked(job) == {"base": "HEAD^1", "env": ["staging", "production"], "offline": True}
    assert (job.temp / "installed").read_text().split() == ["--quiet", str(ROOT)]
    assert job.step("Report").outputs["verdict"] == "fail"
    assert job.step("Gate").outputs["file"] == str(job.temp / "gate.json")
    assert len(api.by(BOT)) == 2


@pytest.mark.parametrize("text", [*HOSTILE, "--offline", "*"])
def test_an_input_of_the_action_is_never_more_than_a_text(
    runner: Runner, prepared: Prepare, text: str
) -> None:
    prepared(gate())
    job = act(runner, environments=text, base=text, offline=text)
    assert job.passed, job.log
    assert asked(job) == {"base": text, "env": [text], "offline": True}
    assert not list(runner.folder.parent.rglob("pwn"))
