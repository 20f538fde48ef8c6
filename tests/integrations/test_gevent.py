"""A client in a process that gevent has patched."""

import subprocess
import sys
import time

from promptops.live.store import Store
from tests.deployments import deploy

NEEDS = ("gevent",)

PATCHED = """
from gevent import monkey
monkey.patch_all()
import sys, time
import gevent
from promptops import Client

client = Client(sys.argv[1], environment="production", poll=1.0)
client.wait_ready(20)
worst = 0.0

def beat():
    global worst
    while True:
        before = time.perf_counter()
        gevent.sleep(0.001)
        worst = max(worst, time.perf_counter() - before)

gevent.spawn(beat)
for wanted in range(2, 12):
    print(wanted, flush=True)
    until = time.monotonic() + 20
    while client.get("greeter").revision < wanted and time.monotonic() < until:
        gevent.sleep(0.001)
    print(time.monotonic(), flush=True)
print(worst, client.status().state, client.status().restarts, flush=True)
busy = time.monotonic() + 2
while time.monotonic() < busy:
    pass
print(client.status().age, flush=True)
while client.status().age > 1:
    gevent.sleep(0.001)
client.close()
print("closed", flush=True)
"""


def test_a_patched_process_follows_within_a_poll_and_a_second(store: Store, store_url: str) -> None:
    deploy(store, greeter="Hello")
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", PATCHED, store_url], stdout=pipe, stderr=pipe, text=True
    ) as app:
        assert app.stdout is not None
        assert app.stderr is not None
        for number in range(2, 12):
            assert app.stdout.readline() == f"{number}\n", app.stderr.read()
            deploy(store, greeter=f"Hello {number}")
            swapped = time.monotonic()
            assert float(app.stdout.readline()) - swapped <= 1.0 + 1
        worst, state, restarts = app.stdout.readline().split()
        assert (state, restarts) == ("READY", "0")
        assert float(worst) <= 0.5, "greenlets go on meanwhile"
        assert float(app.stdout.readline()) >= 1.5, "the age says that it was busy"
        assert app.stdout.readline() == "closed\n"
    assert app.returncode == 0
