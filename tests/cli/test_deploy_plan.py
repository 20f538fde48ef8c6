"""deploy --plan applies exactly what was planned, or refuses and says what moved."""

import json
from pathlib import Path
from typing import Any

import pytest

from promptops.delivery.plan import plan_digest
from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.projects import Ended
from tests.plan_projects import PlanProject


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def planned(tmp_path: Path, store_url: str) -> PlanProject:
    """Revision 1 is live, and plan.json holds what the next commit does to greeter."""
    project = PlanProject.new(tmp_path / "project", store_url)
    project.deploy_all()
    project.edit("greeter/system.md", "kind", "gentle")
    project.commit()
    make_plan(project)
    return project


def make_plan(project: PlanProject, *arguments: str) -> None:
    done = project.run("plan", "--env", "production", "--out", "plan.json", *arguments)
    assert done.code == 0, done.err


def apply(project: PlanProject, *arguments: str) -> Ended:
    return project.run("deploy", "--plan", "plan.json", "-o", "json", *arguments)


def facts_of(project: PlanProject) -> Any:
    return json.loads((project.root / "plan.json").read_text("utf-8"))


def rewrite(project: PlanProject, facts: Any, *, named: bool = True) -> None:
    """Write a plan by hand, with the digest that belongs to it."""
    if named:
        facts["digest"] = plan_digest(facts)
    (project.root / "plan.json").write_text(json.dumps(facts), "utf-8")


def assert_refused(done: Ended, store: Store, *said: str) -> None:
    """Refused as plan-changed, for scripts too, and greeter is not what was planned."""
    assert (done.code, done.json["refused"]["code"]) == (3, "plan-changed")
    assert done.json["action"] == "none"
    for words in said:
        assert words in done.json["refused"]["message"], done.json["refused"]["message"]
    assert "plan again" in done.err


@pytest.mark.parametrize("backend", ["sqlite", "valkey"], indirect=True)
def test_a_plan_is_applied_as_it_was_made(planned: PlanProject, store: Store) -> None:
    (unit,) = facts_of(planned)["units"]
    done = apply(planned)
    assert done.code == 0, done.err
    assert done.json["changes"] == [{name: unit[name] for name in ("unit", "from", "to")}]
    assert store.read().pointers["greeter"].digest == unit["to"]


def test_a_plan_for_a_new_environment_makes_it(
    tmp_path: Path, store_url: str, store: Store
) -> None:
    project = PlanProject.new(tmp_path / "project", store_url)
    make_plan(project)
    assert apply(project).code == 0
    assert sorted(store.read().pointers) == ["farewell", "greeter"]


def test_a_plan_that_changes_nothing_does_nothing(planned: PlanProject, store: Store) -> None:
    planned.deploy_all()
    make_plan(planned)
    head = store.read().head
    done = apply(planned)
    assert (done.code, done.json["action"]) == (0, "none")
    assert store.read().head == head


def test_what_was_held_when_planned_is_left_alone(planned: PlanProject, store: Store) -> None:
    planned.deploy_all()
    assert planned.run("rollback", "greeter", "--env", "production").code == 0
    live = store.read().pointers["greeter"].digest
    make_plan(planned)
    done = apply(planned)
    assert done.code == 0
    assert [item["unit"] for item in done.json["skipped"]] == ["greeter"]
    assert store.read().pointers["greeter"].digest == live


def test_a_deployment_of_the_unit_since_is_named(planned: PlanProject, store: Store) -> None:
    planned.deploy_all()
    assert_refused(
        apply(planned),
        store,
        "production is at revision 2, planned was revision 1",
        "revision 2 is a deploy of greeter by ",
    )


def test_a_deployment_of_another_unit_since_is_named(planned: PlanProject, store: Store) -> None:
    live = store.read().pointers["farewell"].digest
    hold = ("hold", "farewell", live, "--env", "production", "--reason", "it is rude")
    assert planned.run(*hold).code == 0
    before = store.read()
    assert_refused(apply(planned), store, "revision 2 is a hold of farewell by ")
    assert store.read() == before


def test_a_commit_since_is_named(planned: PlanProject, store: Store) -> None:
    was = planned.head
    planned.write("README.md", "Hello\n")
    now = planned.commit()
    before = store.read()
    assert_refused(
        apply(planned), store, f"HEAD is commit {now[:12]}, and the plan is for {was[:12]}"
    )
    assert store.read() == before
    assert apply(planned, "--commit", was).code == 0


def test_a_commit_that_is_gone_is_named(planned: PlanProject, store: Store) -> None:
    facts = facts_of(planned)
    rewrite(planned, {**facts, "commit": "f" * 40})
    assert_refused(apply(planned), store, f"commit {'f' * 12} is no longer in this repository")


def test_a_release_that_comes_out_differently_is_named(planned: PlanProject, store: Store) -> None:
    """As when the plan was made by another version of promptops."""
    facts = facts_of(planned)
    facts["units"][0]["to"] = "sha256:" + "1" * 64
    rewrite(planned, facts)
    assert_refused(apply(planned), store, "in that commit, planned was 111111111111")


def test_a_live_release_that_was_never_live_is_named(planned: PlanProject, store: Store) -> None:
    facts = facts_of(planned)
    facts["units"][0]["from"] = "sha256:" + "1" * 64
    rewrite(planned, facts)
    assert_refused(apply(planned), store, "planned was 111111111111")


def test_a_dry_run_refuses_too(planned: PlanProject, store: Store) -> None:
    planned.deploy_all()
    assert_refused(apply(planned, "--dry-run"), store)


def test_the_same_operation_again_is_done_once(planned: PlanProject, store: Store) -> None:
    assert apply(planned, "--operation", "run-7").code == 0
    planned.write("README.md", "Hello\n")
    planned.commit()
    again = apply(planned, "--operation", "run-7")
    assert (again.code, again.json["repeated"]) == (0, True)
    assert store.read().head == Head(1, 2)


def test_a_plan_for_another_environment_is_a_usage_error(planned: PlanProject) -> None:
    done = apply(planned, "--env", "staging")
    assert done.code == 2
    assert "the plan is for production, not for staging" in done.err


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no plan",
        "[]",
        "{}",
        '{"units": 3}',
        "[" * 100_000,
        '{"environment": "e", "head": {"epoch": true}, "commit": "c", "digest": "d", "units": []}',
    ],
)
def test_what_is_no_plan_is_a_usage_error(planned: PlanProject, text: str) -> None:
    (planned.root / "plan.json").write_text(text, "utf-8")
    done = apply(planned)
    assert done.code == 2
    assert "plan.json is not a plan" in done.err


def test_a_plan_that_was_edited_is_a_usage_error(planned: PlanProject) -> None:
    facts = facts_of(planned)
    facts["units"] = []
    rewrite(planned, facts, named=False)
    done = apply(planned)
    assert done.code == 2
    assert "plan.json was changed after it was made" in done.err


def test_a_plan_file_that_is_not_there_is_a_usage_error(planned: PlanProject) -> None:
    (planned.root / "plan.json").unlink()
    done = apply(planned)
    assert done.code == 2
    assert "plan.json cannot be read: No such file or directory" in done.err


@pytest.mark.parametrize("more", [["greeter"], ["--all"], ["--dirty"]])
def test_a_plan_says_itself_what_is_deployed(planned: PlanProject, more: list[str]) -> None:
    assert apply(planned, *more).code == 2
