"""What reads workflows for mistakes finds none in ours, and does find those of a bad twin."""

import json
import re
from pathlib import Path

import pytest

from promptops.source.shipped import template
from promptops.source.starter import WORKFLOWS
from promptops.version import VERSION
from tests.cli.projects import Ended, Project, tool

ROOT = Path(__file__).parents[2]
BAD_TWIN = Path(__file__).with_name("bad-twin.yml")
INSTALL = f'python -m pip install --quiet "promptops-deploy=={VERSION}"'


@pytest.fixture
def ours(project: Project) -> list[str]:
    """This repository's, and those of a repository that was begun with `init --github`."""
    generated = project.root / ".github/workflows"
    assert sorted(path.name for path in generated.iterdir()) == sorted(WORKFLOWS)
    return [str(generated), str(ROOT / ".github/workflows"), str(ROOT / "action.yml")]


def zizmor(project: Project, *paths: str) -> Ended:
    options = ("--offline", "--persona=pedantic", "--no-exit-codes", "--format=json")
    done = project.shell(tool("zizmor"), *options, *paths)
    assert done.code == 0, done.err
    return done


def test_zizmor_finds_nothing(project: Project, ours: list[str]) -> None:
    done = zizmor(project, *ours)
    assert json.loads(done.out) == []


def test_zizmor_finds_what_is_wrong_with_the_bad_twin(project: Project) -> None:
    found = json.loads(zizmor(project, str(BAD_TWIN)).out)
    assert len(found) >= 7
    assert {"template-injection", "unpinned-uses", "artipacked", "excessive-permissions"} <= {
        item["ident"] for item in found
    }


@pytest.mark.parametrize("bad", [False, True])
def test_githubs_own_schemas_accept_ours_and_refuse_the_bad_twin(
    project: Project, ours: list[str], bad: bool
) -> None:
    folders = [BAD_TWIN] if bad else [file for path in ours[:2] for file in Path(path).iterdir()]
    options = ("--builtin-schema", "vendor.github-workflows")
    done = project.shell(tool("check-jsonschema"), *options, *map(str, folders))
    assert bool(done.code) == bad, done.out


def test_githubs_own_schema_accepts_the_action(project: Project) -> None:
    options = ("--builtin-schema", "vendor.github-actions")
    done = project.shell(tool("check-jsonschema"), *options, str(ROOT / "action.yml"))
    assert done.code == 0, done.out


def test_no_other_action_is_used_than_the_two_pinned_ones(ours: list[str]) -> None:
    pinned = {
        "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
        "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0",
    }
    files = [file for path in ours[:2] for file in Path(path).iterdir()] + [Path(ours[2])]
    used = {use for file in files for use in re.findall(r"uses: *(.+)", file.read_text())}
    assert used == pinned


def own_version_of(name: str) -> str:
    """The template with everything that this repository has to do in another way."""
    where = {"BRANCH": "main", "VARIABLE": "X"}
    where["ENVIRONMENT"] = "local"
    if name in {"promptops-rollback.yml", "promptops-rehearse.yml"}:
        where |= {"ENVIRONMENT": "production", "VARIABLE": "PRODUCTION_REDIS_URL"}
    text = template(f"github/{name}", VERSION=VERSION, **where)
    text = text[text.index("name: ") :].replace(INSTALL, "python -m pip install --quiet .")
    if name == "promptops-rollback.yml":
        # The tool is not taken from a registry here, so it has to be checked out.
        checkout = (ROOT / ".github/workflows/promptops-check.yml").read_text()
        steps = re.search(r"      - uses: actions/checkout.*?(?=      - uses)", checkout, re.DOTALL)
        assert steps is not None
        lines = [line.partition(" # the gate")[0] for line in steps[0].splitlines()]
        reading = "permissions:\n      contents: read # to check the repository out\n    steps:\n"
        return text.replace("permissions: {}\n    steps:\n", reading + "\n".join(lines) + "\n")
    if name == "promptops-rehearse.yml":
        return re.sub(r"  schedule:\n.*\n", "", text)
    return re.sub(r" *X: .*\n", "", text)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_this_repository_uses_the_templates(name: str) -> None:
    text = (ROOT / ".github/workflows" / name).read_text()
    assert text[text.index("name: ") :] == own_version_of(name)
