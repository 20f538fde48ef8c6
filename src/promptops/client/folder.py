"""A folder that many processes write to and nobody trusts: opened, locked, swept, written to.

It is opened once for each access and checked through that handle, so that nobody can exchange it
between the check and the use. Writers take turns by a lock on the folder, which the kernel lifts
when one dies.
"""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from promptops.errors import StoreCorrupt, StoreUnreachable

BUSY = "busy"
TIME_FOR_THE_LOCK = 0.5
_TEMPORARY = ".promptops-"


@contextmanager
def explained(where: str) -> Iterator[None]:
    """What the operating system refuses, as an error of ours."""
    try:
        yield
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise StoreUnreachable(f"{where}: {said}", "make a folder that the app owns") from error


@contextmanager
def opened(folder: str) -> Iterator[int]:
    if os.path.islink(folder):  # noqa: PTH114
        raise _open_to_others(folder, "is a symbolic link")
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        check_owner(os.fstat(handle), folder)
        yield handle
    finally:
        os.close(handle)


def check_owner(facts: os.stat_result, where: str) -> None:
    """Whoever can write there decides what the app's prompts say."""
    if facts.st_mode & stat.S_IWOTH:
        raise _open_to_others(where, "can be written by everybody")
    if facts.st_uid not in {0, os.geteuid()}:
        raise StoreCorrupt(
            f"{where} belongs to another user ({facts.st_uid})",
            "run this as that user, or name a folder that is not there yet",
            code="C623",
        )


def _open_to_others(where: str, why: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"{where} {why}",
        "name a folder that is not there yet, which is made with mode 0700; or chmod it",
        code="C623",
    )


@contextmanager
def locked(folder: int) -> Iterator[bool]:
    """One writer at a time; False where the file system has no locks. Raises StoreUnreachable."""
    until = time.monotonic() + TIME_FOR_THE_LOCK
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError as error:
            if error.errno not in {errno.EWOULDBLOCK, errno.EINTR}:
                yield False
                return
            if time.monotonic() > until:
                raise StoreUnreachable(
                    "another process writes there", "try it again", code=BUSY
                ) from error
            time.sleep(0.01)
    try:
        yield True
    finally:
        # Closing would not do: a child that was forked meanwhile has the folder open too.
        fcntl.flock(folder, fcntl.LOCK_UN)


def sweep(folder: int, before: float) -> None:
    """Remove what killed writers left; alone in the folder, no writer needs a temporary."""
    for name in os.listdir(folder):
        if name.startswith(_TEMPORARY):
            with suppress(FileNotFoundError):
                if os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime < before:
                    os.unlink(name, dir_fd=folder)


def replace(folder: int, name: str, data: bytes, mode: int = 0o600) -> None:
    """After a crash at any moment the file is the one before or this one, whole."""
    temporary = f"{_TEMPORARY}{os.getpid()}-{os.urandom(6).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    file = os.open(temporary, flags, mode, dir_fd=folder)
    try:
        try:
            write_all(file, data)
        finally:
            os.close(file)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)


def write_all(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]
    os.fsync(file)
