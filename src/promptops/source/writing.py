"""Files that are written whole or not at all."""

import errno
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from promptops.errors import UsageError

_HINTS = {
    errno.ENOSPC: "free some space on that disk",
    errno.EDQUOT: "free some space: the quota of that disk is used up",
    errno.EROFS: "that disk can only be read: name a place on another one",
    errno.EACCES: "look at the rights of the folder",
    errno.EPERM: "look at the rights of the folder",
    errno.EEXIST: "a file lies where a folder is needed: move it away",
    errno.ENOTDIR: "a file lies where a folder is needed: move it away",
}


class Unwritable(UsageError):
    """A file that could not be written, and of which nothing is left."""

    def __init__(self, path: Path | str, error: OSError, hint: str = "") -> None:
        hint = _HINTS.get(error.errno or 0) or hint or "name a file in a folder that is there"
        super().__init__(f"{path} cannot be written: {error.strerror}", hint)


Content = str | bytes | Iterable[bytes]


def file_named(path: str) -> Path:
    """A place for a file that is read back; raises UsageError for a folder, a device or a pipe."""
    if path == "-":
        raise UsageError("nothing is written to standard output", "name a file; ./- is one too")
    file = Path(path)
    if not path or (file.exists() and not file.is_file()):
        raise UsageError(f"{path or 'an empty name'} is no file", "name a file to write")
    return file


def make_file(file: Path, content: Content) -> None:
    """Write a file that is not there; raises OSError, FileExistsError where it is."""
    # Exclusive, so that not even a link that leads nowhere is written through.
    with file.open("xb") as opened:
        try:
            opened.writelines(_parts(content))
            opened.flush()
        except BaseException:
            file.unlink()
            raise


def write_file(file: Path, content: Content) -> None:
    """Write a file, be one there or not; raises Unwritable."""
    try:
        if file.exists() and not file.is_file():  # a device or a pipe takes the text as it comes
            with file.open("wb") as opened:
                opened.writelines(_parts(content))
            return
        whole = file.resolve()
        scratch = whole.with_name(f".{uuid4().hex}.tmp")
        make_file(scratch, content)
        try:
            scratch.replace(whole)
        except OSError:
            scratch.unlink()
            raise
    except OSError as error:
        raise Unwritable(file, error) from error


def _parts(content: Content) -> Iterable[bytes]:
    if isinstance(content, str):
        return [content.encode()]
    return [content] if isinstance(content, bytes) else content
