"""The hint of SQLite: its own change counter, looked at often."""

import sqlite3
import threading
import time
from pathlib import Path

from promptops.errors import StoreUnreachable
from promptops.live.forking import follow_forks
from promptops.live.sqlite.file import connect, identity_of

LOOK_EVERY = 0.01


class SqliteListener:
    """Looks at SQLite's own change counter, which another connection's commit raises."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, ...] | None = None
        self._version = 0
        self._closed = False
        self._waiting = threading.Lock()
        follow_forks(self)

    def wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        try:
            while not self._closed and time.monotonic() < deadline:
                with self._waiting:
                    if self._changed():
                        return True
                time.sleep(LOOK_EVERY)
        except sqlite3.Error as error:
            raise StoreUnreachable(f"the store's file cannot be watched: {error}") from error
        finally:
            if self._closed:
                self._disconnect()
        return False

    def before_fork(self) -> None:
        """Closed while a process forks, as every connection of SQLite must be."""
        self._waiting.acquire()
        self._forget()

    def after_fork(self, *, child: bool) -> None:  # noqa: ARG002 - the same on both sides
        self._waiting.release()

    def _changed(self) -> bool:
        identity = identity_of(self._path)
        if identity is None:
            return False
        if identity != self._identity:
            # Another file, which may be another world: worth a look.
            self._identity = identity
            self._version = 0
            if self._connection is not None:
                self._connection.close()
            self._connection = connect(self._path, "ro", 0.5)
        if self._connection is None:
            return False
        before = self._version
        self._version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return self._version != before

    def close(self) -> None:
        self._closed = True
        self._disconnect()

    def _disconnect(self) -> None:
        """Now, or at the end of the `wait` that uses the connection."""
        if self._waiting.acquire(blocking=False):
            try:
                self._forget()
            finally:
                self._waiting.release()

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._identity = None
