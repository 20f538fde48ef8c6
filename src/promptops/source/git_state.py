"""How the clone stands from which one deploys."""

from dataclasses import dataclass

from promptops.errors import UsageError
from promptops.source.files import WorkTree
from promptops.source.git import Repository
from promptops.source.project import PROJECT_FILE, Project
from promptops.source.text import MAX_BYTES
from promptops.source.tree import FileRefused, Tree


@dataclass(frozen=True, slots=True)
class GitState:
    """`branch` is None while HEAD is detached; `differing` are files that are not as in HEAD.

    `missing_from` is the branch that deploys come from, when HEAD is not on it.
    """

    commit: str
    branch: str | None
    shallow: bool
    differing: tuple[str, ...]
    missing_from: str | None = None


def git_state(project: Project, wanted: str | None = None) -> GitState:
    """`wanted` is the branch that deploys come from, here or at `origin`. Raises UsageError."""
    repository = Repository.around(project.root)
    commit = repository.commit("HEAD")
    here, there = WorkTree(project.root), repository.files(commit, project.root)
    paths = {path for tree in (here, there) for path in _below(tree, project.manifests)}
    differing = tuple(
        path
        for path in sorted({PROJECT_FILE, *paths})
        if _content(here, path) != _content(there, path)
    )
    away = wanted is not None and not _is_on(repository, commit, wanted)
    return GitState(
        commit,
        repository.branch(),
        repository.is_shallow(),
        differing,
        wanted if away else None,
    )


def _is_on(repository: Repository, commit: str, branch: str) -> bool:
    for name in (f"refs/heads/{branch}", f"refs/remotes/origin/{branch}"):
        try:
            tip = repository.commit(name)
        except UsageError:
            continue
        if commit == tip or repository.is_older(commit, tip):
            return True
    return False


def _below(tree: Tree, folder: str) -> list[str]:
    found = []
    for entry in tree.list(folder):
        path = f"{folder}/{entry.name}"
        found += _below(tree, path) if entry.is_folder else [path]
    return found


def _content(tree: Tree, path: str) -> bytes | None:
    try:
        # Git may write other ends of lines into a work tree than it keeps.
        return tree.read(path, MAX_BYTES).replace(b"\r\n", b"\n")
    except FileRefused:
        return None
