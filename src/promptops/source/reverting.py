"""A commit on a branch of its own that puts folders back as another commit has them.

Made of trees alone: neither the work tree nor the index of whoever runs this is touched.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from promptops.errors import UsageError
from promptops.source.git import Repository


@dataclass(frozen=True, slots=True)
class Prepared:
    """`commit` on `branch`, on top of `base`; `folders` is path → the tree that is there now."""

    branch: str
    commit: str
    tree: str
    base: str
    base_tree: str
    message: str
    folders: Mapping[str, str]


def prepare(
    repository: Repository,
    base: str,
    folders: Mapping[str, str],
    branch: str,
    message: str,
    actor: str,
) -> Prepared | None:
    """Put folders (path → commit) back on a new branch that begins at `base`.

    None when `base` has them all as they shall be. Raises UsageError.
    """
    trees = {path: _tree_of(repository, commit, path) for path, commit in folders.items()}
    base_tree = tree = repository.plumb("rev-parse", "--verify", base + "^{tree}")
    for path, there in trees.items():
        tree = _with_folder(repository, tree, path.split("/"), there)
    if tree == base_tree:
        return None
    commit = _there_already(repository, branch, tree)
    if commit is None:
        named = _identity(repository, actor)
        commit = repository.plumb("commit-tree", tree, "-p", base, "-m", message, variables=named)
        # The empty old value: a branch of that name must not be there.
        repository.plumb("update-ref", f"refs/heads/{branch}", commit, "")
    return Prepared(branch, commit, tree, base, base_tree, message, trees)


def _tree_of(repository: Repository, commit: str, path: str) -> str:
    """The id of a folder's tree at a commit."""
    repository.commit(commit)
    try:
        return repository.plumb("rev-parse", "--verify", "--quiet", f"{commit}:{path}")
    except UsageError as error:
        raise UsageError(
            f"commit {commit[:12]} has no {path}", "change the manifest by hand", code="E406"
        ) from error


def _with_folder(repository: Repository, tree: str, parts: list[str], new: str) -> str:
    """A tree in which the folder at a path is another one, made where it is not there."""
    name, *below = parts
    listed = repository.plumb("ls-tree", "-z", tree) if tree else ""
    entries: dict[str, str] = {}
    for line in filter(None, listed.split("\0")):
        facts, _, each = line.partition("\t")
        entries[each] = facts
    mode, _, old = entries.get(name, "  ").split(" ")
    inner = (
        new if not below else _with_folder(repository, old if mode == "040000" else "", below, new)
    )
    entries[name] = f"040000 tree {inner}"
    lines = "".join(f"{facts}\t{each}\0" for each, facts in entries.items())
    return repository.plumb("mktree", "-z", given=lines.encode("utf-8", "surrogateescape"))


def _there_already(repository: Repository, branch: str, tree: str) -> str | None:
    """The commit that the same command has made before."""
    tip = repository.find(f"refs/heads/{branch}")
    if tip is None:
        return None
    if repository.plumb("rev-parse", "--verify", tip + "^{tree}") != tree:
        raise UsageError(
            f"there is a branch {branch} already, with something else",
            f"look at it, then: git branch -D {branch}",
        )
    return tip


def _identity(repository: Repository, actor: str) -> dict[str, str]:
    """A runner of CI has no name in git; a person has."""
    try:
        repository.plumb("-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT")
    except UsageError:
        name, email = actor.partition(" <")[0], "noreply@promptops.invalid"
        return {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", name), ("EMAIL", email))
        }
    return {}
