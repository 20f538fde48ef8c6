"""plan and diff, as they are typed."""

import html
import json
import shlex
from pathlib import Path

import click
import pytest
from click.core import ParameterSource

from promptops.cli.plan import plan as plan_command
from promptops.cli.suggested import where
from promptops.live.store import Store
from promptops.manifest.digest import digest_of
from tests.plan_projects import PlanProject


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture
def project(tmp_path: Path, store_url: str) -> PlanProject:
    return PlanProject.new(tmp_path / "project", store_url)


@pytest.fixture
def changed(project: PlanProject) -> PlanProject:
    """The first commit is live; the next makes greeter gentle, in a version of its own."""
    project.deploy_all()
    project.edit("greeter/system.md", "kind", "gentle")
    project.edit("greeter/manifest.yaml", '"1.0.0"', '"1.0.1"')
    project.commit()
    return project


def test_the_plan_has_a_fixed_shape(changed: PlanProject, store: Store) -> None:
    made = changed.plan()
    live = store.read()
    assert live.head is not None
    assert list(made) == ["environment", "head", "freeze", "commit", "digest", "units"]
    assert made["environment"] == "production"
    assert made["head"] == {"epoch": live.head.epoch, "revision": live.head.revision}
    assert made["commit"] == changed.head
    (unit,) = made["units"]
    assert list(unit) == ["unit", "from", "to", "impact", "changes", "warnings"]
    assert (unit["unit"], unit["impact"]) == ("greeter", "patch")
    assert unit["from"] == live.pointers["greeter"].digest
    assert unit["changes"][0] == {"field": "prompt.version", "before": "1.0.0", "after": "1.0.1"}
    assert [item["code"] for item in unit["warnings"]] == ["removed-rule"]


def test_an_environment_that_was_never_held_has_no_head(project: PlanProject) -> None:
    assert project.plan()["head"] is None


def test_a_plan_writes_nothing_to_the_store(project: PlanProject, store: Store) -> None:
    project.plan()
    assert not (project.root / ".promptops").exists()
    assert store.read().head is None


def test_the_text_shows_the_words_without_colour(changed: PlanProject) -> None:
    done = changed.run("plan", "--env", "production")
    assert "    | You must be [-kind-]{+gentle+}.\n" in done.out
    assert '  prompt.version: "1.0.0" → "1.0.1"\n' in done.out
    assert "characters, ~" in done.out
    assert "apply it: promptops deploy --all --env production\n" in done.out
    assert "\x1b" not in done.out


def test_a_terminal_gets_colour_and_the_same_words(changed: PlanProject) -> None:
    seen = changed.on_a_terminal("plan", "--env", "production")
    assert "[-kind-]" in seen
    assert "\x1b[32m{+gentle+}\x1b[0m" in seen


def test_control_characters_of_what_is_live_do_not_reach_the_terminal(
    changed: PlanProject, store: Store
) -> None:
    changed.edit("greeter/manifest.yaml", "index: kb,", 'index: "kb\\u2060",')
    changed.commit()
    done = changed.run("plan", "--env", "production")
    assert "\u2060" not in done.out


def test_exit_code_says_whether_something_differs(changed: PlanProject) -> None:
    arguments = ("plan", "--env", "production", "--exit-code")
    assert changed.run(*arguments).code == 1
    assert changed.run(*arguments[:-1]).code == 0
    changed.deploy_all()
    assert changed.run(*arguments).code == 0


def test_another_commit_can_be_planned(changed: PlanProject) -> None:
    assert changed.plan("--commit", "HEAD~1")["units"] == []


def test_out_writes_what_json_prints(changed: PlanProject) -> None:
    done = changed.run("plan", "--env", "production", "--out", "plan.json", "-o", "json")
    assert json.loads((changed.root / "plan.json").read_text("utf-8")) == done.json


def test_out_into_a_folder_that_is_not_there_is_a_usage_error(changed: PlanProject) -> None:
    done = changed.run("plan", "--env", "production", "--out", "gone/plan.json")
    assert done.code == 2
    assert "gone/plan.json cannot be written: No such file or directory" in done.err


def test_a_unit_with_errors_cannot_be_planned(changed: PlanProject) -> None:
    changed.edit("greeter/manifest.yaml", "provider: openai, ", "")
    changed.commit()
    done = changed.run("plan", "--env", "production")
    assert done.code == 1
    assert "E211" in done.err
    assert "1 error in the manifests, so there is no plan\n" in done.err
    assert ", so there is no diff\n" in changed.here("diff", "HEAD~1..HEAD").err


