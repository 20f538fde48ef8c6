"""What the change is compared with, and what others have merged there meanwhile."""

from pathlib import Path

import pytest

from promptops.errors import UsageError
from promptops.live.store import Store
from tests.cli.projects import Project
from tests.delivery.gate.judging import changes, drift, judged, on_main, one_backend, only, planned


def test_what_others_merged_meanwhile_is_no_part_of_the_change(
    deployed: Project, store: Store
) -> None:
    deployed.says("greeter", "Good evening.")
    on_main(deployed, "farewell", "Sleep well.")
    deployed.deploy(store, "farewell", commit="main")
    found = judged(deployed, store)
    assert (changes(found), planned(found)) == ({"greeter": "patch"}, ["greeter"])
    assert (drift(found), only(found).held, found.in_both) == ({}, (), ())


@one_backend
def test_a_laptop_says_what_ci_says_of_the_merge(deployed: Project, store: Store) -> None:
    deployed.says("greeter", "Good evening.")
    on_main(deployed, "farewell", "Sleep well.")
    branch = only(judged(deployed, store))
    deployed.git("switch", "--quiet", "--detach", "main")
    deployed.git("merge", "--quiet", "--no-ff", "--no-edit", "change")
    merge = only(judged(deployed, store, base="HEAD^1"))
    assert branch.plan is not None
    assert merge.plan is not None
    assert branch.plan.units == merge.plan.units
    assert (branch.changes, branch.drift) == (merge.changes, merge.drift)


@one_backend
def test_a_hold_on_what_others_have_mended_meanwhile_is_over(
    deployed: Project, store: Store
) -> None:
    deployed.says("greeter", "Good evening.")
    for prompt in ("Sleep well.", "Sleep tight."):
        on_main(deployed, "farewell", prompt)
        deployed.deploy(store, "farewell", commit="main")
    deployed.rollback(store, "farewell")
    on_main(deployed, "farewell", "Dream well.")
    found = judged(deployed, store)
    assert (only(found).held, planned(found)) == ((), ["farewell", "greeter"])


def test_an_error_that_others_have_mended_meanwhile_is_none(project: Project) -> None:
    project.says("farewell", "{{ gest }}")
    project.git("branch", "--force", "main")
    project.says("greeter", "Good evening.")
    on_main(project, "farewell", "Sleep well.")
    assert judged(project, offline="production").verdict == "pass"


@one_backend
def test_units_that_others_added_or_deleted_meanwhile_are_theirs(
    deployed: Project, store: Store
) -> None:
    deployed.says("greeter", "Good evening.")
    deployed.git("switch", "--quiet", "main")
    deployed.git("rm", "--quiet", "-r", "manifests/farewell")
    deployed.unit("newcomer", "Hello, I am new.")
    deployed.commit("newcomer for farewell")
    deployed.git("switch", "--quiet", "change")
    found = judged(deployed, store)
    assert (changes(found), planned(found)) == ({"greeter": "patch"}, ["greeter", "newcomer"])
    assert drift(found) == {"farewell": "orphan"}


def test_a_unit_that_both_have_changed_is_named(project: Project) -> None:
    project.says("greeter", "Good evening.")
    on_main(project, "greeter", "Good day.")
    found = judged(project, offline="production")
    assert found.in_both == ("greeter",)
    (unit,) = only(found).changes
    assert unit.digest_after == project.digest("greeter")


def test_a_base_without_a_common_past_is_compared_as_it_is(project: Project) -> None:
    project.git("switch", "--quiet", "--orphan", "fresh")
    project.git("checkout", "--quiet", "main", "--", "promptops.yaml")
    project.unit("greeter", "Good evening.")
    project.commit("begun anew")
    found = judged(project, offline="production")
    assert changes(found) == {"farewell": "major", "greeter": "patch"}


@pytest.mark.parametrize(
    ("base", "code"), [("v9", "E406"), ("-x", "E406"), ("", "E406"), ("0" * 40, "E406")]
)
def test_a_base_that_is_no_commit_is_a_usage_error(project: Project, base: str, code: str) -> None:
    with pytest.raises(UsageError) as refused:
        judged(project, base=base, offline="production")
    assert refused.value.code == code


@pytest.mark.parametrize("base", ["origin/main", "HEAD~1", "KNOWN"])
def test_a_shallow_clone_that_lacks_the_base_says_how_to_get_it(
    project: Project, tmp_path: Path, base: str
) -> None:
    known = project.head
    project.says("greeter", "Good evening.")
    project.git("branch", "beside", known)
    project.git("switch", "--quiet", "beside")
    project.says("farewell", "Sleep well.")
    clone = tmp_path / "shallow"
    source = f"file://{project.root}"
    project.git("clone", "--quiet", "--depth=1", "--branch=change", source, str(clone))
    shallow = Project(clone, project.variables)
    if base == "origin/main":
        # It is there, and what it has in common with the change is not.
        shallow.git("fetch", "--quiet", "--depth=1", source, "beside:refs/remotes/origin/main")
    with pytest.raises(UsageError) as refused:
        judged(shallow, base=known if base == "KNOWN" else base, offline="production")
    assert refused.value.code == "E405"
    assert refused.value.hint.endswith("(in CI: fetch-depth: 0)")


def test_without_a_repository_there_is_nothing_to_judge(project: Project, tmp_path: Path) -> None:
    (project.root / ".git").rename(tmp_path / "gone")
    with pytest.raises(UsageError) as refused:
        judged(project, offline="production")
    assert refused.value.code == "E407"
