"""Text of others in Markdown: shown as it is written, and never obeyed.

A prompt, a model's name or a hold's reason may hold anything. In a fence nothing is markup; in a
line every mark is a character reference, which no reader takes for markup either. What GitHub acts
on beyond Markdown (mentions, references to issues, comments, lines that a runner of workflows would
obey) is broken by a zero-width space.
"""

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from promptops.cli.output import printable

LONGEST_RUN = 20

Item = TypeVar("Item")

_ACTIVE = re.compile(
    r"(?<=@)(?=\w)|(?<=#)(?=\d)|(?<=<)(?=[A-Za-z/!?])|(?<=--)(?=>)|(?<=GH)(?=-\d)"
    r"|(?<=www)(?=\.)|(?m:^)(?=[^\S\n]*::)",
    re.IGNORECASE,
)
_RUN = re.compile("`+")
_MARK = re.compile("[^\\w .,;()+=/?%'\"…→“”⏎\N{ZERO WIDTH SPACE}-]|_")


def harmless(text: str) -> str:
    """The text without control characters, and with what a reader may act on broken apart."""
    lines = (printable(line) for line in text.split("\n"))
    return _ACTIVE.sub("\N{ZERO WIDTH SPACE}", "\n".join(lines))


def inline(text: str) -> str:
    """A text within a line, a table or a summary; line ends become spaces."""
    shown = harmless(" ".join(text.split()))
    return _MARK.sub(lambda found: f"&#{ord(found.group())};", shown)


def code(text: str) -> str:
    """A value within a line, in the font of code."""
    return f"<code>{inline(text)}</code>"


def fenced(text: str) -> str:
    """A text of several lines, in a fence that nothing in it can close; it is `harmless` before."""
    shown = _RUN.sub(_shortened, text)
    longest = max((len(run.group()) for run in _RUN.finditer(shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{shown}\n{fence}"


def _shortened(run: re.Match[str]) -> str:
    return run.group() if len(run.group()) <= LONGEST_RUN else "`" * LONGEST_RUN + "…"


def length(text: str) -> int:
    """How long GitHub takes a text to be at most: in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def within(text: str, room: int) -> str:
    """The beginning of a text that is at most `room` long."""
    return text.encode("utf-16-le", "surrogatepass")[: 2 * max(0, room)].decode(
        "utf-16-le", "ignore"
    )


def fitting(
    items: Iterable[Item], written: Callable[[Item], str], room: int, notice: Callable[[int], str]
) -> list[str]:
    """As many whole items as there is room for, and a notice of how many others there are."""
    items = list(items)
    shown: list[str] = []
    for item in items:
        text = written(item)
        room -= length(text) + 1
        if room < 0:
            return [*shown, notice(len(items) - len(shown))]
        shown.append(text)
    return shown
