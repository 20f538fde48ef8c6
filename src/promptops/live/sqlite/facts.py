"""What there is to know about the file of a store, without changing it."""

import contextlib
import os
import shutil
import sqlite3
import stat
from pathlib import Path

from promptops.live.address import Address
from promptops.live.facts import FileFacts
from promptops.live.sqlite.file import connect

_PATIENCE = 1.0


def facts(address: Address, environment: str) -> FileFacts:
    """Raises nothing for a file that is not ours; to read the environment tells that."""
    path = Path(address.path)
    folder = next(each for each in (path.parent, *path.parent.parents) if each.exists())
    there = path.is_file()
    journal, others = _inside(path, environment) if there else (None, ())
    return FileFacts(
        version=f"SQLite {sqlite3.sqlite_version}",
        there=there,
        # SQLite writes its journal beside the file.
        may_write=os.access(folder, os.W_OK) and (not there or os.access(path, os.W_OK)),
        for_all=there and bool(path.stat().st_mode & stat.S_IWOTH),
        journal=journal,
        free=shutil.disk_usage(folder).free,
        others=others,
    )


def _inside(path: Path, environment: str) -> tuple[str | None, tuple[str, ...]]:
    """The journal's mode, and the other environments."""
    try:
        with contextlib.closing(connect(path, "ro", _PATIENCE)) as db:
            (journal,) = db.execute("PRAGMA journal_mode").fetchone()
            found = db.execute("SELECT environment FROM head ORDER BY 1").fetchall()
    except sqlite3.Error:
        return None, ()
    return str(journal), tuple(name for (name,) in found if name != environment)
