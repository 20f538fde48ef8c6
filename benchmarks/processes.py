"""Whole processes: how long from their start to their end, as a person at a terminal waits."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
# What this shell sets for Python or promptops must not decide a measurement: with
# PYTHONDONTWRITEBYTECODE the one side would compile its modules anew every time.
ENVIRON = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("PYTHON", "PROMPTOPS_"))
}


def installed(name: str) -> str:
    """The path of a command that is installed beside this Python."""
    return str(Path(sys.executable).with_name(name))


def output(command: Sequence[str], folder: Path) -> str:
    """What a command prints in a folder; raises RuntimeError when it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=ENVIRON,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")
    return done.stdout


def wall(command: Sequence[str], folder: Path) -> Callable[[], float]:
    """Seconds that a command takes in a folder; one that fails is no measurement."""

    def run() -> float:
        began = time.perf_counter()
        output(command, folder)
        return time.perf_counter() - began

    return run


def python(program: str, folder: Path) -> Callable[[], float]:
    return wall([sys.executable, "-c", program], folder)
