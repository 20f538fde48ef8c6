"""Who acts: the CI's account, else the name that git knows, else the system user."""

import getpass
import subprocess
from collections.abc import Mapping
from pathlib import Path

# What each CI sets for the account that started the run.
_CI = (
    "GITHUB_ACTOR",
    "GITLAB_USER_LOGIN",
    "BUILDKITE_BUILD_CREATOR",
    "CIRCLE_USERNAME",
    "BITBUCKET_STEP_TRIGGERER_UUID",
    "BUILD_REQUESTEDFOR",
)


def actor(variables: Mapping[str, str], folder: Path) -> str:
    """One line that names a person or an account; never empty."""
    for name in _CI:
        if variables.get(name):
            return variables[name]
    name, email = _git_config("user.name", folder), _git_config("user.email", folder)
    if name and email:
        return f"{name} <{email}>"
    return name or email or _system_user()


def _git_config(key: str, folder: Path) -> str:
    try:
        done = subprocess.run(
            ["git", "config", "--get", key],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=2,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
