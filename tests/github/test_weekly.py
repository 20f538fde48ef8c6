"""The weekly rehearsal and drill, executed as GitHub would."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.projects import Project
from tests.github.api import BOT, TOKEN, Api
from tests.github.conftest import STORE
from tests.github.runner import Job, Runner
from tests.github.test_issue import BLOCKED, READY
from tests.servers import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["template", "this repository"])
def workflows(request: pytest.FixtureRequest, deployed_twice: Project) -> Path:
    own = ROOT if request.param == "this repository" else deployed_twice.root
    return own / ".github/workflows"


def weekly(
    runner: Runner, project: Project, rehearsal: Any, workflows: Path | None = None, store: str = ""
) -> Job:
    """With a rehearsal that says so, and a real drill."""
    (runner.temp / "prepared.json").write_text(json.dumps(rehearsal))
    (runner.temp / "prepared.code").write_text("1" if rehearsal is BLOCKED else "0")
    file = (workflows or project.root / ".github/workflows") / "promptops-rehearse.yml"
    values = {
        "github.token": TOKEN,
        "secrets.PROMPTOPS_STORE": store or f"sqlite:///{project.root}/live.db",
    }
    return replace(runner, folder=project.root).run(file, values)


def test_a_week_in_which_all_is_well_leaves_a_record_and_no_issue(
    runner: Runner, workflows: Path, api: Api, deployed_twice: Project
) -> None:
    job = weekly(runner, deployed_twice, READY, workflows)
    assert job.passed, job.log
    status = deployed_twice.here("status", "--env", "production", "--json", **STORE)
    assert status.json["drill"]["last"]["confirmed"] == 10
    assert status.json["drill"]["last"]["actor"] == "ada"
    assert "the way back is not blocked" in job.step("Report").log
    assert api.requests == []


def test_a_blocked_way_back_fails_the_job_and_opens_one_issue(
    runner: Runner, workflows: Path, api: Api, deployed_twice: Project
) -> None:
    for done in ("opened", "unchanged"):
        job = weekly(runner, deployed_twice, BLOCKED, workflows)
        assert [(step.name, step.outcome) for step in job.steps[-3:]] == [
            ("Rehearse", "failure"),
            ("Drill", "success"),
            ("Report", "success"),
        ]
        assert job.step("Report").log == f"issue 7 about production: {done}\n"
    (issue,) = api.issues
    assert (issue["user"]["login"], issue["state"]) == (BOT, "open")
    assert "**triage** has no earlier release that is ready" in issue["body"]
    assert job.step("Report").summary.strip() == issue["body"].strip()


def test_a_store_that_is_down_opens_an_issue_without_its_password(
    runner: Runner, api: Api, deployed_twice: Project
) -> None:
    store = f"redis://:s3cr3t@127.0.0.1:{free_port()}/0"
    job = weekly(runner, deployed_twice, READY, store=store)
    assert job.step("Drill").outcome == "failure"
    (issue,) = api.issues
    assert "The drill ended without a result" in issue["body"]
    assert "s3cr3t" not in job.log + job.summary + issue["body"]


def test_an_environment_without_an_earlier_release_is_no_trouble(
    runner: Runner, api: Api, production: Project
) -> None:
    job = weekly(runner, production, READY)
    assert job.passed, job.log
    assert api.issues == []
