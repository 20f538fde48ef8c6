"""The files of an environment: written whole or not at all, and read as long as they are sound.

Readers need no lock: a file is replaced, or grows by changes that count when they are complete.
"""

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace as replace_fields
from pathlib import Path
from typing import Literal, Self

from promptops.client.copy_file import Contents, Copy, contents_of, decode, encode
from promptops.client.damage import damaged
from promptops.client.folder import check_owner, explained, locked, opened, replace, sweep
from promptops.errors import PromptopsError, StoreCorrupt, StoreUnreachable
from promptops.live.address import Address
from promptops.manifest.digest import digest_of

Kind = Literal["copy", "pins"]
Stamp = tuple[int, int, int]
ORPHANED_AFTER = 3600
READ_AGAIN = 3
GOES_ON_WITHIN = 0.02


class Disk:
    """The files of one environment and namespace in a folder; a copy is that of one `store`.

    `namespace` is None where no store says which; then the folder may hold one of the environment.
    Pins are of whatever store the folder's apps follow.
    """

    def __init__(
        self, folder: str, environment: str, namespace: str | None, store: str = ""
    ) -> None:
        self.folder = os.path.abspath(folder)  # noqa: PTH100 - Path.resolve would follow a link
        self.environment = environment
        self.namespace = namespace
        self.store = store

    @classmethod
    def of(cls, folder: str, environment: str, address: Address | None) -> Self:
        """With a copy for each store, however alike they are named otherwise.

        A store is known by its address, because it is when it cannot be reached that one asks.
        """
        if address is None or not address.namespace:
            return cls(folder, environment, None)
        place = replace_fields(address, username=None, password=None)
        if place.scheme == "sqlite":
            place = replace_fields(place, path=os.path.abspath(place.path))  # noqa: PTH100
        store = digest_of(str(place).encode()).removeprefix("sha256:")[:12]
        return cls(folder, environment, address.namespace, store)

    def path(self, kind: Kind = "copy") -> str:
        found = sorted(Path(self.folder).glob(self.name(kind))) if self.namespace is None else []
        return str(found[0]) if found else f"{self.folder}/{self.name(kind)}"

    def name(self, kind: Kind = "copy") -> str:
        store = f"+{self.store}" if self.store and kind == "copy" else ""
        return f"{self.namespace or '*'}{store}@{self.environment}.{kind}"

    def in_namespace(self, namespace: str) -> "Disk":
        return Disk(self.folder, self.environment, namespace, self.store)

    def written_at(self) -> float:
        """When the copy was written last; 0 where it is gone."""
        try:
            return os.stat(self.path()).st_mtime  # noqa: PTH116
        except OSError:
            return 0.0

    def copies(self) -> list["Disk"]:
        """One for each copy of the environment, of whatever store."""
        found = sorted(Path(self.folder).glob(f"*@{self.environment}.copy"))
        places = [each.name.rpartition("@")[0].partition("+") for each in found]
        return [
            Disk(self.folder, self.environment, namespace, store)
            for namespace, _, store in places
            if self.namespace in {None, namespace}
        ]

    def read(self, kind: Kind = "copy") -> Copy:
        """Raises as `contents` does."""
        return self.contents(kind)[0].copy()

    def contents(self, kind: Kind = "copy") -> tuple[Contents, Stamp]:
        """Raises StoreUnreachable when there is none, StoreCorrupt (C620 to C623) for a bad one."""
        with explained(self.path(kind)), opened(self.folder) as folder:
            return self.contents_in(folder, kind)

    def write(self, make: Callable[[Copy | None], Copy | None], kind: Kind = "copy") -> None:
        """Put what `make` makes of the present file, if anything, in its place.

        Raises StoreUnreachable, StoreCorrupt (C623), and what `make` raises.
        """
        with self.writing(kind) as (folder, _):
            copy = make(self._present(folder, kind))
            if copy is not None:
                named = self if self.namespace else self.in_namespace(copy.namespace)
                replace(folder, named.name(kind), encode(copy))

    @contextmanager
    def writing(self, kind: Kind = "copy") -> Iterator[tuple[int, bool]]:
        """The folder, in which no other writer is as long as this lasts; False where one may be.

        Raises StoreUnreachable, StoreCorrupt (C623).
        """
        with explained(self.path(kind)):
            if not os.path.islink(self.folder):  # noqa: PTH114
                os.makedirs(self.folder, mode=0o700, exist_ok=True)  # noqa: PTH103
            with opened(self.folder) as folder, locked(folder) as alone:
                sweep(folder, time.time() - (0 if alone else ORPHANED_AFTER))
                yield folder, alone

    def stamp(self, kind: Kind) -> Stamp | None:
        """Changes whenever the file does; None when it is not there. Raises StoreUnreachable."""
        path = self.path(kind)
        with explained(path):
            try:
                return stamp_of(os.lstat(path))
            except (FileNotFoundError, NotADirectoryError):
                return None

    @contextmanager
    def file(self, folder: int, kind: Kind, flags: int) -> Iterator[tuple[int, str]]:
        """The open file, and what to call it; raises OSError, StoreCorrupt (C621, C623)."""
        name = self._name(folder, kind)
        where = f"{self.folder}/{name}"
        file = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        try:
            facts = os.fstat(file)
            if not stat.S_ISREG(facts.st_mode):
                raise StoreCorrupt(f"{where} is no file", "remove it", code="C621")
            check_owner(facts, where)
            yield file, where
        finally:
            os.close(file)

    def contents_in(self, folder: int, kind: Kind = "copy") -> tuple[Contents, Stamp]:
        """What the file holds, and its stamp when it had been read.

        Only a copy has changes, which may be lost; raises as `contents` does.
        """
        tries = READ_AGAIN
        while True:
            tries -= 1
            with self.file(folder, kind, os.O_RDONLY) as (file, where):
                before = stamp_of(os.fstat(file))
                data = read_from(file, 0)
                stamp = stamp_of(os.fstat(file))
            # A change that was cut off may be overwritten while it is being read.
            settled = stamp == before or not tries
            try:
                contents = contents_of(data, where)
            except StoreCorrupt:
                if settled:
                    raise
                continue
            if contents.lost is not None and not settled:
                continue
            if contents.cut is not None and tries:
                time.sleep(GOES_ON_WITHIN)  # whoever writes it is about to go on, or was killed
                continue
            if contents.lost is not None and kind != "copy":
                raise damaged(where)
            check_environment(contents, self.environment, where)
            if self.namespace not in {None, contents.namespace}:
                raise _of_another(where, f"namespace {contents.namespace}", self.namespace or "")
            return contents, stamp

    def _present(self, folder: int, kind: Kind) -> Copy | None:
        try:
            return self.contents_in(folder, kind)[0].copy()
        except (OSError, PromptopsError):
            return None

    def _name(self, folder: int, kind: Kind) -> str:
        if self.namespace is not None:
            return self.name(kind)
        ending = f"@{self.environment}.{kind}"
        found = sorted(name for name in os.listdir(folder) if name.endswith(ending))
        if len(found) > 1:
            raise StoreUnreachable(
                f"{self.folder} holds {self.environment} of several stores: {', '.join(found)}",
                "name the store, so that one knows which",
            )
        return found[0] if found else f"*{ending}"


