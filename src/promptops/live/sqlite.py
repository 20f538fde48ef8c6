"""An environment in a SQLite file: the embedded store, for one host, for trying out, for tests."""

import contextlib
import re
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from promptops.errors import StoreCorrupt, StoreUnreachable
from promptops.live.address import Address
from promptops.live.records import Entry, Head, Pointer, Presence, State
from promptops.live.store import PAGE, Swap, Timeouts, apart, check_size
from promptops.manifest.digest import digest_of
from promptops.manifest.release import MAX_BYTES

LOOK_EVERY = 0.01
APPLICATION_ID = 0x70726F6D  # "prom": how we know a file of ours from another program's database
SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
CREATE TABLE head (environment TEXT PRIMARY KEY, epoch INTEGER, revision INTEGER, operation TEXT);
CREATE TABLE pointers (environment TEXT, unit TEXT, pointer TEXT, revision INTEGER,
                       PRIMARY KEY (environment, unit));
CREATE TABLE history (environment TEXT, revision INTEGER, operation TEXT, entry TEXT,
                      PRIMARY KEY (environment, revision));
CREATE TABLE releases (environment TEXT, digest TEXT, data BLOB, PRIMARY KEY (environment, digest));
CREATE TABLE clients (environment TEXT, client TEXT, presence TEXT, expires REAL,
                      PRIMARY KEY (environment, client));
"""


class SqliteStore:
    """Implements `promptops.live.store.Store`; the swap is one transaction.

    The file is made by the first write; a reader never creates it.
    """

    def __init__(self, address: Address, environment: str, timeouts: Timeouts) -> None:
        self.address = address
        self.environment = environment
        self._timeouts = timeouts
        self._path = Path(address.path)
        self._connection: sqlite3.Connection | None = None

    def read(self, since: Head | None = None) -> State:
        with self._reading() as db:
            if db is None:
                return State(None)
            # A deferred transaction, so that head and pointers are of one moment.
            db.execute("BEGIN")
            try:
                head = self._head(db)[0]
                if head is None:
                    self._check_end(db, head)
                known = _known(since, head)
                rows = db.execute(
                    "SELECT unit, pointer FROM pointers WHERE environment = ? AND revision > ?",
                    (self.environment, known),
                ).fetchall()
            finally:
                db.execute("ROLLBACK")
        pointers = {unit: Pointer.from_json(text, unit) for unit, text in rows}
        return State(head, pointers, whole=known == 0)

    def put(self, data: bytes) -> str:
        digest = digest_of(data)
        check_size(digest, len(data))
        with self._writing() as db:
            db.execute(
                "INSERT OR IGNORE INTO releases VALUES (?, ?, ?)", (self.environment, digest, data)
            )
        if self.release(digest) != data:
            raise StoreCorrupt(
                f"the store holds other bytes under {digest}",
                "somebody changed the store by hand; nothing was deployed",
            )
        return digest

    def release(self, digest: str) -> bytes | None:
        with self._reading() as db:
            if db is None:
                return None
            row = db.execute(
                "SELECT typeof(data), length(data), CASE WHEN length(data) <= ? THEN data END"
                " FROM releases WHERE environment = ? AND digest = ?",
                (MAX_BYTES, self.environment, digest),
            ).fetchone()
        if row is None:
            return None
        kind, size, data = row
        if kind != "blob":
            raise self._foreign(f"release {digest} is of type {kind}")
        check_size(digest, size)
        return bytes(data)

    def swap(self, expected: Head | None, entry: Entry, pointers: Mapping[str, Pointer]) -> Swap:
        with self._writing() as db:
            head, operation = self._head(db)
            if operation == entry.operation:
                return Swap("same", head)
            if head != expected:
                return Swap("lost", head)
            self._check_end(db, head)
            for digest in sorted({pointer.digest for pointer in pointers.values()}):
                key = (self.environment, digest)
                if not db.execute(
                    "SELECT 1 FROM releases WHERE environment = ? AND digest = ?", key
                ).fetchone():
                    return Swap("missing", expected, digest)
            epoch = 1 if expected is None else expected.epoch
            db.execute(
                "INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?)",
                (self.environment, epoch, entry.revision, entry.operation),
            )
            db.executemany(
                "INSERT OR REPLACE INTO pointers VALUES (?, ?, ?, ?)",
                [
                    (self.environment, unit, pointer.to_json(), entry.revision)
                    for unit, pointer in pointers.items()
                ],
            )
            db.execute(
                "INSERT INTO history VALUES (?, ?, ?, ?)",
                (self.environment, entry.revision, entry.operation, entry.to_json()),
            )
        return Swap("won", Head(epoch, entry.revision))

    def history(self, before: int | None = None, limit: int = PAGE) -> list[Entry]:
        with self._reading() as db:
            if db is None:
                return []
            rows = db.execute(
                "SELECT entry FROM history WHERE environment = ? AND revision < ?"
                " ORDER BY revision DESC LIMIT ?",
                (self.environment, before if before is not None else 1 << 62, limit),
            ).fetchall()
        return [Entry.from_json(text) for (text,) in rows]

    def announce(self, presence: Presence, seconds: int) -> None:
        if not self._path.exists():
            return
        row = (self.environment, presence.client, presence.to_json(), time.time() + seconds)
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO clients VALUES (?, ?, ?, ?)", row)

    def withdraw(self, client: str) -> None:
        if not self._path.exists():
            return
        with self._writing() as db:
            db.execute(
                "DELETE FROM clients WHERE environment = ? AND (client = ? OR expires < ?)",
                (self.environment, client, time.time()),
            )

    def clients(self) -> list[Presence]:
        with self._reading() as db:
            if db is None:
                return []
            rows = db.execute(
                "SELECT presence FROM clients WHERE environment = ? AND expires >= ?"
                " ORDER BY client",
                (self.environment, time.time()),
            ).fetchall()
        found = (Presence.from_json(text) for (text,) in rows)
        return [presence for presence in found if presence is not None]

    def listen(self) -> "SqliteListener":
        return SqliteListener(self._path)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _head(self, db: sqlite3.Connection) -> tuple[Head | None, str | None]:
        row = db.execute(
            "SELECT epoch, revision, operation FROM head WHERE environment = ?",
            (self.environment,),
        ).fetchone()
        if row is None:
            return None, None
        epoch, revision, operation = row
        if not (isinstance(epoch, int) and isinstance(revision, int)):
            raise self._foreign(f"the head of {self.environment} is not in numbers")
        return Head(epoch, revision), operation

    def _check_end(self, db: sqlite3.Connection, head: Head | None) -> None:
        """Raises StoreCorrupt when the head is not where the history ends."""
        (last,) = db.execute(
            "SELECT max(revision) FROM history WHERE environment = ?", (self.environment,)
        ).fetchone()
        if last != (None if head is None else head.revision):
            raise apart(self.environment, head, "nothing" if last is None else last)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """The connection, or None while there is no file, or one that nobody has written to."""
        with self._explained():
            if self._connection is None and not self._path.exists():
                yield None
                return
            db = self._open("rw")
            yield db if _is_ours(db, self.address) else None

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is committed at the end, or rolled back by any exception."""
        with self._explained():
            if self._connection is None:
                _make_folder(self._path.parent)
            db = self._open("rwc")
            if not _is_ours(db, self.address):
                # Readers then never wait for a writer; the mode stays with the file.
                db.execute("PRAGMA journal_mode = WAL")
            try:
                db.execute("BEGIN IMMEDIATE")
                if not _is_ours(db, self.address):
                    for statement in SCHEMA.strip().split(";\n"):
                        db.execute(statement)
                yield db
                db.execute("COMMIT")
            finally:
                # A full disk may have ended the transaction already.
                if db.in_transaction:
                    db.execute("ROLLBACK")

    def _open(self, mode: str) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = _connect(self._path, mode, self._timeouts.answer)
        return self._connection

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            # A table that lacks a column, or all of them, is not a fault of the disk.
            if re.search("no such (table|column)|has no column|has [0-9]+ columns", str(error)):
                raise self._foreign(str(error)) from error
            raise StoreUnreachable(
                f"{self.address} cannot be used: {error}",
                "check the path, its permissions and the free space on that disk",
            ) from error
        except sqlite3.DatabaseError as error:
            raise self._foreign(str(error)) from error
        except OSError as error:
            raise StoreUnreachable(
                f"{self.address} cannot be used: {error.strerror}",
                "check the path and its permissions",
            ) from error

    def _foreign(self, what: str) -> StoreCorrupt:
        return StoreCorrupt(
            f"{self.address} holds data that promptops did not write: {what}",
            "name another file; nothing was changed",
        )


