"""The last known good copy, as one of the writers that share it keeps it.

What changed is appended, so that it costs what it is; the whole is written anew when there is none,
when it is damaged, and when the changes outgrow it. Between two changes a writer remembers what the
file holds, and reads on from there what others appended.
"""

import os
from collections.abc import Callable
from contextlib import suppress

from promptops.client.copy_file import Change, Contents, Copy
from promptops.client.disk import Disk, Stamp, read_from, stamp_of
from promptops.client.folder import replace, write_all
from promptops.errors import PromptopsError, StoreCorrupt

MOST_CHANGES = 300

Make = Callable[[Contents], Change | None]


class Journal:
    """`known` is what the file held when its stamp was `stamp`, without the releases' bytes."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._known: Contents | None = None
        self._stamp: Stamp = (0, 0, 0)

    def read(self) -> Copy:
        """Raises StoreUnreachable when there is none, StoreCorrupt (C620 to C623) for a bad one.

        Of one that lost changes, what came before them.
        """
        contents, stamp = self._disk.contents()
        copy = contents.copy()
        self._remember(contents, stamp)
        return copy

    def is_there(self) -> bool:
        """Whether nobody removed it; a folder that is closed to us is met at the next save."""
        try:
            return self._disk.stamp("copy") is not None
        except PromptopsError:
            return True

    def save(self, make: Make) -> None:
        """Add what `make` makes of what is there, if anything.

        Raises StoreUnreachable, StoreCorrupt (C623), and what `make` raises.
        """
        with self._disk.writing() as (folder, alone):
            known = self._catch_up(folder) if alone else None
            change = make(known) if known is not None else None
            if known is None or (change is not None and _outgrown(known)):
                self._write(folder, make)
            elif change is not None:
                self._append(folder, known, change)

    def _remember(self, contents: Contents, stamp: Stamp) -> Contents:
        contents.releases.clear()
        self._known, self._stamp = contents, stamp
        return contents

    def _catch_up(self, folder: int) -> Contents | None:
        """What the file holds by now; None when it is missing or damaged anywhere."""
        try:
            known = self._read_on(folder)
            if known is not None:
                return known
            contents, stamp = self._disk.contents_in(folder)
        except (OSError, PromptopsError):
            return None
        return None if contents.lost else self._remember(contents, stamp)

    def _read_on(self, folder: int) -> Contents | None:
        """None when it is another file than the one that is known, or changed otherwise."""
        known = self._known
        if known is None:
            return None
        with self._disk.file(folder, "copy", os.O_RDONLY) as (file, where):
            stamp = stamp_of(os.fstat(file))
            if stamp[0] != self._stamp[0] or stamp[2] < known.end:
                return None
            if stamp[2] == known.end:
                return known if stamp == self._stamp else None
            try:
                known.follow(read_from(file, known.end), where)
            except StoreCorrupt:
                return None
        return self._remember(known, stamp)

    def _append(self, folder: int, known: Contents, change: Change) -> None:
        self._known, at = None, known.end  # until it is there
        with self._disk.file(folder, "copy", os.O_WRONLY) as (file, _):
            with suppress(PermissionError):
                os.fchmod(file, 0o600)  # whoever made it, or opened it to others
            os.ftruncate(file, at)
            os.lseek(file, at, os.SEEK_SET)
            try:
                write_all(file, known.append(change))
            except OSError:
                with suppress(OSError):
                    os.ftruncate(file, at)
                raise
            self._remember(known, stamp_of(os.fstat(file)))

    def _write(self, folder: int, make: Make) -> None:
        try:
            contents, _ = self._disk.contents_in(folder)
        except (OSError, PromptopsError):
            contents = Contents(self._disk.environment, self._disk.namespace or "")
        change = make(contents)
        if change is None:
            return
        contents.take(change)
        self._known = None
        name = self._disk.name()
        replace(folder, name, contents.whole())
        self._remember(contents, stamp_of(os.stat(name, dir_fd=folder)))


def _outgrown(known: Contents) -> bool:
    return known.end > 2 * known.base or known.changes >= MOST_CHANGES
