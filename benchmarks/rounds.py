"""Time two things in turn, so that both meet the same moments of the same machine."""

import gc
import statistics
import timeit
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rounds:
    """Seconds of ours and of theirs, one of each in every round."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    def ratios(self) -> list[float]:
        """Ours divided by theirs, round by round."""
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]


def alternate(
    ours: Callable[[], float], theirs: Callable[[], float], rounds: int, *, warm_up: bool = True
) -> Rounds:
    """Let each say in turn, `rounds` times, how many seconds it took."""
    if warm_up:  # the first time is about caches
        ours(), theirs()
    with _no_collection():
        pairs = [(ours(), theirs()) for _ in range(rounds)]
    return Rounds(tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs))


def loop(statement: str, names: Mapping[str, object], times: int) -> Callable[[], float]:
    """Seconds that a statement takes: the mean of a short loop, the best of five loops, because
    on a busy machine the others have met somebody else's work."""
    timer = timeit.Timer(statement, globals=dict(names))
    return lambda: min(timer.repeat(5, times)) / times


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """The value below which a quarter, a half and three quarters of the rounds are."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