def test_a_store_that_cannot_be_reached_is_exit_4(changed: PlanProject) -> None:
    done = changed.run("plan", "--env", "production", "--store", "redis://127.0.0.1:1/0")
    assert done.code == 4


def test_markdown_begins_with_the_marker(changed: PlanProject) -> None:
    made = changed.plan()
    done = changed.run("plan", "--env", "production", "-o", "markdown")
    assert done.out.startswith(f"<!-- promptops:plan production {made['digest']} -->\n")
    assert "You must be [-kind-]{+gentle+}." in done.out


def test_diff_compares_commits_without_a_store(changed: PlanProject) -> None:
    done = changed.run("diff", "HEAD~1..HEAD", "greeter", "-o", "json")
    assert list(done.json) == ["from", "to", "environment", "units"]
    assert done.json["environment"] is None
    (unit,) = done.json["units"]
    assert (unit["unit"], unit["impact"]) == ("greeter", "patch")
    text = changed.run("diff", "HEAD~1..HEAD", "--exit-code")
    assert text.code == 1
    assert "You must be [-kind-]{+gentle+}." in text.out
    assert changed.run("diff", "HEAD~1..HEAD", "farewell", "--exit-code").code == 0
    markdown = changed.run("diff", "HEAD~1..HEAD", "-o", "markdown").out
    assert "<!-- promptops:plan" not in markdown
    assert "You must be [-kind-]{+gentle+}." in markdown


def test_the_digest_of_a_plan_is_no_digest_of_its_file(changed: PlanProject) -> None:
    """It names what is done; texts and warnings may be shown differently one day."""
    changed.run("plan", "--env", "production", "--out", "plan.json")
    data = (changed.root / "plan.json").read_bytes()
    assert digest_of(data) != json.loads(data)["digest"]


@pytest.mark.parametrize(
    ("arguments", "applied"),
    [
        (["--store", "sqlite:///a b$(id).db"], ["--all", "--env", "production", "--store"]),
        (["--out", "a b$(id).json"], ["--plan", "a b$(id).json"]),
        (["--commit", "a$(id)"], ["--all", "--env", "production", "--commit", "a$(id)"]),
    ],
)
def test_the_command_that_applies_it_can_be_pasted(
    changed: PlanProject, arguments: list[str], applied: list[str]
) -> None:
    changed.git("tag", "a$(id)")
    command = changed.here("plan", "--env", "production", *arguments).out.partition("apply it: ")[2]
    store = arguments[1:] if "--store" in applied else []
    assert shlex.split(command) == ["promptops", "deploy", *applied, *store]


def test_a_store_from_a_variable_needs_no_option(changed: PlanProject) -> None:
    done = changed.here("plan", "--env", "production", PROMPTOPS_STORE="sqlite:///other.db")
    assert "apply it: promptops deploy --all --env production\n" in done.out


def test_the_store_that_was_named_stands_in_what_markdown_suggests(changed: PlanProject) -> None:
    other = ("--env", "production", "--store", "sqlite:///other.db")
    done = changed.here("plan", *other, "-o", "markdown")
    assert f"promptops deploy --all {' '.join(other)} --create" in html.unescape(done.out)


def test_a_password_is_not_repeated_in_a_command() -> None:
    shown = {
        "redis://ada:secret@localhost/0?ns=a": "redis://USER:PASSWORD@localhost/0?ns=a",
        "redis+sentinel://h/m?sentinel_user=ada&sentinel_password=secret&ns=a": (
            "redis+sentinel://h/m?sentinel_user=ada&sentinel_password=PASSWORD&ns=a"
        ),
    }
    context = click.Context(plan_command)
    with context:
        context.set_parameter_source("store", ParameterSource.COMMANDLINE)
        for store, without in shown.items():
            context.params["store"] = store
            assert where("staging") == ["--env", "staging", "--store", without]


def test_what_would_be_refused_is_not_suggested(changed: PlanProject) -> None:
    changed.deploy_all()
    older = ("plan", "--env", "production", "--commit", "HEAD~1")

    text, comment = changed.here(*older).out, changed.here(*older, "-o", "markdown").out

    assert "warning[older]" in text
    assert "apply it" not in text
    refused = "**On merge** the deployment is refused, see the warning on <code>greeter</code>."
    assert refused in comment
    assert "live:" not in comment


def test_diff_knows_the_environments_of_the_project(changed: PlanProject) -> None:
    done = changed.here("diff", "HEAD~1..HEAD", "--env", "produktion")
    assert (done.code, done.out) == (2, "")
    assert "promptops.yaml has no environment 'produktion'" in done.err
    assert "did you mean 'production'?" in done.err
