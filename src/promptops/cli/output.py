"""How commands speak: data on stdout as text or JSON, messages on stderr, no colour in pipes."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import click


def emit(output: str, data: Any, text: str) -> None:
    """Print the data of a command: `data` as JSON, or `text`."""
    if output == "json":
        click.echo(as_json(data))
    elif text:
        click.echo(text, color=_colour(sys.stdout))


def as_json(data: Any) -> str:
    """The data of a command as it is printed, and as files hold it."""
    return json.dumps(data, indent=2, ensure_ascii=False)


def say(message: str) -> None:
    """A message for people, on stderr."""
    click.echo(message, err=True, color=_colour(sys.stderr))


def say_error(message: str, hint: str = "", code: str = "") -> None:
    say(click.style(f"error[{code}]" if code else "error", fg="red", bold=True) + f": {message}")
    if hint:
        say(click.style(" help", fg="cyan", bold=True) + f": {hint}")


def say_warning(message: str) -> None:
    say(click.style("warning", fg="yellow", bold=True) + f": {message}")


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows with aligned columns; the first one is the header."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _colour(stream: Any) -> bool | None:
    """None lets click decide by the stream; NO_COLOR and dumb terminals switch it off."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return None if stream.isatty() else False
