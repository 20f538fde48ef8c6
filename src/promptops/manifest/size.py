"""How long the texts of a prompt are, in characters and, roughly, in tokens."""

import unicodedata
from dataclasses import dataclass

from promptops.manifest.release import Release


@dataclass(frozen=True, slots=True)
class Size:
    """Characters of all messages and examples, and about how many tokens they are.

    The tokens are a guess: every model counts in its own way. They are rounded to two digits, so
    that nobody takes them for a count.
    """

    characters: int
    tokens: int


def size_of(release: Release | None) -> Size:
    """The size of a release's prompt, without what callers put into it."""
    if release is None:
        return Size(0, 0)
    texts = [turn.content for turn in (*release.prompt.messages, *release.prompt.examples)]
    return Size(sum(map(len, texts)), estimated_tokens("".join(texts)))


def estimated_tokens(text: str) -> int:
    """About a quarter of a token for a Latin letter, half for another, one for CJK and emoji."""
    ascii_only = len(text.encode("ascii", "ignore"))
    others = [mark for mark in text if mark > "\x7f"]
    wide = sum(unicodedata.east_asian_width(mark) in {"W", "F"} for mark in others)
    guess = round(ascii_only / 4 + wide + (len(others) - wide) / 2)
    step = int(10 ** max(0, len(str(guess)) - 2))
    return round(guess / step) * step
