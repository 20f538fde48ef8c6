"""What passes and what fails, on real repositories."""

from promptops.delivery.plan import plan
from promptops.live.store import Store
from promptops.source.project import read_project
from tests.cli.projects import Project
from tests.conftest import Opener
from tests.delivery.gate.judging import changes, drift, judged, on_main, one_backend, only, planned


def test_a_change_without_errors_passes_with_the_plan_of_its_commit(
    deployed: Project, store: Store
) -> None:
    commit = deployed.says("greeter", "Good evening.")
    found = judged(deployed, store)
    assert (found.verdict, found.commit, found.units) == ("pass", commit, 2)
    assert found.base == deployed.git("rev-parse", "main")
    assert planned(found) == ["greeter"]
    assert only(found).plan == plan(store, read_project(deployed.root), "HEAD")
    assert changes(found) == {"greeter": "patch"}


def test_a_branch_without_a_change_passes(deployed: Project, store: Store) -> None:
    found = judged(deployed, store)
    assert (found.verdict, planned(found), changes(found)) == ("pass", [], {})


@one_backend
def test_an_error_in_the_change_fails_and_there_is_no_plan(deployed: Project, store: Store) -> None:
    deployed.says("greeter", "Good evening, {{ gest }}.")
    deployed.says("farewell", "Sleep well.")
    found = judged(deployed, store)
    assert [finding.code for finding in found.findings] == ["E302"]
    assert (found.verdict, found.verdict_in(only(found))) == ("fail", "fail")
    assert only(found).plan is None
    assert changes(found) == {"farewell": "patch"}


def test_an_error_elsewhere_fails_too(project: Project) -> None:
    on_main(project, "farewell", "Good night, {{ gest }}.")
    project.git("merge", "--quiet", "main")
    project.says("greeter", "Good evening.")
    found = judged(project, offline="production")
    assert [finding.file for finding in found.findings if finding.code == "E302"]
    assert found.verdict == "fail"


def test_a_warning_passes(project: Project) -> None:
    project.says("greeter", "Good\u200b evening.")
    found = judged(project, offline="production")
    assert ([finding.code for finding in found.findings], found.verdict) == (["W106"], "pass")


def test_what_is_not_committed_does_not_count(project: Project) -> None:
    project.write("manifests/greeter/system.md", "{{ gest }}\n")
    assert judged(project, offline="production").findings == ()


def test_the_change_may_be_another_commit_than_the_one_checked_out(project: Project) -> None:
    project.says("greeter", "Good evening.")
    project.git("switch", "--quiet", "main")
    found = judged(project, commit="change", offline="production")
    assert changes(found) == {"greeter": "patch"}


def test_the_base_itself_changes_nothing(deployed: Project, store: Store) -> None:
    """As after a first push, where there is no commit before."""
    commit = deployed.says("greeter", "Good evening.")
    found = judged(deployed, store, base=commit)
    assert (found.verdict, changes(found), planned(found)) == ("pass", {}, ["greeter"])


def test_each_environment_is_judged_by_its_own_overlay(
    deployed: Project, store: Store, store_url: str, opened: Opener
) -> None:
    staging = opened(store_url, "staging")
    deployed.deploy(staging)
    path = deployed.root / "manifests/greeter/manifest.yaml"
    deployed.write("manifests/greeter/manifest.yaml", path.read_text().replace("0.7", "0.9"))
    deployed.commit("warmer in staging")
    found = judged(deployed, store, staging)
    assert found.verdict == "pass"
    assert [[unit.unit for unit in item.changes] for item in found.environments] == [
        [],
        ["greeter"],
    ]
    assert [item.plan and len(item.plan.units) for item in found.environments] == [0, 1]


def test_units_come_and_go(deployed: Project, store: Store) -> None:
    deployed.unit("newcomer", "Hello, I am new.")
    deployed.git("rm", "--quiet", "-r", "manifests/farewell")
    deployed.commit("newcomer for farewell")
    found = judged(deployed, store)
    assert (found.verdict, found.units) == ("pass", 2)
    assert changes(found) == {"farewell": "major", "newcomer": "minor"}
    assert planned(found) == ["newcomer"]
    made = only(found).plan
    assert made is not None
    assert made.untouched == ("farewell",)
    assert drift(found) == {}


def test_units_whose_names_differ_in_case_only_fail(project: Project) -> None:
    project.unit("Greeter", "Good evening.")
    project.commit("another Greeter")
    found = judged(project, offline="production")
    assert "E220" in {finding.code for finding in found.findings}


def test_the_text_of_a_version_that_stays_is_called_out_offline(project: Project) -> None:
    project.says("greeter", "Never lie.")
    project.git("branch", "--force", "main")
    project.says("greeter", "Be kind.")
    (unit,) = only(judged(project, offline="production")).changes
    assert [notice.code for notice in unit.notices] == ["W232", "removed-rule"]


def test_a_model_that_has_ended_fails_by_the_list_of_the_commit_and_not_of_the_disk(
    project: Project,
) -> None:
    project.says("greeter", "Good evening.")
    models = project.root / "models.yaml"
    models.write_text("gpt-4o-mini-2024-07-18: 2020-01-31\n")
    assert judged(project, offline="production").verdict == "pass"
    project.git("add", "models.yaml")
    project.git("commit", "--quiet", "--message", "The models' last days")
    found = judged(project, offline="production")
    # Nobody could go back to it either.
    assert {finding.code for finding in found.findings} == {"E226", "no-return"}
    assert found.verdict == "fail"
