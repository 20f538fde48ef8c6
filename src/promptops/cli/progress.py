"""How far something is, on a terminal, while it takes longer than a second."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 1.0
BETWEEN = 0.1
BAR = 30


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Gives a function that is told how many are done, of how many; at the end the line goes."""
    on_terminal = (
        sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    )
    due = time.monotonic() + PATIENCE
    shown = False

    def tell(done: int, of: int) -> None:
        nonlocal due, shown
        if on_terminal and time.monotonic() >= due:
            due = time.monotonic() + BETWEEN
            shown = True
            # A line that fills the terminal would begin another one, which nothing takes away.
            columns = os.get_terminal_size(sys.stderr.fileno()).columns or 80
            _write(f"\r{_line(what, done, of)[: columns - 1]}")

    try:
        yield tell
    finally:
        if shown:
            _write("\r\033[K")


def _line(what: str, done: int, of: int) -> str:
    bar = "#" * (BAR * done // of)
    return f"{what} [{bar:.<{BAR}}] {done:{len(f'{of:,}')},} of {of:,}"


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
