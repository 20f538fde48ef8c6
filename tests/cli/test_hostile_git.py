"""A repository of somebody hostile runs nothing: neither a name in it nor its configuration."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.projects import Project, clean_variables, new_project

# Whoever sees one of these as a script, an option or a place to write to makes a file `canary`.
NAMES = [
    "--output=canary",
    "--upload-pack=touch${IFS}canary",
    "--exec=touch${IFS}canary",
    "-c",
    "$(touch${IFS}canary)",
    "`touch${IFS}canary`",
    ";touch${IFS}canary;",
    "|touch${IFS}canary",
    "&&touch${IFS}canary",
    "a'$(touch${IFS}canary)'b",
    'a"$(touch${IFS}canary)"b',
    ">canary",
    "<(touch${IFS}canary)",
    "{touch,canary}",
    "!touch${IFS}canary",
    "%s%n${IFS}$(touch${IFS}canary)",
    "x\N{RIGHT-TO-LEFT OVERRIDE}$(touch${IFS}canary)",
    "main;touch${IFS}canary",
    "refs/heads/$(touch${IFS}canary)",
    "HEAD",
]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("repository")
    project = new_project(folder / "project", clean_variables(folder / "home"))
    project.says("greeter", "Good evening.")
    return project


@pytest.fixture
def project(repository: Project, tmp_path: Path) -> Project:
    """The last commit changed a prompt."""
    return repository.copy(tmp_path / "project")


def canaries(project: Project) -> list[Path]:
    return list(project.root.parent.rglob("canary"))


def run_all(project: Project, rev: str, *codes: int) -> None:
    """Every command that looks at git, with a revision wherever one can be named."""
    offline = ("--env", "production", "--offline")
    local = ("--env", "local")
    for command in (
        ("gate", f"--base={rev}", *offline),
        ("gate", "--base=HEAD~1", f"--commit={rev}", *offline),
        ("gate", f"--base={rev}", f"--commit={rev}", *local, "-o", "markdown"),
        ("plan", f"--commit={rev}", *local),
        ("diff", "--", f"{rev}..HEAD"),
        ("diff", "--", f"HEAD~1..{rev}"),
        ("deploy", "--all", f"--commit={rev}", *local),
    ):
        done = project.here(*command)
        assert done.code in codes, (command, done.out, done.err)


def look_around(project: Project, *codes: int) -> None:
    """The same where nothing is named, and what is checked out counts."""
    run_all(project, "HEAD", *codes)
    for command in (("validate",), ("status", "--env", "local")):
        assert project.here(*command).code == 0


@pytest.mark.parametrize("kind", ["heads", "tags"])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_never_more_than_a_name(project: Project, name: str, kind: str) -> None:
    project.git("update-ref", f"refs/{kind}/{name}", project.head)
    run_all(project, name, 2 if name.startswith("-") else 0)
    if kind == "heads":
        project.git("symbolic-ref", "HEAD", f"refs/heads/{name}")
        look_around(project, 0)
    assert canaries(project) == []


@dataclass(frozen=True, slots=True)
class Trap:
    """A configuration that runs `touch canary`; `spring` is what makes git do it."""

    settings: dict[str, str]
    spring: tuple[str, ...]
    attributes: str = ""
    missing: str = ""


TOUCH = "touch canary; false"
TRAPS = {
    "fsmonitor": Trap({"core.fsmonitor": TOUCH}, ("status",)),
    "external diff": Trap(
        {"diff.external": TOUCH, "diff.evil.command": TOUCH}, ("diff", "HEAD~1"), "* diff=evil\n"
    ),
    "text conversion": Trap(
        {"diff.evil.textconv": "touch canary; cat"}, ("diff", "HEAD~1"), "* diff=evil\n"
    ),
    "filter": Trap(
        {
            "filter.evil.clean": "touch canary; cat",
            "filter.evil.smudge": "touch canary; cat",
            "filter.evil.required": "true",
            "merge.evil.driver": TOUCH,
        },
        ("cat-file", "--filters", "HEAD:manifests/greeter/system.md"),
        "* filter=evil merge=evil\n",
    ),
    "hooks": Trap({"core.hooksPath": "hooks"}, ("commit", "--quiet", "--allow-empty", "-m", "x")),
    "aliases and pagers": Trap(
        {
            **{f"alias.{name}": f"!{TOUCH}" for name in ("evil", "rev-parse", "cat-file")},
            **dict.fromkeys(("core.pager", "pager.rev-parse", "core.editor"), TOUCH),
            **dict.fromkeys(("core.sshCommand", "core.askPass", "gpg.program"), TOUCH),
            "credential.helper": f"!{TOUCH}",
            "log.showSignature": "true",
        },
        ("evil",),
    ),
    # A partial clone fetches what it lacks when somebody asks for it.
    "remote helper": Trap(
        {
            "core.repositoryFormatVersion": "1",
            "extensions.partialClone": "origin",
            "remote.origin.promisor": "true",
            "remote.origin.url": "ext::touch canary",
            "protocol.ext.allow": "always",
        },
        ("cat-file", "-p", "HEAD:manifests/greeter/system.md"),
        missing="HEAD:manifests/greeter/system.md",
    ),
    "upload pack": Trap(
        {
            "core.repositoryFormatVersion": "1",
            "extensions.partialClone": "origin",
            "remote.origin.promisor": "true",
            "remote.origin.url": ".",
            "remote.origin.uploadpack": TOUCH,
        },
        ("cat-file", "-p", "HEAD:manifests/greeter/system.md"),
        missing="HEAD:manifests/greeter/system.md",
    ),
}


def set_up(project: Project, trap: Trap) -> None:
    if trap.attributes:
        project.write(".gitattributes", trap.attributes)
        project.commit("attributes")
    if trap.missing:
        name = project.git("rev-parse", trap.missing)
        (project.root / ".git/objects" / name[:2] / name[2:]).unlink()
    hooks = ("post-index-change", "pre-commit", "reference-transaction", "post-checkout")
    for hook in hooks if "core.hooksPath" in trap.settings else ():
        project.write(f"hooks/{hook}", f"#!/bin/sh\ntouch {project.root}/canary\n").chmod(0o755)
    for name, value in trap.settings.items():
        project.git("config", name, value)


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
def test_a_hostile_configuration_runs_nothing(project: Project, trap: Trap) -> None:
    set_up(project, trap)
    project.write("manifests/farewell/system.md", "Sleep well.\n")
    look_around(project, *((0, 2) if trap.missing else (0,)))
    assert canaries(project) == []
    project.shell("git", *trap.spring)
    assert canaries(project), "the trap is none"
