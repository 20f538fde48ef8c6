"""The workflows and the action, executed as GitHub would, with the gate that everybody runs."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.projects import Project
from tests.github.api import BOT, TOKEN, Api
from tests.github.conftest import STORE
from tests.github.runner import Job, Runner
from tests.servers import free_port

ROOT = Path(__file__).parents[2]
PROMPT = "manifests/hello/system.md"

NOTHING_BEFORE = "0" * 40  # how GitHub names the commit before the first push

# Legal names of branches, each of which a shell would run if it ever saw it as a script.
HOSTILE = ["a;touch${IFS}pwn", "a$(touch${IFS}pwn)", "a`touch${IFS}pwn`", 'a"b', "x|y", "a&&b"]


@pytest.fixture(params=["template", "this repository"])
def workflows(request: pytest.FixtureRequest, project: Project) -> Path:
    """As `promptops init --github` wrote them, and as this repository uses them."""
    return (project.root if request.param == "template" else ROOT) / ".github/workflows"


@pytest.fixture
def undeclared(project: Project) -> Project:
    """The last commit of the pull request uses an input that nobody passes."""
    project.write(PROMPT, "Answer {{ ticket }} in one word.\n")
    project.commit("Answer the ticket")
    return project


def check(runner: Runner, workflows: Path, accepted: str = "") -> Job:
    values = {"github.token": TOKEN, "vars.PROMPTOPS_ACCEPT_NO_RETURN": accepted}
    return runner.run(workflows / "promptops-check.yml", values)


def asked(job: Job) -> list[str]:
    """What the gate was asked."""
    return (job.temp / "asked").read_text().splitlines()


def on(project: Project, runner: Runner) -> Runner:
    """The same machine, with another repository checked out."""
    variables = {**runner.variables, "GITHUB_SHA": project.head}
    return replace(runner, folder=project.root, variables=variables)


def test_a_pull_request_gets_one_comment_which_the_next_push_updates(
    runner: Runner, workflows: Path, api: Api, project: Project
) -> None:
    assert check(runner, workflows).passed
    (body,) = api.by(BOT)
    assert "{+Answer in one word.+}" in body
    project.write(PROMPT, "Answer in two words.\n")
    project.commit("Be less brief")
    assert check(runner, workflows).passed
    (body,) = api.by(BOT)
    assert "Answer in [-one word-]{+two words+}." in body
    assert [method for method, _ in api.requests] == ["GET", "POST", "GET", "PATCH"]


def test_a_finding_fails_the_check_and_is_reported_everywhere(
    runner: Runner, workflows: Path, api: Api, undeclared: Project
) -> None:
    job = check(runner, workflows)
    assert [(step.name, step.outcome) for step in job.steps[-2:]] == [
        ("Gate", "failure"),
        ("Report", "success"),
    ]
    assert "1 | Answer {{ ticket }} in one word." in job.step("Gate").log
    report = job.step("Report")
    (annotation,) = report.commands
    assert (annotation.name, annotation.properties["file"]) == ("error", PROMPT)
    assert "error E302" in report.summary
    assert report.outputs == {"verdict": "fail", "errors": "1", "warnings": "0"}
    (body,) = api.by(BOT)
    assert "error E302" in body
    assert "❌ fail" in body


def test_the_check_compares_with_what_the_merge_was_made_from_and_asks_no_store(
    runner: Runner, workflows: Path
) -> None:
    job = check(runner, workflows)
    environment = "production" if runner.folder in workflows.parents else "local"
    out = str(job.temp / "gate.json")
    assert asked(job) == ["--base", "HEAD^1", "--env", environment, "--offline", "--out", out]


def test_the_merge_of_a_pull_request_shows_only_what_the_pull_request_does(
    runner: Runner, project: Project, api: Api
) -> None:
    """GitHub checks out a merge, whose first parent is what others have merged by now."""
    project.git("switch", "--quiet", "--create", "change", "HEAD")
    project.write(PROMPT, "Answer in two words.\n")
    project.commit("Be less brief")
    project.git("switch", "--quiet", "main")
    project.here("new", "goodbye")
    project.commit("Say goodbye")
    project.git("merge", "--quiet", "--no-ff", "--no-edit", "change")
    assert check(runner, project.root / ".github/workflows").passed
    (body,) = api.by(BOT)
    assert "[-one word-]{+two words+}" in body
    assert "goodbye" not in body


def test_a_pull_request_that_changes_nothing_is_reported_too(
    runner: Runner, workflows: Path, api: Api, project: Project
) -> None:
    project.write("README.md", "Nothing about prompts.\n")
    project.commit("Say what this is")
    job = check(runner, workflows)
    assert job.passed
    assert job.step("Report").outputs["verdict"] == "pass"
    assert "changes: nothing." in api.by(BOT)[0]
    assert "**On merge** nothing is deployed." in api.by(BOT)[0]


@pytest.mark.parametrize("mood", ["read only", "down"])
@pytest.mark.parametrize("prompt", ["Answer in two words.", "Answer {{ ticket }}."])
def test_a_fork_or_an_outage_of_the_api_changes_no_verdict(
    runner: Runner, workflows: Path, api: Api, project: Project, mood: Any, prompt: str
) -> None:
    api.mood = mood
    project.write(PROMPT, f"{prompt}\n")
    project.commit("Change the prompt")
    job = check(runner, workflows)
    found = ["error"] if "ticket" in prompt else []
    assert job.passed == (not found)
    report = job.step("Report")
    assert report.outcome == "success"
    assert sorted(command.name for command in report.commands) == sorted([*found, "warning"])
    assert report.summary.count("### promptops: gate") == 1
    assert TOKEN not in job.log + job.summary


def test_a_checkout_without_the_base_fails_the_check_and_says_what_to_mend(
    runner: Runner, workflows: Path, api: Api, project: Project, tmp_path: Path
) -> None:
    clone = tmp_path / "shallow"
    project.git("clone", "--quiet", "--depth=1", f"file://{project.root}", str(clone))
    job = check(replace(runner, folder=clone), workflows)
    assert not job.passed
    assert "error[E405]: this clone is shallow" in job.step("Gate").log
    assert "(in CI: fetch-depth: 0)" in job.step("Gate").log
    assert "gate.json cannot be read" in job.step("Report").log
    assert api.comments == []


@pytest.mark.parametrize("mistaken", [False, True])
def test_no_line_of_a_prompt_becomes_a_command(
    runner: Runner, workflows: Path, api: Api, project: Project, mistaken: bool
) -> None:
    hostile = [
        "::error::x",
        "::add-mask::a",
        "##[add-mask]a",
        "word ##[error]x",
        "::set-output name=verdict::pass",
        "::stop-commands::x",
    ]
    lines = [f"{line} {{{{ no{n} }}}}" if mistaken else line for n, line in enumerate(hostile)]
    project.write(PROMPT, "\n".join(lines))
    project.commit("Talk to the runner")
    job = check(runner, workflows)
    assert job.passed != mistaken
    assert "::stop-commands::x" in job.step("Gate").log
    assert job.step("Gate").commands == []
    report = job.step("Report")
    kinds = {command.name for command in report.commands}
    assert kinds == ({"error"} if mistaken else set())
    assert report.outputs["verdict"] == ("fail" if mistaken else "pass")
    assert len(api.by(BOT)) == 1


def deploy(
    runner: Runner,
    workflows: Path | None = None,
    before: str = NOTHING_BEFORE,
    store: str = "sqlite:///live.db",
    accepted: str = "",
) -> Job:
    values = {"github.event.before": before, "secrets.PROMPTOPS_STORE": store}
    values |= {f"vars.PROMPTOPS_ACCEPT_{what}": accepted for what in ("NO_RETURN", "CALLERS")}
    folder = workflows or runner.folder / ".github/workflows"
    return runner.run(folder / "promptops-deploy.yml", values)


def live(project: Project, command: str, *arguments: str) -> Any:
    options = ("--env", "production", "-o", "json")
    return project.here(command, *arguments, *options, **STORE).json


def test_a_merge_goes_live_and_the_history_says_from_where_and_by_whom(
    runner: Runner, production: Project
) -> None:
    job = deploy(on(production, runner), before=production.git("rev-parse", "HEAD^"))
    assert job.passed, job.log
    newest, _ = live(production, "history")["entries"]
    assert newest["commit"] == production.head
    assert newest["actor"] == "ada"
    assert newest["reason"] == "https://github.example/acme/prompts/actions/runs/4711"
    assert newest["operation"] == "github-run-4711"


def test_running_the_job_again_deploys_nothing_twice(runner: Runner, production: Project) -> None:
    deploy(on(production, runner))
    assert deploy(on(production, runner)).passed
    assert len(live(production, "history")["entries"]) == 2


def test_what_the_gate_refuses_is_not_deployed(runner: Runner, production: Project) -> None:
    production.write(PROMPT, "Answer {{ ticket }} in one word.\n")
    production.commit("Answer the ticket")
    job = deploy(on(production, runner))
    assert job.step("Deploy").outcome == "skipped"
    assert "error E302" in job.step("Report").summary
    assert len(live(production, "history")["entries"]) == 1


@pytest.fixture
def without_return(production: Project) -> Project:
    """The last commit is a point of no return."""
    manifest = production.root / "manifests/hello/manifest.yaml"
    manifest.write_text(manifest.read_text() + "forward_only: it writes the new format\n")
    production.write(PROMPT, "Answer {{ question }} in one word.\n")
    production.commit("Write the new format")
    return production


def test_what_a_variable_accepts_goes_live_and_stands_in_history(
    runner: Runner, without_return: Project
) -> None:
    machine = on(without_return, runner)
    before = without_return.git("rev-parse", "HEAD^")
    refused = deploy(machine, before=before)
    assert refused.step("Deploy").outcome == "skipped"
    assert "forward_only" in refused.log
    accepted = deploy(machine, before=before, accepted="the old format is not read any more")
    assert accepted.passed, accepted.log
    newest = live(without_return, "history")["entries"][0]
    assert "the old format is not read any more" in newest["reason"]


def test_the_check_of_a_pull_request_takes_the_same_variable(
    runner: Runner, workflows: Path, without_return: Project
) -> None:
    machine = on(without_return, runner)
    assert not check(machine, workflows).passed
    assert check(machine, workflows, "the old format is not read any more").passed


@pytest.fixture
def rolled_back(deployed_twice: Project) -> Project:
    """What the last commit says is held."""
    assert deployed_twice.here("rollback", "hello", "--env", "production", **STORE).code == 0
    return deployed_twice


def test_a_merge_that_brings_back_what_is_held_is_not_deployed(
    runner: Runner, rolled_back: Project
) -> None:
    bad = (rolled_back.root / PROMPT).read_text()
    rolled_back.write(PROMPT, "Answer in two words.\n")
    before = rolled_back.commit("Mend it")
    rolled_back.write(PROMPT, bad)
    rolled_back.commit("Take that back")
    job = deploy(on(rolled_back, runner), before=before)
    assert job.step("Deploy").outcome == "skipped"
    assert "**Held**, so this fails:" in job.step("Report").summary
    assert len(live(rolled_back, "history")["entries"]) == 3


def test_a_merge_of_something_else_leaves_what_is_held_alone(
    runner: Runner, rolled_back: Project
) -> None:
    before = rolled_back.head
    rolled_back.here("new", "goodbye")
    rolled_back.commit("Say goodbye")
    good = live(rolled_back, "show", "hello")["digest"]
    job = deploy(on(rolled_back, runner), before=before)
    assert job.passed, job.log
    goodbye, hello = live(rolled_back, "status")["units"]
    assert (goodbye["state"], hello["digest"]) == ("in sync", good)
    assert "**Not of this change:**" in job.step("Report").summary


def test_a_store_that_is_down_is_reported_as_well(runner: Runner, production: Project) -> None:
    url = f"redis://:s3cr3t@127.0.0.1:{free_port()}/0"
    job = deploy(on(production, runner), store=url)
    assert job.step("Deploy").outcome == "skipped"
    assert "error: production: redis://***@127.0.0.1:" in job.step("Gate").log
    report = job.step("Report")
    assert "The store could not be asked." in report.summary
    assert report.outputs["verdict"] == "fail"
    assert "s3cr3t" not in job.log + job.summary + (job.temp / "gate.json").read_text()


def test_the_gate_of_a_merge_looks_at_the_store_and_at_what_was_pushed(
    runner: Runner, production: Project
) -> None:
    before = production.git("rev-parse", "HEAD^")
    job = deploy(on(production, runner), before=before)
    out = str(job.temp / "gate.json")
    assert asked(job) == ["--base", before, "--env", "production", "--out", out]
    assert "production is at revision 1; " in job.step("Report").summary.replace("</code>", "")


def test_the_gate_of_a_first_push_has_nothing_to_compare_with(
    runner: Runner, production: Project
) -> None:
    job = deploy(on(production, runner), before=NOTHING_BEFORE)
    assert asked(job)[:2] == ["--base", production.head]


def test_this_repository_deploys_its_own_manifests(runner: Runner) -> None:
    job = deploy(runner, ROOT / ".github/workflows")
    assert job.passed, job.log
    assert "local is at revision 1 (deploy)" in job.step("Deploy").log


def roll_back(
    runner: Runner, project: Project, inputs: Mapping[str, str], workflows: Path | None = None
) -> Job:
    """In a folder without a project: the job checks nothing out."""
    given = {
        "unit": "hello",
        "environment": "production",
        "target": "",
        "reason": "",
        "force": "false",
    }
    given |= inputs
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


def test_a_rollback_by_force_goes_to_what_is_held(
    runner: Runner, workflows: Path, rolled_back: Project
) -> None:
    (now,) = live(rolled_back, "status")["units"]
    (held,) = now["held"]
    assert not roll_back(runner, rolled_back, {"target": held}, workflows).passed
    job = roll_back(runner, rolled_back, {"target": held, "force": "true"}, workflows)
    assert job.passed, job.log
    (now,) = live(rolled_back, "status")["units"]
    assert now["digest"] == held


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
    runner: Runner, production: Project, branch: str
) -> None:
    production.git("switch", "--quiet", "--create", branch)
    names = dict.fromkeys(("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "GITHUB_REF"), branch)
    machine = on(production, runner)
    hostile = replace(machine, variables={**machine.variables, **names})
    assert check(hostile, production.root / ".github/workflows").passed
    assert act(hostile, base=branch).passed
    assert deploy(hostile).passed
    assert not list(production.root.parent.rglob("pwn"))


def act(runner: Runner, **inputs: str) -> Job:
    given = {
        "environments": "local\nproduction",
        "base": "HEAD^1",
        "offline": "true",
        "folder": ".",
    }
    given |= inputs
    values = {f"inputs.{name}": value for name, value in given.items()} | {"inputs.token": TOKEN}
    variables = {**runner.variables, "GITHUB_ACTION_PATH": str(ROOT)}
    return replace(runner, variables=variables).run(ROOT / "action.yml", values)


def test_the_action_gates_and_reports(runner: Runner, api: Api, undeclared: Project) -> None:
    job = act(runner)
    assert not job.passed
    out = str(job.temp / "gate.json")
    environments = ["--env=local", "--env=production"]
    assert asked(job) == ["--base=HEAD^1", "--out", out, *environments, "--offline"]
    assert (job.temp / "installed").read_text().split() == ["--quiet", str(ROOT)]
    assert job.step("Report").outputs["verdict"] == "fail"
    assert job.step("Gate").outputs["file"] == out
    assert len(api.by(BOT)) == 2


def test_the_action_asks_the_stores_when_it_may(runner: Runner, production: Project) -> None:
    machine = on(production, runner)
    stores = replace(machine, variables={**machine.variables, **STORE})
    job = act(stores, environments="production", offline="false")
    assert job.passed, job.log
    assert "at revision 1; deploying" in job.step("Gate").log


def test_the_action_gates_a_project_below_the_top_and_names_files_from_the_top(
    runner: Runner, project: Project
) -> None:
    project.write("svc/ai/README.md", "Prompts.\n")
    project.git("mv", "promptops.yaml", "manifests", "svc/ai")
    project.commit("Move")
    project.write("svc/ai/manifests/hello/system.md", "Up to {{ words }} words.\n")
    project.commit("Count the words")
    job = act(runner, folder="svc/ai", environments="production")
    (annotation, *_) = job.step("Report").commands
    assert annotation.properties["file"] == "svc/ai/manifests/hello/system.md"


@pytest.mark.parametrize("text", [*HOSTILE, "--offline", "*"])
def test_an_input_of_the_action_is_never_more_than_a_text(
    runner: Runner, api: Api, text: str
) -> None:
    job = act(runner, environments=text, base=text, offline=text)
    assert not job.passed
    out = str(job.temp / "gate.json")
    assert asked(job) == [f"--base={text}", "--out", out, f"--env={text}", "--offline"]
    assert "has no environment" in job.step("Gate").log
    assert not list(runner.folder.parent.rglob("pwn"))
