"""The files of one commit, read without a work tree."""

import os
import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from promptops.errors import UsageError
from promptops.source.tree import Entry, FileRefused

if TYPE_CHECKING:
    from git.objects import Blob, Commit, Submodule, Tree

COMMIT = re.compile(r"[0-9a-f]{40,64}")
_PLAIN = {0o100644, 0o100755, 0o100664}


class CommitTree:
    """Implements `promptops.source.tree.Tree` over the blobs of one commit."""

    def __init__(self, repository: object, commit: "Commit", prefix: str, folder: Path) -> None:
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
        if here is None or not COMMIT.fullmatch(commit) or not whole.isprintable():
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
