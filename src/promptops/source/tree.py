"""What manifests are read from: the files below one root, in a work tree or in a git commit."""

from dataclasses import dataclass
from typing import Protocol


class FileRefused(Exception):
    """A file that is not read: `code` is E402 (not a plain file, missing) or E102 (too large)."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder."""

    name: str
    is_folder: bool


class Tree(Protocol):
    """Read-only files. Paths are relative to the root, with `/`, and hold no `..`."""

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of a plain file of at most `limit` bytes; raises FileRefused.

        Symbolic links, in the last part or in a parent, are refused; so are folders, devices,
        FIFOs, submodules, and a name that differs from the one on disk in case only.
        """
        ...

    def list(self, path: str) -> list[Entry]:
        """What the folder holds, by name; empty when there is no such folder."""
        ...

    def shown(self, path: str) -> str:
        """How messages name the file."""
        ...
