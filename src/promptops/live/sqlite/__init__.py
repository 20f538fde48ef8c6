"""An environment in a SQLite file: the embedded store, for one host, for trying out, for tests."""

from promptops.live.sqlite.listener import SqliteListener
from promptops.live.sqlite.store import SqliteStore

__all__ = ["SqliteListener", "SqliteStore"]
