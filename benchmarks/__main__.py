"""`python -m benchmarks [NAME]…`: measure, print the table, keep the one of a whole run.

Exits 1 when a bound is missed, after everything was measured and written.
"""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path

from benchmarks import (
    commands,
    comparing,
    contending,
    drilling,
    growing,
    occupying,
    planning,
    reading,
    rehearsing,
    rendering,
    spreading,
    starting,
    swapping,
    validating,
)
from benchmarks.servers import SERVER
from benchmarks.table import Row, markdown, write_between_markers

README = Path(__file__).with_name("README.md")
SUBJECTS: dict[str, Callable[[], Iterator[Row]]] = {
    "reading": reading.rows,
    "contending": contending.rows,
    "starting": starting.rows,
    "occupying": occupying.rows,
    "rendering": rendering.rows,
    "swapping": swapping.rows,
    "commands": commands.rows,
    "growing": growing.rows,
    "validating": validating.rows,
    "comparing": comparing.rows,
    "planning": planning.rows,
    "spreading": spreading.rows,
    "drilling": drilling.rows,
    "rehearsing": rehearsing.rows,
}


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - set(SUBJECTS))
    if unknown:
        print(
            f"there is no {', '.join(unknown)}; there are: {', '.join(SUBJECTS)}", file=sys.stderr
        )
        return 2
    rows: list[Row] = []
    for name in names or SUBJECTS:
        print(f"{name} …", file=sys.stderr, flush=True)
        rows += SUBJECTS[name]()
    text = f"{circumstances()}\n\n{markdown(rows)}"
    print(text)
    if not names:
        write_between_markers(README, text)
    return 0 if all(row.met() for row in rows) else 1


def circumstances() -> str:
    said = subprocess.run([SERVER, "--version"], capture_output=True, text=True, check=True).stdout
    server = re.sub(r"^(\w+) server v=([\d.]+).*", r"\1 \2", said.strip())
    peers = ", ".join(
        f"{name} {version(name)}"
        for name in (
            "redis",
            "jinja2",
            "langfuse",
            "launchdarkly-server-sdk",
            "growthbook",
            "check-jsonschema",
        )
    )
    return (
        f"Measured on {date.today()} with `make bench`: {os.cpu_count()} cores, "
        f"{platform.system()}, Python {platform.python_version()}, {server}; {peers}."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
