"""A pull request for a commit that was prepared here, made on GitHub without a push."""

from typing import Any

from promptops.cli.github.api import Api, ApiFailed
from promptops.source.reverting import Prepared


def open_pull_request(api: Api, repository: str, prepared: Prepared, into: str) -> str:
    """Its address. `into` is the branch to merge to, empty for the default one.

    Raises ApiFailed, as where GitHub does not have the commits that it is made of.
    """
    at = f"/repos/{repository}"
    into = into or _text(api.ask("GET", at), "default_branch")
    title, _, body = prepared.message.partition("\n")
    folders = [
        {"path": path, "mode": "040000", "type": "tree", "sha": tree}
        for path, tree in prepared.folders.items()
    ]
    tree = api.ask("POST", f"{at}/git/trees", {"base_tree": prepared.base_tree, "tree": folders})
    if _text(tree, "sha") != prepared.tree:
        raise ApiFailed("GitHub made other files of it than git did here")
    facts = {"message": prepared.message, "tree": prepared.tree, "parents": [prepared.base]}
    commit = _text(api.ask("POST", f"{at}/git/commits", facts), "sha")
    api.ask("POST", f"{at}/git/refs", {"ref": f"refs/heads/{prepared.branch}", "sha": commit})
    asked = {"title": title, "head": prepared.branch, "base": into, "body": body.strip()}
    return _text(api.ask("POST", f"{at}/pulls", asked), "html_url")


def _text(answer: Any, name: str) -> str:
    found = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(found, str):
        raise ApiFailed(f"an answer of GitHub has no {name}")
    return found
