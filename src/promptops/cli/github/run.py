"""Where a command runs on GitHub, from the variables that the runner sets."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from promptops.cli.github.api import Api
from promptops.errors import UsageError

_REPOSITORY = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_SUMMARY_BYTES = 1024 * 1024  # of one step; GitHub drops a larger summary whole
_CUT = (
    "> **Cut**: GitHub shows at most 1 MiB. The findings stand in the log, the plan in gate.json.\n"
)


@dataclass(frozen=True, slots=True)
class PullRequest:
    """The pull request that started the run."""

    repository: str
    number: int


def pull_request(variables: Mapping[str, str]) -> PullRequest | None:
    """None for a run that no pull request started; raises UsageError outside GitHub."""
    in_repository = repository(variables)
    path = Path(_needed(variables, "GITHUB_EVENT_PATH"))
    try:
        event = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"the event at {path} cannot be read", "GITHUB_EVENT_PATH is set by GitHub's runner"
        ) from error
    found = event.get("pull_request") if isinstance(event, dict) else None
    number = found.get("number") if isinstance(found, dict) else None
    return PullRequest(in_repository, number) if isinstance(number, int) else None


def repository(variables: Mapping[str, str]) -> str:
    """OWNER/NAME; raises UsageError outside GitHub."""
    found = _needed(variables, "GITHUB_REPOSITORY")
    if not _REPOSITORY.fullmatch(found):
        raise UsageError("GITHUB_REPOSITORY is not OWNER/NAME", "it is set by GitHub's runner")
    return found


def api(variables: Mapping[str, str]) -> Api:
    """Raises UsageError when there is no token, or an address that must not have it."""
    token = variables.get("GITHUB_TOKEN", "").strip()
    if not token:
        raise UsageError(
            "GITHUB_TOKEN is not set",
            "add it to the step: env: {GITHUB_TOKEN: ${{ github.token }}}",
        )
    return Api.at(variables.get("GITHUB_API_URL") or "https://api.github.com", token)


def add_summary(variables: Mapping[str, str], markdown: str) -> None:
    """Append to the step's summary what is not there yet, within GitHub's limit."""
    path = Path(_needed(variables, "GITHUB_STEP_SUMMARY"))
    written = path.read_text("utf-8", errors="replace") if path.is_file() else ""
    if markdown.strip() in written:
        return
    room = _SUMMARY_BYTES - len(written.encode()) - 2
    text = markdown.strip() + "\n\n"
    if len(text.encode()) > room:
        kept = text.encode()[: max(0, room - len(_CUT.encode()) - 1)].decode("utf-8", "ignore")
        # The notice stands above, because the cut may have left a fence open.
        text = f"{_CUT}\n{kept.rpartition(chr(10))[0]}" if kept else ""
    with path.open("a", encoding="utf-8", newline="") as summary:
        summary.write(text)


def has_summary(variables: Mapping[str, str], markdown: str) -> bool:
    """Whether the step's summary holds this text."""
    path = Path(variables.get("GITHUB_STEP_SUMMARY", ""))
    return path.is_file() and markdown.strip() in path.read_text("utf-8", errors="replace")


def add_outputs(variables: Mapping[str, str], **outputs: str | int) -> None:
    """Outputs of the step, for later ones; nothing where the runner offers no file for them."""
    path = variables.get("GITHUB_OUTPUT")
    if path:
        with Path(path).open("a", encoding="utf-8", newline="") as file:
            file.writelines(f"{name}={value}\n" for name, value in outputs.items())


def _needed(variables: Mapping[str, str], name: str) -> str:
    if not variables.get(name):
        raise UsageError(
            f"{name} is not set", "this command runs in a step of a GitHub workflow, which sets it"
        )
    return variables[name]
