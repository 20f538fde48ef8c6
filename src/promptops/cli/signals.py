"""Ctrl-C and SIGTERM: both end a command with one line, after what was begun is cleaned up."""

import os
import signal
from collections.abc import Callable

_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Terminated(KeyboardInterrupt):
    """SIGTERM, which whoever answers Ctrl-C answers in the same way."""


def end_at_once() -> None:
    """For the time of the imports, when nothing was begun that could be undone."""
    _answer_with(_end)


def interrupt() -> None:
    """For the time of the command, which cleans up and says what it leaves."""
    _answer_with(_interrupt)


def ignore() -> None:
    """For the end: what was done is done and told, and no signal must make it look otherwise."""
    _answer_with(signal.SIG_IGN)


def ending(error: BaseException) -> tuple[str, int]:
    """The word and the exit code for a command that a signal ended."""
    number = signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT
    return _WORDS[number], 128 + number


def _answer_with(answer: Callable[[int, object], None] | signal.Handlers) -> None:
    for number in _WORDS:
        # Who started us may have it ignored, as a shell does for what runs in the background.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, answer)


def _end(number: int, _: object) -> None:
    try:
        os.write(2, f"error: {_WORDS[signal.Signals(number)]}\n".encode())
    finally:
        os._exit(128 + number)


def _interrupt(number: int, _: object) -> None:
    raise Terminated if number == signal.SIGTERM else KeyboardInterrupt
