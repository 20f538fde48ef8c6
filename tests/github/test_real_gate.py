"""What `promptops gate --out` writes is what `promptops gha` reads and prints."""

from pathlib import Path

import pytest

from promptops.cli.github.gate import read_gate
from tests.cli.projects import Project
from tests.github.api import BOT, TOKEN, Api
from tests.github.log import commands_in

GATE = ("gate", "--base", "HEAD^", "--offline", "--out", "gate.json")


@pytest.fixture
def judged(project: Project) -> Project:
    """gate.json holds the verdict about a mistake, for two environments."""
    project.write("manifests/hello/system.md", "Answer in\nup to {{ words }} words.\n")
    project.commit("Count the words")
    done = project.here(*GATE, "--env", "local", "--env", "production")
    assert (done.code, done.err) == (1, "")
    return project


def test_the_file_is_read_whole(judged: Project) -> None:
    gate = read_gate(judged.root / "gate.json")
    assert gate.verdict == "fail"
    (finding,) = gate.findings
    assert (finding.code, finding.place.line, finding.place.column) == ("E302", 2, 7)
    assert [item.environment for item in gate.environments] == ["local", "production"]
    assert gate.environments[1].markdown.startswith("<!-- promptops:gate production ")
    assert gate.markdown.count("E302") == 1


def test_and_put_on_github(
    judged: Project, api: Api, on_github: dict[str, str], tmp_path: Path
) -> None:
    written = tmp_path / "summary.md"
    variables = on_github | {"GITHUB_TOKEN": TOKEN, "GITHUB_STEP_SUMMARY": str(written)}
    said = [
        judged.here("gha", name, "--from", "gate.json", **variables)
        for name in ("annotate", "summary", "comment")
    ]
    assert [(done.code, done.err) for done in said] == [(0, "")] * 3
    (annotation,) = commands_in(said[0].out)
    assert annotation.properties["file"] == "manifests/hello/system.md"
    assert annotation.properties["line"] == "2"
    gate = read_gate(judged.root / "gate.json")
    assert written.read_text().strip() == gate.markdown.strip()
    for body, item in zip(api.by(BOT), gate.environments, strict=True):
        assert body.endswith(item.markdown.strip() + "\n")
