"""Git: commits, and which commit is older.

Only plumbing is used that runs nothing of the repository's own configuration: no status, no diff,
no hooks, no fsmonitor, no fetch.
"""

import os
import weakref
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile

# GitPython refuses to be imported where git is not on the PATH; the first command says it better.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
import git
from git.exc import GitError

from promptops.errors import UsageError
from promptops.source.commit_tree import COMMIT, CommitTree

# A hook exports these, and they would point every command at the repository of the hook.
_INHERITED = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
)


class Repository:
    """A git repository with a work tree at `root`."""

    def __init__(self, repo: git.Repo, root: Path) -> None:
        # An object that is missing is fetched from a promisor remote, if there is one, by whatever
        # program the configuration names for that.
        repo.git.update_environment(GIT_NO_LAZY_FETCH="1", GIT_ALLOW_PROTOCOL="none")
        self._repo = repo
        self.root = root
        # GitPython keeps a `git cat-file` running, and leaves its end to the garbage collector.
        weakref.finalize(self, repo.close)

    @classmethod
    def around(cls, folder: Path) -> "Repository":
        """The repository that holds `folder`; raises UsageError, code E407."""
        for name in _INHERITED:
            os.environ.pop(name, None)
        try:
            repo = git.Repo(folder, search_parent_directories=True)
        except (GitError, OSError) as error:
            raise UsageError(
                f"{folder} is not in a git repository",
                "run this in a clone of the repository that holds the manifests",
                code="E407",
            ) from error
        if repo.working_tree_dir is None:
            raise UsageError(
                f"{folder} is in a bare repository", "clone it and run this there", code="E407"
            )
        repository = cls(repo, Path(repo.working_tree_dir))
        repository._check_usable()
        return repository

    def commit(self, revision: str) -> str:
        """The full id of the commit that a branch, tag or id names.

        Raises UsageError: E406, or E405 where the clone is shallow and may just lack it.
        """
        if not revision or revision.startswith("-"):
            raise UsageError(
                f"'{revision}' is no git revision", "name a branch, a tag or a commit", code="E406"
            )
        try:
            found = self._repo.git.rev_parse(
                "--verify", "--quiet", "--end-of-options", revision + "^{commit}"
            )
        except GitError as error:
            if self.is_shallow():
                raise _too_shallow(f"knows no commit '{revision}'") from error
            raise UsageError(
                f"git knows no commit '{revision}'",
                "commit first"
                if revision == "HEAD"
                else "name a branch, a tag or a commit; one of elsewhere is fetched first",
                code="E406",
            ) from error
        return str(found)

    def has(self, commit: str) -> bool:
        """Whether a commit, by its full id, is in this clone."""
        try:
            return COMMIT.fullmatch(commit) is not None and self.commit(commit) == commit
        except UsageError:
            return False

    def find(self, revision: str) -> str | None:
        """The full id of the commit that a revision names; None when this clone has none."""
        try:
            return self.commit(revision)
        except UsageError:
            return None

    def is_older(self, commit: str, than: str) -> bool | None:
        """Whether `commit` is a strict ancestor of `than`; None when git cannot tell here."""
        if commit == than:
            return False
        if not (COMMIT.fullmatch(commit) and COMMIT.fullmatch(than)):
            return None
        try:
            self._repo.git.merge_base("--is-ancestor", commit, than)
        except git.GitCommandError as error:
            return False if error.status == 1 else None
        return True

    def fork_point(self, base: str, commit: str) -> str:
        """The newest commit that both have in their past; `base` when their histories share none.

        Raises UsageError, E405, where a shallow clone cannot tell.
        """
        try:
            return str(self._repo.git.merge_base(base, commit))
        except git.GitCommandError as error:
            if self.is_shallow():
                raise _too_shallow(
                    f"has no common past of {base[:12]} and {commit[:12]}"
                ) from error
            return base

    def plumb(
        self, *words: str, given: bytes = b"", variables: Mapping[str, str] | None = None
    ) -> str:
        """What a command says to `given`, and no hook hears of it; raises UsageError, E407."""
        with TemporaryFile() as file:
            file.write(given)
            file.seek(0)
            command = ["git", "-c", "core.hooksPath=/dev/null", *words]
            try:
                said = self._repo.git.execute(command, istream=file, env=variables or {})
            except GitError as error:
                why = str(getattr(error, "stderr", error)).strip().splitlines()
                told = why[-1].removeprefix("stderr: ").strip("' ") if why else "it failed"
                raise UsageError(
                    f"git {words[0]} did not do it: {told}", "see git status", code="E407"
                ) from error
        return str(said)

    def branch(self) -> str | None:
        """The branch that is checked out; None while HEAD is detached."""
        try:
            return str(self._repo.git.symbolic_ref("--quiet", "--short", "HEAD"))
        except GitError:
            return None

    def is_shallow(self) -> bool:
        return str(self._repo.git.rev_parse("--is-shallow-repository")) == "true"

    def files(self, commit: str, below: Path) -> CommitTree:
        """The files of a commit below a folder of the work tree."""
        prefix = below.resolve().relative_to(self.root.resolve()).as_posix()
        return CommitTree(self, self._repo.commit(commit), prefix, below)

    def _check_usable(self) -> None:
        try:
            self._repo.git.rev_parse("--git-dir")
        except git.GitCommandNotFound as error:
            raise UsageError(
                "git is not on the PATH", "install git; a rollback works without it"
            ) from error
        except GitError as error:
            text = str(error)
            if "dubious ownership" in text:
                raise UsageError(
                    f"git does not trust {self.root}: another user owns it",
                    f"git config --global --add safe.directory {self.root}",
                    code="E407",
                ) from error
            raise UsageError(
                f"git cannot read {self.root}", "run git status there and see", code="E407"
            ) from error


def _too_shallow(what: str) -> UsageError:
    return UsageError(
        f"this clone is shallow and {what}",
        "fetch the whole history: git fetch --unshallow (in CI: fetch-depth: 0)",
        code="E405",
    )
