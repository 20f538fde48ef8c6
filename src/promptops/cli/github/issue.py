"""One open issue for each environment whose way back is blocked; nobody closes it but people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from promptops.cli.github.api import Api, ApiFailed
from promptops.cli.markdown import code

_PAGE = 100
_PAGES = 100


@dataclass(frozen=True, slots=True)
class Issue:
    """An open issue; pull requests, which GitHub lists among them, are none."""

    number: int
    author: str
    body: str


def marker(environment: str) -> str:
    """The first line of our issue about an environment; not shown to people."""
    return f"<!-- promptops rehearsal {environment} -->"


def title_of(environment: str) -> str:
    return f"promptops: the way back of {environment} is blocked"


def text_of(environment: str, trouble: Sequence[str], run: str) -> str:
    """The whole issue; `run` is the URL of the run that found it."""
    command = code(f"promptops rehearse --all --env {environment}")
    last = (
        f"Found by [this run]({run}); {command} tells more. What a later run finds will stand here "
        "instead. Close this when it is mended: nothing else does."
    )
    first = f"Leaving what is live in {code(environment)} would not work now."
    return "\n\n".join([f"{marker(environment)}\n{first}", *trouble, last]) + "\n"


def keep_open(
    api: Api, repository: str, environment: str, text: str, author: str
) -> tuple[Literal["opened", "updated", "unchanged"], int]:
    """Open our issue about an environment, or change the one that is open; raises ApiFailed."""
    present = _ours(api, repository, environment, author)
    if present is None:
        facts = {"title": title_of(environment), "body": text}
        return "opened", _issue(api.ask("POST", f"/repos/{repository}/issues", facts)).number
    if present.body.replace("\r\n", "\n").strip() == text.strip():
        return "unchanged", present.number
    api.ask("PATCH", f"/repos/{repository}/issues/{present.number}", {"body": text})
    return "updated", present.number


def run_url(variables: Mapping[str, str]) -> str:
    """Where the log of this run stands."""
    server = variables.get("GITHUB_SERVER_URL", "https://github.com")
    repository, run = (variables.get(f"GITHUB_{name}", "") for name in ("REPOSITORY", "RUN_ID"))
    return f"{server}/{repository}/actions/runs/{run}"


def _ours(api: Api, repository: str, environment: str, author: str) -> Issue | None:
    """The first of the oldest page, if there are several."""
    for page in range(1, _PAGES + 1):
        asked = f"state=open&sort=created&direction=asc&per_page={_PAGE}&page={page}"
        listed = api.ask("GET", f"/repos/{repository}/issues?{asked}")
        if not isinstance(listed, list):
            raise ApiFailed("no usable answer: issues are not a list")
        for facts in listed:
            issue = _issue(facts)
            ours = issue.author == author and issue.body.startswith(marker(environment))
            if ours and "pull_request" not in facts:
                return issue
        if len(listed) < _PAGE:
            break
    return None


def _issue(facts: Any) -> Issue:
    try:
        # The account of an author may have been deleted, and a body may be empty.
        author = (facts["user"] or {}).get("login", "")
        return Issue(int(facts["number"]), author, facts["body"] or "")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ApiFailed("no usable answer: an issue without a number") from error
