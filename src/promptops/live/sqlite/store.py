"""An environment in a SQLite file: the same promises as Redis, with a transaction as the swap."""

import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence

from promptops.live.address import Address
from promptops.live.presence import Presence
from promptops.live.records import Entry, Freeze, Head, Pointer, Seal, State
from promptops.live.sqlite.file import DatabaseFile, foreign
from promptops.live.sqlite.listener import SqliteListener
from promptops.live.store import PAGE, Swap, Timeouts, apart, check_size, check_written, needed
from promptops.manifest.digest import digest_of
from promptops.manifest.release import MAX_BYTES

FREEZE, LINK, REPORT = "freeze", "link", "rehearsal "


class SqliteStore:
    """Implements `promptops.live.store.Store`; the swap is one transaction.

    The file is made by the first write; a reader never creates it.
    """

    def __init__(self, address: Address, environment: str, timeouts: Timeouts) -> None:
        self.address = address
        self.environment = environment
        self._file = DatabaseFile(address, timeouts.answer)

    def read(self, since: Head | None = None) -> State:
        with self._file.reading() as db:
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
                frozen = self._note(db, FREEZE)
            finally:
                db.execute("ROLLBACK")
        pointers = {unit: Pointer.from_json(text, unit) for unit, text in rows}
        freeze = Freeze.from_json(frozen) if frozen else None
        return State(head, pointers, whole=known == 0, freeze=freeze)

    def seal(self) -> Seal:
        with self._file.reading() as db:
            if db is None:
                return Seal(None)
            db.execute("BEGIN")
            try:
                return Seal(self._head(db)[0], self._note(db, LINK))
            finally:
                db.execute("ROLLBACK")

    def put(self, data: bytes) -> str:
        digest = digest_of(data)
        check_size(digest, len(data))
        with self._file.writing() as db:
            db.execute(
                "INSERT OR IGNORE INTO releases VALUES (?, ?, ?)", (self.environment, digest, data)
            )
        check_written(digest, data, self.release(digest))
        return digest

    def release(self, digest: str) -> bytes | None:
        with self._file.reading() as db:
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
            raise foreign(self.address, f"release {digest} is of type {kind}")
        check_size(digest, size)
        return bytes(data)

    def swap(
        self,
        expected: Head | None,
        entry: Entry,
        pointers: Mapping[str, Pointer],
        freeze: str | None = None,
    ) -> Swap:
        with self._file.writing() as db:
            head, operation = self._head(db)
            if operation == entry.operation:
                return Swap("same", head)
            if head != expected:
                return Swap("lost", head)
            self._check_end(db, head)
            for digest in needed(entry, pointers):
                key = (self.environment, digest)
                if not db.execute(
                    "SELECT 1 FROM releases WHERE environment = ? AND digest = ?", key
                ).fetchone():
                    return Swap("missing", expected, digest)
            won = Head(1 if expected is None else expected.epoch, entry.revision)
            self._write(db, won, entry.operation, pointers, [entry], freeze)
        return Swap("won", won)

    def history(self, before: int | None = None, limit: int = PAGE) -> list[Entry]:
        with self._file.reading() as db:
            if db is None:
                return []
            rows = db.execute(
                "SELECT entry FROM history WHERE environment = ? AND revision < ?"
                " ORDER BY revision DESC LIMIT ?",
                (self.environment, before if before is not None else 1 << 62, limit),
            ).fetchall()
        return [Entry.from_json(text) for (text,) in rows]

    def keep_report(self, name: str, text: str) -> None:
        with self._file.writing() as db:
            row = (self.environment, REPORT + name, text)
            db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", row)

    def reports(self) -> dict[str, str]:
        with self._file.reading() as db:
            if db is None:
                return {}
            rows = db.execute(
                "SELECT name, text FROM notes WHERE environment = ?", (self.environment,)
            ).fetchall()
        found = {name: text for name, text in rows if name.startswith(REPORT)}
        return {name.removeprefix(REPORT): text for name, text in sorted(found.items())}

    def releases(self) -> list[str]:
        with self._file.reading() as db:
            if db is None:
                return []
            rows = db.execute(
                "SELECT digest FROM releases WHERE environment = ? ORDER BY digest",
                (self.environment,),
            ).fetchall()
        return [digest for (digest,) in rows]

    def forget_releases(self, digests: Collection[str], expected: Head | None = None) -> bool:
        with self._file.writing() as db:
            if expected not in {None, self._head(db)[0]}:
                return False
            db.executemany(
                "DELETE FROM releases WHERE environment = ? AND digest = ?",
                [(self.environment, digest) for digest in digests],
            )
        return True

    def restore(
        self,
        expected: Head | None,
        head: Head,
        pointers: Mapping[str, Pointer],
        history: Sequence[Entry],
        freeze: str,
    ) -> bool:
        with self._file.writing() as db:
            if self._head(db)[0] != expected:
                return False
            for table in ("pointers", "history"):
                db.execute(f"DELETE FROM {table} WHERE environment = ?", (self.environment,))  # noqa: S608
            self._write(db, head, history[-1].operation, pointers, history, freeze)
        return True

    def erase(self) -> None:
        with self._file.writing() as db:
            for table in ("head", "pointers", "history", "releases", "clients", "notes"):
                db.execute(f"DELETE FROM {table} WHERE environment = ?", (self.environment,))  # noqa: S608

    def announce(self, presence: Presence, seconds: int) -> None:
        if not self._file.path.exists():
            return
        row = (self.environment, presence.client, presence.to_json(), time.time() + seconds)
        with self._file.writing() as db:
            db.execute("INSERT OR REPLACE INTO clients VALUES (?, ?, ?, ?)", row)

    def withdraw(self, client: str) -> None:
        if not self._file.path.exists():
            return
        with self._file.writing() as db:
            db.execute(
                "DELETE FROM clients WHERE environment = ? AND (client = ? OR expires < ?)",
                (self.environment, client, time.time()),
            )

    def clients(self) -> list[Presence]:
        with self._file.reading() as db:
            if db is None:
                return []
            rows = db.execute(
                "SELECT presence, expires FROM clients WHERE environment = ? AND expires >= ?"
                " ORDER BY client",
                (self.environment, time.time()),
            ).fetchall()
        now = time.time()
        found = [(Presence.from_json(text), expires - now) for text, expires in rows]
        return [presence.aged(left) for presence, left in found if presence is not None]

    def listen(self) -> SqliteListener:
        return SqliteListener(self._file.path)

    def close(self) -> None:
        self._file.close()

    def _write(
        self,
        db: sqlite3.Connection,
        head: Head,
        operation: str,
        pointers: Mapping[str, Pointer],
        entries: Sequence[Entry],
        freeze: str | None,
    ) -> None:
        environment = self.environment
        db.execute(
            "INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?)",
            (environment, head.epoch, head.revision, operation),
        )
        db.executemany(
            "INSERT OR REPLACE INTO pointers VALUES (?, ?, ?, ?)",
            [
                (environment, unit, pointer.to_json(), head.revision)
                for unit, pointer in pointers.items()
            ],
        )
        db.executemany(
            "INSERT INTO history VALUES (?, ?, ?, ?)",
            [(environment, each.revision, each.operation, each.to_json()) for each in entries],
        )
        notes = {LINK: entries[-1].link} | ({} if freeze is None else {FREEZE: freeze})
        db.executemany(
            "INSERT OR REPLACE INTO notes VALUES (?, ?, ?)",
            [(environment, name, text) for name, text in notes.items()],
        )

    def _note(self, db: sqlite3.Connection, name: str) -> str:
        row = db.execute(
            "SELECT text FROM notes WHERE environment = ? AND name = ?", (self.environment, name)
        ).fetchone()
        return str(row[0]) if row else ""

    def _head(self, db: sqlite3.Connection) -> tuple[Head | None, str | None]:
        row = db.execute(
            "SELECT epoch, revision, operation FROM head WHERE environment = ?",
            (self.environment,),
        ).fetchone()
        if row is None:
            return None, None
        epoch, revision, operation = row
        if not (isinstance(epoch, int) and isinstance(revision, int)):
            raise foreign(self.address, f"the head of {self.environment} is not in numbers")
        return Head(epoch, revision), operation

    def _check_end(self, db: sqlite3.Connection, head: Head | None) -> None:
        """Raises StoreCorrupt when the head is not where the history ends."""
        (last,) = db.execute(
            "SELECT max(revision) FROM history WHERE environment = ?", (self.environment,)
        ).fetchone()
        if last != (None if head is None else head.revision):
            raise apart(self.environment, head, "nothing" if last is None else last)


def _known(since: Head | None, head: Head | None) -> int:
    """The revision after which a reader needs pointers: 0 when it must have all of them."""
    if since is None or head is None or since.epoch != head.epoch or since.revision > head.revision:
        return 0
    return since.revision
