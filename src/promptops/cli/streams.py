"""Standard output and standard error, where readers go away and disks are full."""

import io
import os
import sys
from typing import TYPE_CHECKING

from promptops.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class OutputLost(UsageError):
    """Standard output takes nothing more."""


class _Stream(io.FileIO):
    """A stream of the process that fails once at most, and has written everything from then on.

    A reader that has gone, as `head` does, is no failure: what the command did and the code that it
    ends with are the same. That standard error takes nothing more cannot be said to anybody.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.fileno())
            os.close(nothing)
            if self.fileno() == 1 and not isinstance(error, BrokenPipeError):
                raise OutputLost(
                    f"standard output cannot be written to: {error.strerror}",
                    "send it to a place with room, such as a file on another disk",
                ) from error
            return memoryview(data).nbytes


def guard_streams() -> None:
    """Put the streams of the process, as far as it has them, behind what is written above."""
    # A terminal without Unicode must not turn a deployment that was done into a failure: "replace".
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            guarded = io.TextIOWrapper(
                io.BufferedWriter(_Stream(number)),
                stream.encoding,
                errors="replace",
                line_buffering=stream.line_buffering,
            )
            setattr(sys, name, guarded)
