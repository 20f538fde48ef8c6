"""The SQLite file of a store: its tables, its connection, and what its errors mean."""

import contextlib
import re
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from promptops.errors import StoreCorrupt, StoreUnreachable
from promptops.live.address import Address
from promptops.live.forking import follow_forks

APPLICATION_ID = 0x70726F6D  # "prom": how we know a file of ours from another program's database
SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
CREATE TABLE head (environment TEXT PRIMARY KEY, epoch INTEGER, revision INTEGER, operation TEXT);
CREATE TABLE pointers (environment TEXT, unit TEXT, pointer TEXT, revision INTEGER,
                       PRIMARY KEY (environment, unit));
CREATE INDEX pointers_by_revision ON pointers (environment, revision);
CREATE TABLE history (environment TEXT, revision INTEGER, operation TEXT, entry TEXT,
                      PRIMARY KEY (environment, revision));
CREATE TABLE releases (environment TEXT, digest TEXT, data BLOB, PRIMARY KEY (environment, digest));
CREATE TABLE clients (environment TEXT, client TEXT, presence TEXT, expires REAL,
                      PRIMARY KEY (environment, client));
CREATE TABLE notes (environment TEXT, name TEXT, text TEXT, PRIMARY KEY (environment, name));
"""


class DatabaseFile:
    """Opened when it is needed first, and anew when another file has taken its place."""

    def __init__(self, address: Address, timeout: float) -> None:
        self.path = Path(address.path)
        self._address = address
        self._timeout = timeout
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, ...] | None = None
        self._in_use = threading.Lock()
        follow_forks(self)

    def before_fork(self) -> None:
        """A connection must not be open while a process forks: SQLite loses its locks in the child,
        and does not know that it did.
        """
        self._in_use.acquire()
        self.close()

    def after_fork(self, *, child: bool) -> None:  # noqa: ARG002 - the same on both sides
        self._in_use.release()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """The connection, or None while there is no file, or one that nobody has written to."""
        with self._in_use, self._explained():
            if identity_of(self.path) is None:
                yield None
                return
            db = self._open("rw")
            yield db if _is_ours(db, self._address) else None

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is committed at the end, or rolled back by any exception."""
        with self._in_use, self._explained():
            _make_folder(self.path.parent)
            db = self._open("rwc")
            if not _is_ours(db, self._address):
                # Readers then never wait for a writer; the mode stays with the file.
                db.execute("PRAGMA journal_mode = WAL")
            try:
                db.execute("BEGIN IMMEDIATE")
                if not _is_ours(db, self._address):
                    for statement in SCHEMA.strip().split(";\n"):
                        db.execute(statement)
                yield db
                db.execute("COMMIT")
            finally:
                # A full disk may have ended the transaction already.
                if db.in_transaction:
                    db.execute("ROLLBACK")

    def _open(self, mode: str) -> sqlite3.Connection:
        identity = identity_of(self.path)
        if self._connection is not None and (
            # The file was deleted or replaced; the one that we have open is nobody's any more.
            identity != self._identity
            # Whoever used it before us died between two steps, and might keep others out for ever.
            or self._connection.in_transaction
        ):
            self.close()
        if self._connection is None:
            self._connection = connect(self.path, mode, self._timeout)
            self._identity = identity_of(self.path)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            # A table that lacks a column, or all of them, is not a fault of the disk.
            if re.search("no such (table|column)|has no column|has [0-9]+ columns", str(error)):
                raise foreign(self._address, str(error)) from error
            raise StoreUnreachable(
                f"{self._address} cannot be used: {error}",
                "check the path, its permissions and the free space on that disk",
            ) from error
        except sqlite3.DatabaseError as error:
            raise foreign(self._address, str(error)) from error
        except OSError as error:
            raise StoreUnreachable(
                f"{self._address} cannot be used: {error.strerror}",
                "check the path and its permissions",
            ) from error


def foreign(address: Address, what: str) -> StoreCorrupt:
    """The error for content that is not ours."""
    return StoreCorrupt(
        f"{address} holds data that promptops did not write: {what}",
        "name another file; nothing was changed",
    )


def connect(path: Path, mode: str, timeout: float) -> sqlite3.Connection:
    # A client is made in one thread and refreshed in another, never in two at once.
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
    )


def identity_of(path: Path) -> tuple[int, ...] | None:
    """Which file a path leads to, and when it was changed last; None when there is none.

    What SQLite writes goes beside it, and into it now and then. Whoever copies another file over it
    changes it as well, which a connection that is open would never see.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def _is_ours(db: sqlite3.Connection, address: Address) -> bool:
    """False for an empty file; raises StoreCorrupt for another program's database."""
    # The tables first: our own get their owner in the same moment, so tables that were seen and
    # have no owner afterwards are not ours, even while another process makes the store.
    tables = db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    (owner,) = db.execute("PRAGMA application_id").fetchone()
    if owner == APPLICATION_ID:
        return True
    if owner != 0 or tables:
        raise StoreCorrupt(
            f"{address} is a database of another program", "name another file; nothing was changed"
        )
    return False


def _make_folder(folder: Path) -> None:
    """A folder made for the store hides itself from git, as caches of other tools do."""
    if not folder.exists():
        folder.mkdir(parents=True)
        (folder / ".gitignore").write_text("*\n")
