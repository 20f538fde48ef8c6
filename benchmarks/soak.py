"""`python -m benchmarks.soak`: an app under gunicorn serves while its Redis meets every outage.

A FastAPI app whose client was made before the fork answers a bounded load, while a prompt is
deployed and rolled back by the commands, and Redis is killed, restarted, filled, frozen and failed
over in turn. Prints a table; exits 1 unless every answer was a whole release of a deployed version,
and every worker served every change in time.
"""

import argparse
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.load import Load
from benchmarks.outages import OUTAGES, Stand, filled
from benchmarks.table import duration
from benchmarks.versions import Moved, Versions
from tests.integrations.workers import Workers, children, under_gunicorn

APP = "benchmarks.soak_app:app"
SERVED_WITHIN = 5.0
GROWTH = 10 << 20


@dataclass
class Course:
    """What happens to the app, and what was seen of it; seconds are from typing a command."""

    stand: Stand
    versions: Versions
    workers: Workers
    load: Load
    commands: list[float] = field(default_factory=list)
    calm: list[float] = field(default_factory=list)
    afterwards: list[float] = field(default_factory=list)
    outages: Counter[str] = field(default_factory=Counter)
    moves: Counter[str] = field(default_factory=Counter)
    late: list[str] = field(default_factory=list)
    before: dict[int, int] = field(default_factory=dict)

    def run(self, deployments: int, seconds: float) -> None:
        """Each deployment is rolled back during or right after an outage."""
        pace, began = seconds / deployments, time.monotonic()
        for number, outage in enumerate(islice(cycle(OUTAGES), deployments), 1):
            self._served("deploy", self.versions.deploy(number), self.calm)
            with outage(self.stand):
                time.sleep(pace / 3)
                if outage is filled:  # then everything else has to work
                    self._roll_back()
            if outage is not filled:
                self._roll_back()
            self.outages[outage.__name__.replace("_", " ")] += 1
            if not self.before:  # by now all code was loaded
                self.before = self.memory()
            time.sleep(max(0.0, began + number * pace - time.monotonic()))

    def memory(self) -> dict[int, int]:
        """Resident bytes of each worker that is left."""
        page, left = os.sysconf("SC_PAGE_SIZE"), self.workers.pids & children(self.workers.master)
        pages = {pid: Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in left}
        return {pid: int(number) * page for pid, number in pages.items()}

    def growth(self) -> int:
        after = self.memory()
        return max((after[pid] - self.before[pid] for pid in after), default=0)

    def _roll_back(self) -> None:
        self._served("rollback", self.versions.rollback(), self.afterwards)

    def _served(self, what: str, moved: Moved, taken: list[float]) -> None:
        self.moves[what] += 1
        self.commands.append(moved.seconds)
        served = self.load.await_served(moved.revision, moved.typed + SERVED_WITHIN)
        taken += [at - moved.typed for at in served.values()]
        for pid in self.workers.pids - served.keys():
            self.late.append(f"worker {pid} did not serve revision {moved.revision} in time")

    def complaints(self) -> Iterator[str]:
        yield from self.load.failed
        yield from self.late
        for digest, number in self.versions.foreign():
            yield f"{digest} with version {number} was served, and is no release of ours"
        if children(self.workers.master) != self.workers.pids:
            yield "a worker was started anew"
        if self.growth() > GROWTH:
            yield f"a worker grew by more than {GROWTH >> 20} MiB"

    def table(self) -> str:
        calm, afterwards = self.calm, self.afterwards
        figures = {
            "requests": f"{len(self.load.seconds):,}",
            "failed": str(len(self.load.failed)),
            "p50, p99 and longest answer": spread(self.load.seconds),
            "workers": str(len(self.workers.pids)),
            "commands": said(self.moves),
            "outages": said(self.outages),
            "the whole process of a command: p50, p99, longest": spread(self.commands),
            "deploy typed in a calm → a worker serves it, likewise": spread(calm),
            "rollback typed in or right after an outage, likewise": spread(afterwards),
            "memory that the worker grew by which grew most": f"{self.growth() / 2**20:.1f} MiB",
        }
        lines = [("what", "figure"), ("---", "---"), *figures.items()]
        return "\n".join(f"| {what} | {figure} |" for what, figure in lines)


def spread(seconds: list[float]) -> str:
    ranked = sorted(seconds) or [math.nan]
    return ", ".join(duration(ranked[(len(ranked) - 1) * each // 100]) for each in (50, 99, 100))


def said(counted: Counter[str]) -> str:
    return ", ".join(f"{number} {what}" for what, number in counted.items())


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--deployments", type=int, default=50)
    parser.add_argument("--workers", type=int, default=4)
    wanted = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        stand = Stand()
        stack.callback(stand.close)
        versions = Versions(folder / "project", stand.url)
        versions.deploy(0)
        variables = {"PROMPTOPS_STORE": stand.url, "PROMPTOPS_ENV": "production"}
        workers = stack.enter_context(
            under_gunicorn(APP, wanted.workers, folder / "log", variables)
        )
        load = stack.enter_context(Load(workers.port, workers.pids, versions.objection))
        course = Course(stand, versions, workers, load)
        course.run(wanted.deployments, wanted.minutes * 60)
        print(course.table())
        complaints = list(course.complaints())
    for complaint in complaints[:20]:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
