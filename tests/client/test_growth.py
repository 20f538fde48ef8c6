"""An app that runs for months: many changes leave nothing behind in its process."""

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

import pytest

from promptops.live.records import Head
from promptops.live.store import Store
from tests.client.releases import point
from tests.deployments import release

# Follows every revision that it is told of, and says after each what its process holds by then.
APP = """
import json, os, re, sys, threading, time
from pathlib import Path
from promptops import Client

client = Client(sys.argv[1], environment="production", app="helpdesk", cache=sys.argv[2])
client.on_change(lambda changed: changed)
client.wait_ready(20)
for revision in map(int, sys.stdin):
    until = time.monotonic() + 20
    while client.status().revision < revision and time.monotonic() < until:
        time.sleep(0.0005)
    client.get("greeter").render()
    resident = int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
    held = [resident, len(os.listdir("/proc/self/fd")), threading.active_count()]
    print(json.dumps([client.status().revision, client.status().errors, *held]), flush=True)
"""
WARM = 150
TEXTS = 50


class Held(NamedTuple):
    """What the app's process holds, memory in KiB."""

    resident: int
    files: int
    threads: int


def followed(url: str, cache: Path, heads: Iterator[Head]) -> list[Held]:
    """What the app holds after each of the heads; every one is followed, without an error."""
    command = [sys.executable, "-c", APP, url, str(cache)]
    said: list[Held] = []
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as app:
        assert app.stdin is not None
        assert app.stdout is not None
        for head in heads:
            app.stdin.write(f"{head.revision}\n")
            app.stdin.flush()
            revision, errors, *held = json.loads(app.stdout.readline())
            assert (revision, errors) == (head.revision, 0)
            said.append(Held(*held))
    return said


@pytest.mark.soak(short=500, full=20_000)
def test_many_changes_of_a_long_prompt_leave_no_memory_no_file_and_no_thread(
    store: Store, store_url: str, tmp_path: Path, times: int
) -> None:
    digests = [
        store.put(release("greeter", f"Hello {number} " + "x" * 20_000)) for number in range(TEXTS)
    ]
    point(store, {"greeter": digests[-1]})
    turns = islice(cycle(digests), WARM + times)
    said = followed(store_url, tmp_path, (point(store, {"greeter": each}) for each in turns))
    before, after = said[:WARM], said[-1]
    assert after.resident - before[-1].resident < 5 * 1024
    assert after.files <= max(each.files for each in before)
    assert after.threads == before[-1].threads
