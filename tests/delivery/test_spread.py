"""Work spread over the cores: what cannot be shown with manifests."""

import subprocess
import sys

ALL = """
import os, resource
from promptops.delivery.spread import spread

def work(number):
    if number == FAILS:
        raise ValueError(f"{number} is odd")
    return number

LIMIT
for result in spread(work, range(200)):
    print(result)
"""


def run(fails: int | None, limit: str = "") -> tuple[list[int], str]:
    program = ALL.replace("FAILS", str(fails)).replace("LIMIT", limit)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    return [int(line) for line in done.stdout.split()], done.stderr


def test_results_come_in_order() -> None:
    assert run(None) == (list(range(200)), "")


def test_an_error_in_another_process_is_raised_here_once() -> None:
    results, said = run(133)
    assert results == list(range(133))
    assert said.count("Traceback") == 1
    assert said.endswith("ValueError: 133 is odd\n")


def test_where_there_is_no_room_for_processes_one_does_it_all() -> None:
    # No pipe can be opened any more.
    assert run(None, "resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))") == (list(range(200)), "")