class SqliteListener:
    """Looks at SQLite's own change counter, which another connection's commit raises."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._version = 0
        self._closed = False
        self._waiting = threading.Lock()

    def wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        try:
            with self._waiting:
                while not self._closed and time.monotonic() < deadline:
                    if self._changed():
                        return True
                    time.sleep(LOOK_EVERY)
        except sqlite3.Error as error:
            raise StoreUnreachable(f"the store's file cannot be watched: {error}") from error
        finally:
            if self._closed:
                self._disconnect()
        return False

    def _changed(self) -> bool:
        if self._connection is None:
            if not self._path.exists():
                return False
            self._connection = _connect(self._path, "ro", 0.5)
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
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None
            finally:
                self._waiting.release()


def _connect(path: Path, mode: str, timeout: float) -> sqlite3.Connection:
    # A client is made in one thread and refreshed in another, never in two at once.
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
    )


def _known(since: Head | None, head: Head | None) -> int:
    """The revision after which a reader needs pointers: 0 when it must have all of them."""
    if since is None or head is None or since.epoch != head.epoch or since.revision > head.revision:
        return 0
    return since.revision


def _is_ours(db: sqlite3.Connection, address: Address) -> bool:
    """False for an empty file; raises StoreCorrupt for another program's database."""
    (owner,) = db.execute("PRAGMA application_id").fetchone()
    if owner == APPLICATION_ID:
        return True
    if owner != 0 or db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        raise StoreCorrupt(
            f"{address} is a database of another program", "name another file; nothing was changed"
        )
    return False


def _make_folder(folder: Path) -> None:
    """A folder made for the store hides itself from git, as caches of other tools do."""
    if not folder.exists():
        folder.mkdir(parents=True)
        (folder / ".gitignore").write_text("*\n")
