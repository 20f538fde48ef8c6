"""Somebody who changes a store behind the back of promptops."""

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tests.servers import Server


class Saboteur(Protocol):
    """Works on the environment production of one store."""

    def overwrite(self, digest: str, data: bytes) -> None:
        """Put bytes under a digest, whether they have it or not."""
        ...

    def remove(self, digest: str) -> None:
        """Delete a release."""
        ...

    def scribble(self, unit: str, pointer: str) -> None:
        """Put a text where a unit's pointer stands."""
        ...

    def unpoint(self, unit: str) -> None:
        """Delete a pointer."""
        ...

    def behead(self) -> None:
        """Delete the head."""
        ...

    def entries(self) -> dict[int, str]:
        """The texts of the history, by the revision at which they stand."""
        ...

    def retell(self, entries: Mapping[int, str]) -> None:
        """Put another history in its place."""
        ...

    def wipe(self) -> None:
        """Delete everything."""
        ...


class RedisSaboteur:
    def __init__(self, server: Server, namespace: str) -> None:
        self._server = server
        self._environment = f"{{{namespace}:production}}"

    def overwrite(self, digest: str, data: bytes) -> None:
        self._server.ask("SET", f"{self._environment}:release:{digest}", data)

    def remove(self, digest: str) -> None:
        self._server.ask("DEL", f"{self._environment}:release:{digest}")

    def scribble(self, unit: str, pointer: str) -> None:
        self._server.ask("HSET", f"{self._environment}:pointers", unit, pointer)

    def unpoint(self, unit: str) -> None:
        self._server.ask("HDEL", f"{self._environment}:pointers", unit)

    def behead(self) -> None:
        self._server.ask("DEL", f"{self._environment}:head")

    def entries(self) -> dict[int, str]:
        found = self._server.ask("XRANGE", f"{self._environment}:history", "-", "+")
        return {int(each.split(b"-")[0]): fields[b"entry"].decode() for each, fields in found}

    def retell(self, entries: Mapping[int, str]) -> None:
        history = f"{self._environment}:history"
        self._server.ask("DEL", history)
        for revision, text in sorted(entries.items()):
            self._server.ask("XADD", history, f"{revision}-0", "entry", text, "units", "greeter")

    def wipe(self) -> None:
        self._server.ask("DEL", *self._server.ask("KEYS", f"{self._environment}:*"))


class SqliteSaboteur:
    def __init__(self, path: Path) -> None:
        self._path = path

    def overwrite(self, digest: str, data: bytes) -> None:
        self._write("INSERT OR REPLACE INTO releases VALUES ('production', ?, ?)", digest, data)

    def remove(self, digest: str) -> None:
        self._write("DELETE FROM releases WHERE digest = ?", digest)

    def scribble(self, unit: str, pointer: str) -> None:
        self._write("UPDATE pointers SET pointer = ? WHERE unit = ?", pointer, unit)

    def unpoint(self, unit: str) -> None:
        self._write("DELETE FROM pointers WHERE unit = ?", unit)

    def behead(self) -> None:
        self._write("DELETE FROM head WHERE environment = ?", "production")

    def entries(self) -> dict[int, str]:
        with contextlib.closing(sqlite3.connect(self._path)) as db:
            return dict(db.execute("SELECT revision, entry FROM history"))

    def retell(self, entries: Mapping[int, str]) -> None:
        with contextlib.closing(sqlite3.connect(self._path)) as db, db:
            db.execute("DELETE FROM history")
            rows = [(revision, "", text) for revision, text in entries.items()]
            db.executemany("INSERT INTO history VALUES ('production', ?, ?, ?)", rows)

    def wipe(self) -> None:
        with contextlib.closing(sqlite3.connect(self._path)) as db, db:
            db.execute("BEGIN")
            for table in ("head", "pointers", "history", "releases", "clients", "notes"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the line above

    def _write(self, statement: str, *values: str | bytes) -> None:
        with contextlib.closing(sqlite3.connect(self._path)) as db, db:
            db.execute(statement, values)
