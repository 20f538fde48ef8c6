"""demo: the whole story in a copy of this repository, which it leaves as it was."""

import re
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.cli.projects import Project, clean_variables

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Project:
    """This repository's own project, committed; a scratch folder of its own for temporary files."""
    (tmp_path / "tmp").mkdir()
    variables = clean_variables(tmp_path / "home", TMPDIR=str(tmp_path / "tmp"))
    project = Project(tmp_path / "clone", variables)
    shutil.copytree(REPOSITORY / "manifests", project.root / "manifests")
    shutil.copytree(REPOSITORY / "schemas", project.root / "schemas")
    for name in ("promptops.yaml", "README.md", ".gitignore"):
        shutil.copy(REPOSITORY / name, project.root / name)
    project.git("init", "--quiet")
    project.commit("a clone")
    return project


def test_the_story_is_told_by_the_store_and_the_app_twice(clone: Project, tmp_path: Path) -> None:
    for _ in range(2):
        started = time.monotonic()
        done = clone.run("demo")
        assert time.monotonic() - started < 60
        assert (done.code, done.err) == (0, "")
        digest = "([0-9a-f]{12})"
        story = re.search(
            rf"""checked    3 manifests, no errors
deploy     revision 1 in sqlite:///\S+demo\.db
           answer-from-docs  \(new\) → {digest}
           support-summary  \(new\) → {digest}
           support-triage  \(new\) → {digest}
app        serves answer-from-docs {digest}, “….*”
deploy     revision 2 in sqlite:///\S+demo\.db
           answer-from-docs  {digest} → {digest}
app        served the new prompt (\d+) ms after the swap: {digest}, “…If you are not sure, .*”
rollback   revision 3 in sqlite:///\S+demo\.db
           answer-from-docs  {digest} → {digest}  held: {digest}
app        was back on the old one (\d+) ms after the rollback: {digest}, “….*”
app        read \d+ times, 0 errors
history    as the store keeps it, newest first:
           3  rollback  \S+Z  the new prompt hesitates too much
""",
            done.out,
        )
        assert story is not None, done.out
        (old, _, _, served, old2, new, swapped, served2, new2, old3, held, back, old4) = (
            story.groups()
        )
        assert {served, old2, old3, old4} == {old}
        assert {served2, new2, held} == {new}
        assert 0 <= int(swapped) < 5000
        assert 0 <= int(back) < 5000
        assert re.search(r"^done in \d+\.\d s$", done.out, re.MULTILINE)
        assert clone.git("status", "--porcelain", "--ignored") == ""
        assert clone.git("log", "--oneline").count("\n") == 0
        assert list((tmp_path / "tmp").iterdir()) == []


def test_a_story_that_is_terminated_leaves_nothing_behind(clone: Project, tmp_path: Path) -> None:
    process = clone.start("demo")
    assert process.stdout is not None
    while not process.stdout.readline().startswith("app "):
        pass
    process.send_signal(signal.SIGTERM)
    # Its app holds the same pipe for errors: this ends when both have ended.
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (143, "\nerror: terminated\n")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_work_that_is_not_committed_is_neither_shown_nor_lost(clone: Project) -> None:
    prompt = clone.root / "manifests/answer-from-docs/system.md"
    prompt.write_text("Only half written\n")
    done = clone.run("demo")
    assert (done.code, done.err) == (0, "")
    assert "Only half written" not in done.out
    assert prompt.read_text() == "Only half written\n"
    assert clone.git("status", "--porcelain") == "M manifests/answer-from-docs/system.md"


def test_a_project_below_the_top_of_its_repository(git_project: Project) -> None:
    below = git_project.root / "below"
    below.mkdir()
    git_project.git("mv", "promptops.yaml", "manifests", "below/")
    git_project.commit("moved")
    done = git_project.at("below").run("demo")
    assert (done.code, done.err) == (0, "")
    assert "served the new prompt" in done.out


def test_a_project_that_is_not_committed(empty_folder: Project, git_project: Project) -> None:
    git_project.git("rm", "--quiet", "--cached", "promptops.yaml")
    git_project.git("commit", "--quiet", "--message", "without its project file")
    done = git_project.run("demo")
    assert (done.code, done.out, done.err) == (
        2,
        "",
        "error: promptops.yaml is not committed\n help: commit it, then run the demo\n",
    )
    done = empty_folder.run("demo")
    assert done.code == 2
    assert done.err.startswith("error: there is no promptops.yaml here or in a folder above\n")
