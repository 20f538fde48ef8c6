"""A scratch clone of a repository, to try things in without touching it."""

from pathlib import Path

import git
from git.exc import GitError

from promptops.errors import UsageError
from promptops.source.git import Repository


class Scratch:
    """A clone at `folder`, with commits of its own."""

    def __init__(self, repo: git.Repo, folder: Path) -> None:
        self._repo = repo
        self.folder = folder

    @classmethod
    def of(cls, repository: Repository, folder: Path) -> "Scratch":
        """Clone the commit that is checked out; raises UsageError."""
        commit = repository.commit("HEAD")
        try:
            repo = git.Repo.clone_from(str(repository.root), str(folder), no_checkout=True)
            repo.git.checkout("--quiet", "--detach", commit)
        except GitError as error:
            raise UsageError(f"{repository.root} cannot be cloned: {error}") from error
        with repo.config_writer() as config:
            config.set_value("user", "name", "promptops demo")
            config.set_value("user", "email", "demo@promptops.invalid")
            config.set_value("commit", "gpgsign", "false")
        return cls(repo, folder)

    def commit(self, path: str, message: str) -> str:
        """Commit one changed file; the commit's id."""
        self._repo.git.add("--", path)
        self._repo.git.commit("--quiet", "--no-verify", "-m", message)
        return str(self._repo.head.commit.hexsha)
