"""The files of a work tree, read so that nothing but plain files below the root is ever opened."""

import errno
import os
import stat
import sys
from pathlib import Path

from promptops.closest import closest
from promptops.source.tree import Entry, FileRefused

# A path is walked part by part, and no part may be a symbolic link; a FIFO must not block the open.
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDS_CASE = sys.platform in {"darwin", "win32"}


class WorkTree:
    """Implements `promptops.source.tree.Tree` over the disk, below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._prefix = os.path.relpath(root)

    def read(self, path: str, limit: int) -> bytes:
        folder, name = self._open_parent(path)
        try:
            return _read_plain(folder, name, self.shown(path), limit)
        except (OSError, ValueError) as error:
            raise _refusal(error, folder, name, self.shown(path)) from error
        finally:
            os.close(folder)

    def list(self, path: str) -> list[Entry]:
        try:
            folder, _ = self._open_parent(f"{path}/*")
        except FileRefused:
            return []
        try:
            with os.scandir(folder) as entries:
                found = [Entry(item.name, item.is_dir(follow_symlinks=False)) for item in entries]
        finally:
            os.close(folder)
        return sorted(found, key=lambda entry: entry.name)

    def shown(self, path: str) -> str:
        shown = os.path.normpath(f"{self._prefix}/{path}")
        return os.path.relpath(self._root / path) if shown.startswith("..") else shown

    def _open_parent(self, path: str) -> tuple[int, str]:
        """A descriptor of the folder that holds the last part of a path, and that part."""
        *parents, name = [part for part in path.split("/") if part not in {"", "."}] or ["."]
        try:
            folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            message = f"{self._root} cannot be read: {error.strerror}"
            raise FileRefused("E402", message, "name a folder that is there") from error
        for part in parents:
            try:
                if part == ".." or not _spelled_so(folder, part):
                    raise FileNotFoundError(errno.ENOENT, part)
                below = os.open(part, _FOLDER, dir_fd=folder)
            except (OSError, ValueError) as error:
                refusal = _refusal(error, folder, part, self.shown(path))
                os.close(folder)
                raise refusal from error
            os.close(folder)
            folder = below
        return folder, name


def top_of_git(folder: Path) -> Path | None:
    """The top of the repository around a folder; looked up without running git."""
    return next((top for top in (folder, *folder.parents) if (top / ".git").exists()), None)


def _read_plain(folder: int, name: str, path: str, limit: int) -> bytes:
    if not _spelled_so(folder, name):
        raise FileNotFoundError(errno.ENOENT, name)
    opened = os.open(name, _FILE, dir_fd=folder)
    try:
        kind = os.fstat(opened)
        if not stat.S_ISREG(kind.st_mode):
            word = "a folder" if stat.S_ISDIR(kind.st_mode) else "a FIFO or a device"
            raise FileRefused("E402", f"{path} is {word}", "put a plain file in its place")
        if kind.st_size > limit:
            raise _too_large(path, kind.st_size, limit)
        data = b""
        while len(data) <= limit and (part := os.read(opened, limit + 1 - len(data))):
            data += part
    finally:
        os.close(opened)
    if len(data) > limit:
        raise _too_large(path, len(data), limit)
    return data


def _too_large(path: str, size: int, limit: int) -> FileRefused:
    message = f"{path} has {size:,} bytes; the limit is {limit:,}"
    return FileRefused("E102", message, "shorten it; it is paid for on every call")


def _spelled_so(folder: int, name: str) -> bool:
    """Whether the folder has exactly this name; most systems make sure by themselves."""
    return not _FOLDS_CASE or name in os.listdir(folder)


def _refusal(error: Exception, folder: int, name: str, path: str) -> FileRefused:
    """What a part of a path was refused for; `folder` is the descriptor it was looked up in."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOENT:
        return _missing(folder, name, path)
    if number in {errno.ELOOP, errno.ENOTDIR, errno.EMLINK}:
        is_link = stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        where = "" if path.endswith(name) else f"goes through {name}, which "
        kind = "is a symbolic link" if is_link else "is no folder"
        hint = "put the file itself in its place"
        return FileRefused("E402", f"{path} {where}{kind}", hint)
    if number == errno.ENXIO:
        return FileRefused("E402", f"{path} is a socket", "put a plain file in its place")
    reason = os.strerror(number) if number else "no file can have that name"
    return FileRefused("E402", f"{path} cannot be read: {reason}", "look at its name and rights")


def _missing(folder: int, name: str, path: str) -> FileRefused:
    names = os.listdir(folder)
    twin = [other for other in names if other.lower() == name.lower()]
    if twin:
        message = f"{path} is missing: on disk it is spelled {twin[0]}"
        return FileRefused("E402", message, f"write {twin[0]}; not every system tells them apart")
    close = closest(name, names)
    hint = f"did you mean {close}?" if close else "add the file or correct the path"
    return FileRefused("E402", f"{path} is missing", hint)
