"""A folder of copies that many workers share: written whole or not at all, trusted by nobody.

The folder is opened once for each access and checked through that handle, so that nobody can
exchange it between the check and the use. Writers take turns by a lock on the folder, which the
kernel lifts when one dies; readers need none, because a file is only ever replaced.
"""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from promptops.client.copy_file import Copy, decode, encode
from promptops.errors import PromptopsError, StoreCorrupt, StoreUnreachable

Kind = Literal["copy", "pins"]
BUSY = "busy"
ORPHANED_AFTER = 3600
TIME_FOR_THE_LOCK = 0.5
_TEMPORARY = ".promptops-"


class Disk:
    """The files of one environment and namespace in a folder.

    `namespace` is None where no store says which; then the folder may hold one of the environment.
    """

    def __init__(self, folder: str, environment: str, namespace: str | None) -> None:
        self.folder = os.path.abspath(folder)  # noqa: PTH100 - Path.resolve would follow a link
        self.environment = environment
        self._namespace = namespace

    def path(self, kind: Kind = "copy") -> str:
        return f"{self.folder}/{self._namespace or '*'}@{self.environment}.{kind}"

    def read(self, kind: Kind = "copy") -> Copy:
        """Raises StoreUnreachable when there is none, StoreCorrupt (C620 to C623) for a bad one."""
        with _said(self.path(kind)), _opened(self.folder) as folder:
            return self._read(folder, kind)

    def write(self, make: Callable[[Copy | None], Copy | None], kind: Kind = "copy") -> None:
        """Put what `make` makes of the present file, if anything, in its place.

        Raises StoreUnreachable, StoreCorrupt (C623), and what `make` raises.
        """
        with _said(self.path(kind)):
            if not os.path.islink(self.folder):  # noqa: PTH114
                os.makedirs(self.folder, mode=0o700, exist_ok=True)  # noqa: PTH103
            with _opened(self.folder) as folder, _locked(folder) as alone:
                _sweep(folder, time.time() - (0 if alone else ORPHANED_AFTER))
                copy = make(self._present(folder, kind))
                if copy is not None:
                    _replace(folder, f"{copy.namespace}@{copy.environment}.{kind}", encode(copy))

    def stamp(self, kind: Kind) -> tuple[int, int, int] | None:
        """Changes whenever the file does; None when it is not there. Raises StoreUnreachable."""
        with _said(self.path(kind)):
            try:
                if self._namespace is None:
                    found = sorted(Path(self.folder).glob(f"*@{self.environment}.{kind}"))
                    if not found:
                        return None
                    facts = found[0].lstat()
                else:
                    facts = os.lstat(self.path(kind))
            except (FileNotFoundError, NotADirectoryError):
                return None
            return facts.st_ino, facts.st_mtime_ns, facts.st_size

    def _present(self, folder: int, kind: Kind) -> Copy | None:
        try:
            return self._read(folder, kind)
        except (OSError, PromptopsError):
            return None

    def _read(self, folder: int, kind: Kind) -> Copy:
        name = self._name(folder, kind)
        where = f"{self.folder}/{name}"
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        try:
            facts = os.fstat(file)
            if not stat.S_ISREG(facts.st_mode):
                raise StoreCorrupt(f"{where} is no file", "remove it", code="C621")
            _check_owner(facts, where)
            with open(file, "rb", closefd=False) as opened:
                copy = decode(opened.read(), where)
        finally:
            os.close(file)
        check_environment(copy, self.environment, where)
        if self._namespace not in {None, copy.namespace}:
            raise _of_another(where, f"namespace {copy.namespace}", self._namespace or "")
        return copy

    def _name(self, folder: int, kind: Kind) -> str:
        if self._namespace is not None:
            return f"{self._namespace}@{self.environment}.{kind}"
        ending = f"@{self.environment}.{kind}"
        found = sorted(name for name in os.listdir(folder) if name.endswith(ending))
        if len(found) > 1:
            raise StoreUnreachable(
                f"{self.folder} holds {self.environment} of several namespaces: {', '.join(found)}",
                "name the store, so that its namespace is known",
            )
        return found[0] if found else f"*{ending}"


def read_bundle(path: str, environment: str) -> Copy:
    """Raises StoreUnreachable when there is none, StoreCorrupt (C620 to C622) for a bad one."""
    with _said(path):
        if stat.S_ISFIFO(os.stat(path).st_mode):  # noqa: PTH116 - reading it would never end
            raise StoreCorrupt(f"{path} is no file", "name a bundle", code="C621")
        copy = decode(Path(path).read_bytes(), path)
    check_environment(copy, environment, path)
    return copy


def write_bundle(path: str, copy: Copy) -> None:
    """Raises StoreUnreachable. Others than the one who builds an image may read it there."""
    with _said(path):
        whole = Path(path).absolute()
        folder = os.open(whole.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _replace(folder, whole.name, encode(copy), mode=0o644)
        finally:
            os.close(folder)


def check_environment(copy: Copy, environment: str, where: str) -> None:
    if copy.environment != environment:
        raise _of_another(where, copy.environment, environment)


def _of_another(where: str, found: str, wanted: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"{where} is of {found}, not of {wanted}",
        "it is not used; look who moved it there",
        code="C622",
    )


@contextmanager
def _said(where: str) -> Iterator[None]:
    """What the operating system refuses, as an error of ours."""
    try:
        yield
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise StoreUnreachable(f"{where}: {said}", "make a folder that the app owns") from error


@contextmanager
def _opened(folder: str) -> Iterator[int]:
    if os.path.islink(folder):  # noqa: PTH114
        raise _open_to_others(folder, "is a symbolic link")
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _check_owner(os.fstat(handle), folder)
        yield handle
    finally:
        os.close(handle)


def _check_owner(facts: os.stat_result, where: str) -> None:
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
def _locked(folder: int) -> Iterator[bool]:
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


def _sweep(folder: int, before: float) -> None:
    """Remove what killed writers left; alone in the folder, no writer needs a temporary."""
    for name in os.listdir(folder):
        if name.startswith(_TEMPORARY):
            with suppress(FileNotFoundError):
                if os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime < before:
                    os.unlink(name, dir_fd=folder)


def _replace(folder: int, name: str, data: bytes, mode: int = 0o600) -> None:
    """After a crash at any moment the file is the one before or this one, whole."""
    temporary = f"{_TEMPORARY}{os.getpid()}-{os.urandom(6).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    file = os.open(temporary, flags, mode, dir_fd=folder)
    try:
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(file, left) :]
            os.fsync(file)
        finally:
            os.close(file)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)
