"""One command whose end nobody can count on: bounded in time and in what is kept of its output."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_KEPT = 1 << 16
_AT_ONCE = 1 << 14
_LAST_WORDS = 0.5  # for the output of a process that has ended; its children may hold it open


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended: `code` is None when it was stopped; `said` is its last line."""

    code: int | None
    said: str


class NotStarted(Exception):
    """There is no such program, or it cannot be run; `message` says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def run(words: Sequence[str], folder: Path, timeout: float) -> Ran:
    """Run a program with its arguments, without a shell or input; raises NotStarted.

    What it started itself is stopped with it.
    """
    try:
        process = subprocess.Popen(
            list(words),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise NotStarted(f"{words[0]} cannot be run: {reason}") from error
    assert process.stdout is not None  # noqa: S101 - it was asked for
    kept = _Tail(process.stdout)
    try:
        code: int | None = process.wait(timeout)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return Ran(code, kept.last_line())


class _Tail:
    """Reads all of an output, so that its writer never waits, and keeps the end."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._kept = b""
        self._thread = threading.Thread(target=self._read, name="promptops-run", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._stream as stream:
            while part := os.read(stream.fileno(), _AT_ONCE):
                self._kept = (self._kept + part)[-_KEPT:]

    def last_line(self) -> str:
        self._thread.join(_LAST_WORDS)
        lines = [line.strip() for line in self._kept.decode("utf-8", "replace").splitlines()]
        return next((line for line in reversed(lines) if line), "")
