"""The difference of two long prompts: the word diff alone, and `promptops diff` as a process."""

import difflib
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import installed, output, python, wall
from benchmarks.repository import SOURCE, commit, new_repository, write_unit
from benchmarks.rounds import alternate
from benchmarks.table import Bound, Row
from promptops.manifest.words import word_diff

SIZE = 26_000
ROUNDS = 7


def rows() -> Iterator[Row]:
    old, new = _prompts()
    yield Row(
        "word diff of a prompt of 26 KB, one word changed in every line",
        "`difflib.ndiff`, same lines",
        alternate(_ours(old, new), _theirs(old, new), ROUNDS),
        Bound(10, faster=True, seconds=0.2),
    )
    with TemporaryDirectory() as name:
        folder = Path(name, "repository")
        new_repository(folder)
        prompt = write_unit(folder, "support-triage", "support-triage") / "system.md"
        for text in (old, new):
            prompt.write_text(text, "utf-8")
            commit(folder)
        ours = [installed("promptops"), "diff", "HEAD~1.."]
        if "support-triage" not in output(ours, folder):
            raise RuntimeError("promptops diff found no difference")
        yield Row(
            "`promptops diff` of that prompt, whole process",
            '`python -c "import click, git"`',
            alternate(wall(ours, folder), python("import click, git", folder), ROUNDS),
            Bound(5),
        )


def _prompts() -> tuple[str, str]:
    """Words of this repository's prompts, twelve in a line; and the same with others in places."""
    dice = random.Random(26)  # noqa: S311 - the same prompt every time
    texts = [file.read_text("utf-8") for file in sorted(SOURCE.glob("*/*.md"))]
    words = sorted({word for text in texts for word in text.split() if word.isalpha()})
    lines: list[list[str]] = []
    while len(_written(lines)) < SIZE:
        lines.append(dice.choices(words, k=12))
    old = _written(lines)
    for line in lines:
        line[dice.randrange(12)] = dice.choice(words)
    return old, _written(lines)


def _written(lines: list[list[str]]) -> str:
    return "".join(" ".join(line) + "\n" for line in lines)


def _ours(old: str, new: str) -> Callable[[], float]:
    def run() -> float:
        word_diff.cache_clear()  # it remembers the texts that a plan shows several times
        began = time.perf_counter()
        segments = word_diff(old, new)
        taken = time.perf_counter() - began
        if "".join(each.text for each in segments if each.kind != "removed") != new:
            raise RuntimeError("the word diff does not lead to the new text")
        return taken

    return run


def _theirs(old: str, new: str) -> Callable[[], float]:
    before, after = (text.splitlines(keepends=True) for text in (old, new))

    def run() -> float:
        began = time.perf_counter()
        list(difflib.ndiff(before, after))
        return time.perf_counter() - began

    return run
