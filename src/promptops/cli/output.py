"""How commands speak: data on stdout as text or JSON, messages on stderr, no colour in pipes."""

import json
import os
import re
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

import click

_NOT_ASCII = re.compile(r"[^\n -~]")


def emit(output: str, data: Any, text: str) -> None:
    """Print the data of a command: `data` as JSON, or `text`."""
    if output == "json":
        _print(as_json(data))
    elif text:
        _print(text)


def as_json(data: Any) -> str:
    """The data of a command as it is printed, and as files hold it."""
    # The runner of GitHub's workflows obeys `##[…]` anywhere in a line, and a terminal what is no
    # character to be seen; to JSON they are the same as escapes.
    text = json.dumps(data, indent=2, ensure_ascii=False).replace("##[", "#\\u0023[")
    return _NOT_ASCII.sub(lambda found: _escaped(found[0]), text)


def _escaped(mark: str) -> str:
    return json.dumps(mark)[1:-1] if unicodedata.category(mark)[0] == "C" else mark


def say(message: str) -> None:
    """A message for people, on stderr."""
    _print(message, err=True)


def say_error(message: str, hint: str = "", code: str = "") -> None:
    word = click.style(f"error[{code}]" if code else "error", fg="red", bold=True)
    say(f"{word}: {in_line(message)}")
    if hint:
        say(click.style(" help", fg="cyan", bold=True) + f": {in_line(hint)}")


def say_warning(message: str) -> None:
    say(click.style("warning", fg="yellow", bold=True) + f": {in_line(message)}")


_LOST = "\N{REPLACEMENT CHARACTER}"


def printable(text: str) -> str:
    """The text with what a terminal would obey or hide shown as U+FFFD."""
    if text.isprintable():
        return text
    return "".join(
        mark if mark in "\t\n" or unicodedata.category(mark)[0] != "C" else _LOST for mark in text
    )


def in_line(text: str) -> str:
    """One line that neither a terminal obeys nor a runner of workflows, as wide as it was.

    The runner takes a line that begins with `::` for a command, and one with `##[` in it.
    """
    return printable(text).replace("\n", _LOST).replace("##[", f"#{_LOST}[")


def cut(text: str, longest: int) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 unit`, `2 units`; `plural` where that is more than an s."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows with aligned columns; the first one is the header."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _print(text: str, *, err: bool = False) -> None:
    click.echo(text, err=err, color=_colour(sys.stderr if err else sys.stdout))


def _colour(stream: Any) -> bool | None:
    """None lets click decide by the stream; NO_COLOR and dumb terminals switch it off."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    # There is no stream at all where the shell closed it (`>&-`).
    return None if stream is not None and stream.isatty() else False
