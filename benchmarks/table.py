"""The rows, and the Markdown table that they make."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rounds import Rounds, quartiles

BEGIN, END = "<!-- table -->", "<!-- end of table -->"


@dataclass(frozen=True, slots=True)
class Bound:
    """What is promised: `at most` so many times the other's time, or `at least` as much faster.

    `seconds` is what it may take at most, where that is promised too.
    """

    factor: float
    faster: bool = False
    seconds: float = math.inf

    def __str__(self) -> str:
        ratio = f"≥ {self.factor:g} × faster" if self.faster else f"≤ {self.factor:g} ×"
        return ratio if math.isinf(self.seconds) else f"{ratio}, ≤ {duration(self.seconds)}"

    def holds(self, ratio: float, seconds: float) -> bool:
        within = ratio >= self.factor if self.faster else ratio <= self.factor
        return within and seconds <= self.seconds


def duration(seconds: float) -> str:
    """Three digits and a unit that suits them."""
    for unit, size in (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3)):
        if seconds < 1000 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def size(count: float) -> str:
    """Bytes as MB."""
    return f"{count / 1e6:.3g} MB"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing of ours against one of theirs.

    The median of the rounds' ratios is judged; or the worst one, where `every` round must hold;
    or nothing, where nothing is promised. `said` writes what a round measured.
    """

    what: str
    against: str
    rounds: Rounds
    bound: Bound | None
    every: bool = False
    said: Callable[[float], str] = duration

    def ratios(self) -> list[float]:
        ratios = self.rounds.ratios()
        return [1 / ratio for ratio in ratios] if self.bound and self.bound.faster else ratios

    def judged(self) -> float:
        ratios = self.ratios()
        return max(ratios) if self.every else statistics.median(ratios)

    def met(self) -> bool:
        if self.bound is None:
            return True
        return self.bound.holds(self.judged(), statistics.median(self.rounds.ours))

    def cells(self) -> list[str]:
        low, middle, high = quartiles(self.ratios())
        spread = f"{low:.3g}–{high:.3g}"
        if self.every:
            spread += f", worst {max(self.ratios()):.3g}"
        return [
            self.what,
            self.against,
            self.said(statistics.median(self.rounds.ours)),
            self.said(statistics.median(self.rounds.theirs)),
            f"**{middle:.3g} ×**",
            spread,
            str(len(self.ratios())),
            str(self.bound or "–"),
            ("met" if self.met() else "**MISSED**") if self.bound else "",
        ]


HEADER = ["what", "against", "ours", "theirs", "ratio", "quartiles", "rounds", "bound", ""]


def markdown(rows: Sequence[Row]) -> str:
    lines = [HEADER, ["---"] * len(HEADER), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write_between_markers(path: Path, text: str) -> None:
    before, rest = path.read_text("utf-8").split(BEGIN)
    after = rest.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", "utf-8")
