"""Git: commits, the files of a commit, and which commit is older.

Only plumbing is used that runs nothing of the repository's own configuration: no status, no diff,
no hooks, no fsmonitor, no fetch.
"""

import os
import posixpath
import re
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

# GitPython refuses to be imported where git is not on the PATH; the first command says it better.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
import git
from git.exc import GitError

from promptops.errors import UsageError
from promptops.source.tree import Entry, FileRefused

if TYPE_CHECKING:
    from git.objects import Blob, Commit, Submodule, Tree

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
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_PLAIN = {0o100644, 0o100755, 0o100664}


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
            return _COMMIT.fullmatch(commit) is not None and self.commit(commit) == commit
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
        if not (_COMMIT.fullmatch(commit) and _COMMIT.fullmatch(than)):
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

    def files(self, commit: str, below: Path) -> "CommitTree":
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


class CommitTree:
    """Implements `promptops.source.tree.Tree` over the blobs of one commit."""

    def __init__(self, repository: Repository, commit: "Commit", prefix: str, folder: Path) -> None:
        self._repository = repository  # it ends its git process when nobody reads on
        self._commit = commit
        self._prefix = prefix
        self._folder = folder
        self._folders: dict[str, Tree] = {}

    @property
    def commit(self) -> str:
        """The full id of the commit."""
        return self._commit.hexsha

    def read(self, path: str, limit: int) -> bytes:
        with self._all_there():
            return self._read(path, limit)

    def _read(self, path: str, limit: int) -> bytes:
        item = self._find(path)
        if item is None:
            raise FileRefused("E402", f"{path} is not in the commit", "add the file and commit it")
        if item.type != "blob" or item.mode not in _PLAIN:
            kind = {"tree": "a folder", "submodule": "a submodule"}.get(
                item.type, "a symbolic link"
            )
            raise FileRefused("E402", f"{path} is {kind}", "commit a plain file in its place")
        # The stream knows the size; to ask for it first would be one more question to git.
        stream = item.data_stream
        if stream.size > limit:
            # What is left unread is read when nobody holds it any more, maybe after git ended.
            while stream.read(2**20):
                pass
            raise FileRefused("E102", f"{path} has {stream.size} bytes, over {limit}", "shorten it")
        return bytes(stream.read())

    def list(self, path: str) -> list[Entry]:
        with self._all_there():
            item = self._find(path)
            if item is None or item.type != "tree":
                return []
            # A submodule does not know its own name, but every entry knows its path.
            return sorted(
                (
                    Entry(posixpath.basename(str(child.path)), child.type == "tree")
                    for child in item
                ),
                key=lambda entry: entry.name,
            )

    def shown(self, path: str) -> str:
        return os.path.relpath(self._folder / path)

    def same_at(self, commit: str, path: str) -> bool:
        """Whether a folder holds the very same files at another commit; False if git has it not."""
        with self._all_there():
            here = self._find(path)
        whole = self._whole(path)
        # The question goes to git as one line.
        if here is None or not _COMMIT.fullmatch(commit) or not whole.isprintable():
            return False
        try:
            there: object = self._commit.repo.git.get_object_header(f"{commit}:{whole}")[0]
        except ValueError:
            return False
        # GitPython says that this is text, and gives bytes.
        return here.hexsha in {there, there.decode() if isinstance(there, bytes) else ""}

    def _whole(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self._prefix, path))

    def _find(self, path: str) -> "Blob | Tree | Submodule | None":
        return self._at(self._whole(path))

    def _at(self, whole: str) -> "Blob | Tree | Submodule | None":
        """What stands at a path from the top; every folder on the way is read once."""
        if whole == ".":
            return self._commit.tree
        if whole in self._folders:
            return self._folders[whole]
        parent, _, name = whole.rpartition("/")
        folder = self._at(parent or ".")
        if folder is None or folder.type != "tree":
            return None
        try:
            item = folder / name
        except KeyError:
            return None
        if item.type == "tree":
            self._folders[whole] = item
        return item

    @contextmanager
    def _all_there(self) -> Iterator[None]:
        """A partial clone lacks objects, and so does one whose disk failed."""
        try:
            yield
        except ValueError as error:
            raise UsageError(
                f"the clone {self._commit.repo.working_dir} lacks an object of commit "
                f"{self._commit.hexsha[:12]}",
                "see git fsck there, or clone it anew, whole",
                code="E407",
            ) from error
