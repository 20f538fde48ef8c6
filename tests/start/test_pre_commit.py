"""The hook checks the whole project, as pre-commit names no file that a commit deletes."""

from pathlib import Path

import yaml

from tests.cli.projects import Ended, Project, tool

ROOT = Path(__file__).parents[2]


def hook(project: Project, *options: str) -> Ended:
    """What pre-commit says of what is staged."""
    return project.shell(
        tool("pre-commit"), "try-repo", str(ROOT), "promptops-validate", "--color=never", *options
    )


def test_pre_commit_checks_what_is_staged(begun: Project) -> None:
    begun.write("manifests/hello/system.md", "Greet {{ guest }}.\n")
    begun.git("add", "--all")
    begun.write("manifests/hello/system.md", "Greet.\n")
    done = hook(begun)
    assert done.code == 1, done.err
    assert "manifests/hello/system.md:1:" in done.out
    assert "E302" in done.out


def test_a_deleted_prompt_file_does_not_slip_through(begun: Project) -> None:
    begun.git("rm", "--quiet", "manifests/hello/system.md")
    done = hook(begun)
    assert done.code == 1, done.err
    assert "E402" in done.out


def test_the_snippet_of_init_runs_the_same_as_the_hook(begun: Project) -> None:
    ours = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())[0]
    config = yaml.safe_load((begun.root / ".pre-commit-config.yaml").read_text())
    snippet = config["repos"][0]["hooks"][0]
    same = ("id", "entry", "language", "pass_filenames", "always_run")
    assert {name: snippet[name] for name in same} == {name: ours[name] for name in same}
