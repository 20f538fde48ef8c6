"""One comment for each environment, made once and kept up to date."""

from dataclasses import dataclass
from typing import Any, Literal

from promptops.cli.github.api import Api, ApiFailed
from promptops.cli.github.gate import Judged
from promptops.cli.github.run import PullRequest

# Who comments with the token of a workflow. No person can register a name with brackets, so no
# person can write a comment that we would take for ours and then have it say something else.
AUTHOR = "github-actions[bot]"
_PAGE = 100
_PAGES = 100
_LONGEST = 65536  # characters of a comment
_CUT = "> **Cut**: the comment was too long for GitHub; the whole is in the summary of the run.\n"


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of a pull request."""

    id: int
    author: str
    body: str


def marker(environment: str) -> str:
    """The first line of our comment about an environment; not shown to people."""
    return f"<!-- promptops gate {environment} -->"


def text_of(judged: Judged) -> str:
    """The whole comment, within GitHub's limit."""
    first = marker(judged.environment)
    text = f"{first}\n{judged.markdown.strip()}\n"
    if len(text) <= _LONGEST:
        return text
    # The notice stands above, because the cut may leave a fence or a fold open.
    head = f"{first}\n{_CUT}\n"
    return head + judged.markdown.strip()[: _LONGEST - len(head)].rpartition("\n")[0]


def ours(comments: list[Comment], environment: str, author: str) -> Comment | None:
    """Our comment about an environment, the first if there are several."""
    first = marker(environment)
    return next(
        (
            comment
            for comment in comments
            if comment.author == author and comment.body.startswith(first)
        ),
        None,
    )


def comments_of(api: Api, pull: PullRequest) -> list[Comment]:
    """All comments of a pull request, oldest first; raises ApiFailed."""
    found: list[Comment] = []
    for page in range(1, _PAGES + 1):
        path = f"/repos/{pull.repository}/issues/{pull.number}/comments"
        listed = api.ask("GET", f"{path}?per_page={_PAGE}&page={page}")
        found += [_comment(facts) for facts in _list(listed)]
        if len(listed) < _PAGE:
            break
    return found


def keep_up_to_date(
    api: Api, pull: PullRequest, judged: Judged, comments: list[Comment], author: str
) -> Literal["made", "updated", "unchanged"]:
    """Make our comment about an environment, or change it; raises ApiFailed."""
    text = text_of(judged)
    present = ours(comments, judged.environment, author)
    if present is None:
        api.ask("POST", f"/repos/{pull.repository}/issues/{pull.number}/comments", {"body": text})
        return "made"
    if present.body.replace("\r\n", "\n").strip() == text.strip():
        return "unchanged"
    api.ask("PATCH", f"/repos/{pull.repository}/issues/comments/{present.id}", {"body": text})
    return "updated"


def _list(listed: Any) -> list[Any]:
    if not isinstance(listed, list):
        raise ApiFailed("no usable answer: comments are not a list")
    return listed


def _comment(facts: Any) -> Comment:
    try:
        # The account of a comment may have been deleted, and its body may be empty.
        author = (facts["user"] or {}).get("login", "")
        return Comment(int(facts["id"]), author, facts["body"] or "")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ApiFailed("no usable answer: a comment without an id") from error
