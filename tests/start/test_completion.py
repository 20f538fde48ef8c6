"""TAB in real shells."""

import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.projects import PROMPTOPS, Project

# Each script types the words that it gets and prints what TAB offers. Zsh's own completion needs a
# terminal, so what it would add to the menu is printed instead.
BASH = """
source <(_PROMPTOPS_COMPLETE=bash_source promptops)
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _promptops_completion promptops
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
compdef() { : }
compadd() { print -rl -- "${completions[@]}" }
_describe() { print -rl -- "${completions_with_descriptions[@]%%:*}" }
eval "$(_PROMPTOPS_COMPLETE=zsh_source promptops)"
words=("$@"); CURRENT=$#; _promptops_completion
"""
FISH = """
_PROMPTOPS_COMPLETE=fish_source promptops | source
complete --do-complete (string join ' ' -- $argv)
"""
COMMANDS = {
    "bash": ["bash", "--norc", "-c", BASH, "bash"],
    "zsh": ["zsh", "-f", "-c", ZSH, "zsh"],
    "fish": ["fish", "--no-config", "-c", FISH],
}


def offers(project: Project, shell: str, *words: str) -> list[str]:
    """What TAB offers behind `promptops WORDS…`, the last of which may be begun or empty."""
    path = f"{Path(PROMPTOPS).parent}:{project.variables['PATH']}"
    done = project.shell(*COMMANDS[shell], "promptops", *words, PATH=path)
    assert done.err == ""
    return [line.partition("\t")[0] for line in done.out.split("\n") if line]


@pytest.fixture(params=list(COMMANDS))
def shell(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if shutil.which(name) is None:
        # Bash is everywhere; .ci/run installs the others.
        assert name != "bash"
        pytest.skip(f"NOT RUN: {name} is not installed")
    return name


def lived(project: Project) -> list[str]:
    """The digests of hello, newest first."""
    entries = project.here("history", "hello", "--env", "local", "-o", "json").json["entries"]
    return [change["to"][7:19] for entry in entries for change in entry["changes"]]


def test_commands(begun: Project, shell: str) -> None:
    assert offers(begun, shell, "roll") == ["rollback"]


def test_environments(begun: Project, shell: str) -> None:
    assert set(offers(begun, shell, "rollback", "--env", "")) == {"local", "production"}
    assert offers(begun, shell, "rollback", "--env", "pro") == ["production"]
    assert offers(begun, shell, "validate", "--env", "pro") == ["production"]
    assert offers(begun, shell, "diff", "HEAD~1..HEAD", "--env", "pro") == ["production"]


def test_units_in_git_for_deploy_and_live_ones_for_rollback(
    deployed_twice: Project, shell: str
) -> None:
    assert set(offers(deployed_twice, shell, "deploy", "")) == {"goodbye", "hello"}
    assert set(offers(deployed_twice, shell, "diff", "HEAD~1..HEAD", "")) == {"goodbye", "hello"}
    assert offers(deployed_twice, shell, "rollback", "--env", "local", "") == ["hello"]


def test_a_unit_that_is_typed_already_is_not_offered_again(
    deployed_twice: Project, shell: str
) -> None:
    assert offers(deployed_twice, shell, "deploy", "hello", "") == ["goodbye"]


def test_digests_of_the_unit(deployed_twice: Project, shell: str) -> None:
    newest, oldest = lived(deployed_twice)
    back = ("rollback", "hello", "--env", "local", "--to")
    assert set(offers(deployed_twice, shell, *back, "")) == {newest, oldest}
    assert offers(deployed_twice, shell, *back, oldest[:6]) == [oldest]
    held = offers(deployed_twice, shell, "hold", "--env", "local", "hello", "")
    assert set(held) == {newest, oldest}


def test_digests_come_newest_first(deployed_twice: Project) -> None:
    assert offers(deployed_twice, "bash", "hold", "--env", "local", "hello", "") == lived(
        deployed_twice
    )


@pytest.fixture
def mute_server() -> Iterator[str]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def test_a_store_that_hangs_costs_little_time_and_no_error(
    begun: Project, mute_server: str
) -> None:
    started = time.monotonic()
    offered = offers(begun, "bash", "rollback", "--store", mute_server, "--env", "production", "")
    assert time.monotonic() - started < 5
    assert offered == ["hello"]  # what is in git is better than nothing


@pytest.mark.parametrize(
    "words",
    [
        ("status", "--env", ""),
        ("rollback", "--env", "local", ""),
        ("rollback", "--store", "nonsense://", "--env", "local", "hello", "--to", ""),
        ("nonsense", ""),
    ],
)
@pytest.mark.parametrize("project", [None, "environments: [", "apiVersion: promptops/v1\n"])
def test_tab_is_silent_where_there_is_no_project_or_a_broken_one(
    empty_folder: Project, words: tuple[str, ...], project: str | None
) -> None:
    if project is not None:
        empty_folder.write("promptops.yaml", project)
    assert offers(empty_folder, "bash", *words) == []


def test_tab_makes_no_store(begun: Project) -> None:
    assert offers(begun, "bash", "rollback", "--env", "local", "") == ["hello"]
    assert not (begun.root / ".promptops").exists()
