"""What a commit would change in an environment."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from promptops.delivery import plan as planning
from promptops.delivery.plan import Plan, plan
from promptops.errors import ReleaseRejected, UsageError
from promptops.live import moves
from promptops.live.records import State
from promptops.live.store import Store
from promptops.manifest.digest import digest_of
from tests.conftest import Opener
from tests.deployments import intent, release
from tests.plan_projects import MANIFEST, PlanProject


@pytest.fixture
def project(tmp_path: Path, store_url: str) -> PlanProject:
    return PlanProject.new(tmp_path / "project", store_url)


@pytest.fixture
def deployed(project: PlanProject) -> PlanProject:
    """Revision 1 of production is the first commit."""
    project.deploy_all()
    return project


def planned(project: PlanProject, store: Store, revision: str = "HEAD") -> Plan:
    return plan(store, project.read(), revision)


def codes(made: Plan) -> list[str]:
    return [notice.code for unit in made.units for notice in unit.notices]


def messages(made: Plan) -> str:
    return "\n".join(notice.message for unit in made.units for notice in unit.notices)


def test_all_units_are_new_where_nothing_was_ever_live(project: PlanProject, store: Store) -> None:
    made = planned(project, store)
    assert made.head is None
    assert [(unit.unit, unit.digest_before) for unit in made.units] == [
        ("farewell", None),
        ("greeter", None),
    ]
    assert {unit.grade.impact.word for unit in made.units} == {"minor"}
    assert store.read().head is None


def test_nothing_changes_when_the_commit_is_live(deployed: PlanProject, store: Store) -> None:
    made = planned(deployed, store)
    assert made.units == ()
    assert made.head == store.read().head


def test_only_the_unit_that_changed_is_in_the_plan(deployed: PlanProject, store: Store) -> None:
    deployed.edit("greeter/system.md", "kind", "gentle")
    deployed.edit("greeter/manifest.yaml", '"1.0.0"', '"1.0.1"')
    commit = deployed.commit()
    made = planned(deployed, store)
    (unit,) = made.units
    assert (made.commit, unit.unit, unit.grade.impact.word) == (commit, "greeter", "patch")
    assert unit.digest_before == store.read().pointers["greeter"].digest
    assert [change.field for change in unit.changes] == ["prompt.version", "prompt.messages[0]"]


def test_a_plan_is_what_a_deployment_then_does(deployed: PlanProject, store: Store) -> None:
    deployed.edit("greeter/manifest.yaml", "2026-11-01", "2026-11-15")
    deployed.commit()
    (unit,) = planned(deployed, store).units
    deployed.deploy_all()
    assert store.read().pointers["greeter"].digest == unit.digest_after


def test_a_comment_changes_nothing(deployed: PlanProject, store: Store) -> None:
    deployed.edit("greeter/manifest.yaml", "params:", "# steady\nparams:")
    deployed.commit()
    assert planned(deployed, store).units == ()


def test_an_overlay_of_another_environment_changes_nothing_here(
    deployed: PlanProject, store: Store, opened: Opener, store_url: str
) -> None:
    deployed.edit(
        "greeter/manifest.yaml", "  production:", "  staging: {params: {seed: 7}}\n  production:"
    )
    deployed.commit()
    assert planned(deployed, store).units == ()
    staging = opened(store_url, "staging")
    assert [unit.unit for unit in planned(deployed, staging).units] == ["farewell", "greeter"]


def test_what_is_not_committed_is_not_planned(deployed: PlanProject, store: Store) -> None:
    deployed.edit("greeter/system.md", "kind", "gentle")
    assert planned(deployed, store).units == ()


def test_a_unit_that_is_live_and_not_in_git_is_left_alone(
    deployed: PlanProject, store: Store
) -> None:
    deployed.git("rm", "-rq", "manifests/farewell")
    deployed.commit()
    made = planned(deployed, store)
    assert made.units == ()
    assert made.untouched == ("farewell",)


def test_a_held_release_is_shown_as_held(deployed: PlanProject, store: Store) -> None:
    deployed.edit("greeter/system.md", "kind", "gentle")
    deployed.commit()
    deployed.deploy_all()
    assert deployed.run("rollback", "greeter", "--env", "production").code == 0
    made = planned(deployed, store)
    (unit,) = made.units
    assert unit.held
    assert "is held and will not be deployed" in messages(made)
    deployed.deploy_all()
    assert store.read().pointers["greeter"].digest == unit.digest_before


def test_a_commit_older_than_the_live_one_is_called_so(deployed: PlanProject, store: Store) -> None:
    first = deployed.head
    deployed.edit("greeter/manifest.yaml", "0.2", "0.3")
    deployed.edit("greeter/manifest.yaml", "0.1", "0.4")
    deployed.commit()
    deployed.deploy_all()
    assert codes(planned(deployed, store, first)) == ["older"]


def test_a_text_that_changes_without_its_version_is_w232(
    deployed: PlanProject, store: Store
) -> None:
    deployed.edit("greeter/system.md", "kind", "gentle")
    deployed.commit()
    assert "W232" in codes(planned(deployed, store))
    assert "the prompt's text changes and prompt.version stays 1.0.0" in messages(
        planned(deployed, store)
    )


def test_a_version_that_was_another_text_before_is_w232(
    deployed: PlanProject, store: Store
) -> None:
    for text, version in (("gentle", "1.1.0"), ("polite", "1.0.0")):
        path = deployed.root / "manifests/greeter"
        (path / "system.md").write_text(f"You are {text}.\n", "utf-8")
        manifest = MANIFEST.format(unit="greeter").replace("1.0.0", version)
        (path / "manifest.yaml").write_text(manifest, "utf-8")
        deployed.commit()
        made = planned(deployed, store)
        deployed.deploy_all()
    assert "prompt.version 1.0.0 was another text at revision 1" in messages(made)
    assert codes(made).count("W232") == 1


def test_a_version_that_moves_along_is_no_warning(deployed: PlanProject, store: Store) -> None:
    deployed.edit("greeter/system.md", "kind", "gentle")
    deployed.edit("greeter/manifest.yaml", '"1.0.0"', '"1.0.1"')
    deployed.commit()
    assert "W232" not in codes(planned(deployed, store))


@pytest.mark.parametrize(
    ("before", "after", "called_out"),
    [
        ("Never lie.", "", ["Never lie."]),
        ("Never lie.", "Lie.", ["Never lie."]),
        ("You must be kind.", "You should be kind.", ["You must be kind."]),
        ("You must be kind.\nNever lie.", "Never lie. You must\nbe kind.", []),
        ("You must be kind.", "- You must be kind!", []),
        ("You are", "You were", []),
    ],
)
def test_a_rule_that_goes_is_called_out(
    deployed: PlanProject, store: Store, before: str, after: str, called_out: list[str]
) -> None:
    deployed.edit("greeter/system.md", before, after)
    deployed.commit()
    (unit,) = planned(deployed, store).units
    gone = [notice.message for notice in unit.notices if notice.code == "removed-rule"]
    assert gone == [f"a rule is gone or reworded: “{rule}”" for rule in called_out]


def test_the_digest_names_what_is_done_and_nothing_else(
    deployed: PlanProject, store: Store
) -> None:
    deployed.edit("greeter/system.md", "kind", "gentle")
    deployed.commit()
    first = planned(deployed, store)
    assert planned(deployed, store).digest == first.digest
    deployed.edit("farewell/system.md", "kind", "gentle")
    deployed.commit()
    assert planned(deployed, store).digest != first.digest


def test_a_release_that_the_same_folder_would_not_make_today_is_planned_anew(
    deployed: PlanProject, store: Store, opened: Opener, store_url: str
) -> None:
    """As after an import from elsewhere, or with a promptops that writes releases differently."""
    commit = store.read().pointers["greeter"].commit
    staging = opened(store_url, "staging")
    digest = staging.put(release("greeter", "Hello"))
    proposal = moves.deploy(
        State(None),
        {"greeter": digest},
        replace(intent(), commit=commit),
        skip_held=False,
        request="",
    )
    assert proposal.entry is not None
    staging.swap(None, proposal.entry, proposal.pointers)
    made = planned(deployed, staging)
    assert [unit.unit for unit in made.units if unit.digest_before == digest] == ["greeter"]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_live_release_that_is_not_what_its_digest_says_is_refused(
    deployed: PlanProject, store: Store, store_url: str
) -> None:
    deployed.edit("greeter/system.md", "kind", "gentle")
    deployed.commit()
    with closing(sqlite3.connect(store_url.removeprefix("sqlite:///"))) as db, db:
        db.execute("UPDATE releases SET data = ?", (b"{}",))
    with pytest.raises(ReleaseRejected, match="have another digest"):
        planned(deployed, store)


def test_a_commit_that_is_not_there_is_a_usage_error(deployed: PlanProject, store: Store) -> None:
    with pytest.raises(UsageError, match="git knows no commit 'v9'"):
        planned(deployed, store, "v9")


def test_the_digest_covers_all_that_a_plan_says(deployed: PlanProject, store: Store) -> None:
    deployed.says("greeter", "Good evening.")
    facts = planned(deployed, store).as_json()
    (unit,) = facts["units"]
    others: list[dict[str, Any]] = [
        {"environment": "staging"},
        {"head": None},
        {"commit": "0" * 40},
        {"units": []},
        {"units": [unit | {"to": digest_of(b"1")}]},
        {"units": [unit | {"impact": "none"}]},
        {"units": [unit | {"warnings": []}]},
    ]
    named = {planning.plan_digest(facts | other) for other in others}
    assert planning.plan_digest(facts) == facts["digest"]
    assert len({facts["digest"], *named}) == 8
