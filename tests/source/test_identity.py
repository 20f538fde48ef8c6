"""Who acts: the account of the CI, else the name that git knows, else the system user."""

import getpass
from pathlib import Path

import pytest

from promptops.source.identity import actor

CI = {
    "GITHUB_ACTOR": "octo-cat",
    "GITLAB_USER_LOGIN": "tanuki",
    "BUILDKITE_BUILD_CREATOR": "Kit",
    "CIRCLE_USERNAME": "circe",
    "BITBUCKET_STEP_TRIGGERER_UUID": "{1b2c}",
    "BUILD_REQUESTEDFOR": "Azra",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Neither git nor the system says anything here yet."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME", "GIT_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def configure(folder: Path, text: str) -> None:
    (folder / ".gitconfig").write_text(text)


@pytest.mark.parametrize(("name", "account"), CI.items())
def test_a_ci_says_who_started_it(folder: Path, name: str, account: str) -> None:
    configure(folder, "[user]\nname = Robot\nemail = robot@ci.example\n")
    assert actor({name: account}, folder) == account


def test_an_empty_variable_names_nobody(folder: Path) -> None:
    configure(folder, "[user]\nname = Ada\nemail = ada@example.com\n")
    assert actor(dict.fromkeys(CI, ""), folder) == "Ada <ada@example.com>"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("[user]\nname = Ada\nemail = ada@example.com\n", "Ada <ada@example.com>"),
        ("[user]\nname = Ada\n", "Ada"),
        ("[user]\nemail = ada@example.com\n", "ada@example.com"),
        ("[user]\nname = Адa Ł\nemail = a@b.c\n", "Адa Ł <a@b.c>"),
    ],
)
def test_git_knows_a_name(folder: Path, config: str, said: str) -> None:
    configure(folder, config)
    assert actor({}, folder) == said


def test_the_repository_knows_better_than_the_home_folder(folder: Path) -> None:
    configure(folder, "[user]\nname = Ada\nemail = ada@example.com\n")
    git = folder / "project/.git"
    for part in ("objects", "refs"):
        (git / part).mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "config").write_text("[user]\nname = Ada at work\n")
    assert actor({}, folder / "project") == "Ada at work <ada@example.com>"


def test_else_it_is_the_system_user(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "night-shift")
    assert actor({}, folder) == "night-shift"
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    assert actor({}, folder) == getpass.getuser()


@pytest.mark.parametrize("git", ["missing", "broken", "slow"])
def test_a_git_that_is_no_help_is_done_without(
    folder: Path, monkeypatch: pytest.MonkeyPatch, git: str
) -> None:
    (folder / "bin").mkdir()
    if git != "missing":
        script = "exit 128" if git == "broken" else "exec /bin/sleep 60"
        (folder / "bin/git").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder / "bin"))
    monkeypatch.setenv("LOGNAME", "night-shift")
    assert actor({}, folder) == "night-shift"


def test_a_folder_that_is_gone_is_done_without(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "night-shift")
    assert actor({}, folder / "gone") == "night-shift"
