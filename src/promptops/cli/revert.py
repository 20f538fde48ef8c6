"""rollback --revert: bring git in line, after the rollback and without ever failing it."""

import os
import shlex

from promptops.cli import settings
from promptops.cli.github import run
from promptops.cli.github.api import ApiFailed
from promptops.cli.github.pull_request import open_pull_request
from promptops.cli.output import in_line, say, say_warning
from promptops.cli.settings import Environment
from promptops.delivery.revert import revert
from promptops.errors import PromptopsError, UsageError
from promptops.live.records import Entry
from promptops.source.project import Project
from promptops.source.reverting import Prepared

_STANDS = "the rollback stands, and git still says otherwise"


def bring_git_in_line(place: Environment, entry: Entry) -> None:
    """Prepare the commit, and with a token the pull request; all that fails is a warning."""
    try:
        _prepare(place, entry)
    except PromptopsError as error:
        say_warning(f"{_STANDS}: {error.message}" + (f" ({error.hint})" if error.hint else ""))
    except (OSError, ValueError) as error:
        say_warning(f"{_STANDS}: {error}")
    except KeyboardInterrupt:
        say_warning(f"{_STANDS}: interrupted")


def _prepare(place: Environment, entry: Entry) -> None:
    project = settings.project_here("run this in your clone of the manifests")
    prepared = revert(project, place.name, entry)
    if prepared is None:
        say("git is in line already")
        return
    units = ", ".join(entry.units)
    said = f"branch {prepared.branch} (commit {prepared.commit[:12]}) takes {units} back in git"
    say(in_line(said))
    try:
        address = _pull_request(project, place, prepared)
    except ApiFailed as error:
        say_warning(f"no pull request: {error.message}")
    except UsageError as error:
        say_warning(f"no pull request: {error.message} ({error.hint})")
    else:
        if address:
            say(in_line(f"pull request: {address}"))
            return
    say(f"push it: {shlex.join(['git', 'push', 'origin', prepared.branch])}")


def _pull_request(project: Project, place: Environment, prepared: Prepared) -> str:
    """Its address; empty where there is no token, as on a laptop."""
    if not (os.environ.get("GITHUB_TOKEN") and os.environ.get("GITHUB_REPOSITORY")):
        return ""
    mine = project.environments.get(place.name)
    into = mine.branch if mine else ""
    return open_pull_request(run.api(os.environ), run.repository(os.environ), prepared, into)