def read_bundle(path: str, environment: str) -> Copy:
    """Raises StoreUnreachable when there is none, StoreCorrupt (C620 to C622) for a bad one."""
    with explained(path):
        if stat.S_ISFIFO(os.stat(path).st_mode):  # noqa: PTH116 - reading it would never end
            raise StoreCorrupt(f"{path} is no file", "name a bundle", code="C621")
        copy = decode(Path(path).read_bytes(), path)
    check_environment(copy, environment, path)
    return copy


def write_bundle(path: str, copy: Copy) -> None:
    """Raises StoreUnreachable. Others than the one who builds an image may read it there."""
    with explained(path):
        whole = Path(path).absolute()
        folder = os.open(whole.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            replace(folder, whole.name, encode(copy), mode=0o644)
        finally:
            os.close(folder)


def stamp_of(facts: os.stat_result) -> Stamp:
    # Not the time of its contents alone: who may write to it can change as well.
    return facts.st_ino, facts.st_ctime_ns, facts.st_size


def read_from(file: int, at: int) -> bytes:
    """All from there to the end."""
    with open(file, "rb", closefd=False) as opened_file:
        opened_file.seek(at)
        return opened_file.read()


def check_environment(copy: Copy | Contents, environment: str, where: str) -> None:
    if copy.environment != environment:
        raise _of_another(where, copy.environment, environment)


def _of_another(where: str, found: str, wanted: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"{where} is of {found}, not of {wanted}",
        "it is not used; look who moved it there",
        code="C622",
    )
