"""A process forks: every child follows by itself, over connections of its own."""

import pickle
import subprocess
import sys

import pytest

from promptops import Client
from promptops.live.store import Store
from tests.client import actors
from tests.client.waiting import until
from tests.deployments import digest

# Children are made while the client's lock of callbacks is held and other threads read; each says
# which sockets it shares with its parent, and what it serves once a change has come.
FORKS = """
import os, sys, threading, time, warnings
from promptops import Client
warnings.simplefilter("ignore")

def sockets():
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found

url, children, wanted = sys.argv[1], int(sys.argv[2]), sys.argv[3]
before = sockets()
client = Client(url, environment="production", app="helpdesk", poll=0.3)
told = []
client.on_change(told.append)
client.wait_ready(20)
time.sleep(0.2)
held, release = threading.Event(), threading.Event()

def hold():
    with client._refresher.published.callbacks.all[0]._news, client._refresher.thread._starting:
        held.set()
        release.wait(30)

threading.Thread(target=hold, daemon=True).start()
held.wait()
pids = []
for number in range(children):
    theirs = sockets() - before
    if not (pid := os.fork()):
        shared = len(theirs & sockets())
        until = time.monotonic() + 20
        while client.get("greeter").digest != wanted and time.monotonic() < until:
            time.sleep(0.005)
        status = client.status()
        ok = client.get("greeter").digest == wanted and status.state == "READY"
        ok = ok and client._refresher.announcing.presence.pid == os.getpid() and not shared
        if not ok:
            print("child", shared, status, flush=True)
        client.close()
        os._exit(0 if ok else 1)
    pids.append(pid)
release.set()
print("forked", flush=True)
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
print(sum(codes), client.status().state, client.get("greeter").digest == wanted, flush=True)
client.close()
"""
MULTIPROCESSING = """
import multiprocessing, sys, warnings
from promptops import Client
warnings.simplefilter("ignore")
client = Client(sys.argv[1], environment="production", poll=0.1)
client.wait_ready(20)

def state(number):
    client._refresher.published.ready.wait(5)
    before = client.status().age
    while client.status().age >= before:
        pass
    return client.status().state

with multiprocessing.get_context("fork").Pool(2) as pool:
    print(*pool.map(state, range(4)))
"""

# Locks that a thread of the parent holds at the fork, after the client was closed there; and a
# child in which no thread can be started at once.
CLOSED = """
import os, sys, threading, warnings
from promptops import Client
warnings.simplefilter("ignore")
client = Client(sys.argv[1], environment="production")
client.wait_ready(20)
client.on_change(print)
client.close()
held = threading.Event()

def hold():
    refresher, published = client._refresher, client._refresher.published
    with published.callbacks.all[0]._news, refresher.closing._cond, published.ready._cond:
        held.set()
        threading.Event().wait()

threading.Thread(target=hold, daemon=True).start()
held.wait()
if not (pid := os.fork()):
    client.close()
    client.wait_ready(1)
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
EXHAUSTED = """
import os, sys, threading, time, warnings
from promptops import Client
warnings.simplefilter("ignore")
client = Client(sys.argv[1], environment="production", poll=0.1)
client.wait_ready(20)
client.on_change(print)
start = threading.Thread.start

def no_more(thread):
    raise RuntimeError("can't start new thread")

threading.Thread.start = no_more
pid = os.fork()
threading.Thread.start = start
if not pid:
    until = time.monotonic() + 10
    while not client._refresher.is_alive() and time.monotonic() < until:
        client.get("greeter")
    os._exit(7 if client._refresher.is_alive() else 1)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
client.close()
"""

# A child that is forked while another thread makes a client.
BEING_MADE = """
import os, sys, threading, time, warnings
from promptops import Client
warnings.simplefilter("ignore")
start, making, go_on = threading.Thread.start, threading.Event(), threading.Event()

def start_later(thread):
    if threading.current_thread().name == "maker":
        making.set()
        go_on.wait(20)
    start(thread)

threading.Thread.start = start_later
made = []
maker = threading.Thread(
    target=lambda: made.append(Client(sys.argv[1], environment="production")), name="maker"
)
start(maker)
making.wait(20)
if not (pid := os.fork()):
    os._exit(7 if threading.active_count() == 1 else 1)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
go_on.set()
maker.join(20)
made[0].close()
"""


@pytest.mark.parametrize("app", [CLOSED, EXHAUSTED, BEING_MADE])
def test_a_child_gets_on_whatever_the_clients_of_its_parent_were_at(
    deployed: Store, store_url: str, app: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", app, store_url],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (0, "7\n"), done.stderr
    assert "Traceback" not in done.stderr


def test_fifty_children_follow_while_a_lock_is_held_and_share_no_socket(
    deployed: Store, store_url: str
) -> None:
    wanted = digest("greeter", "Good morning")
    app = subprocess.Popen(
        [sys.executable, "-c", FORKS, store_url, "50", wanted],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert app.stdout is not None
    assert app.stdout.readline() == "forked\n"
    actors.deploy(store_url, {"greeter": "Good morning"})
    said, warned = app.communicate(timeout=60)
    assert (said, warned) == ("0 READY True\n", "")


def test_a_child_is_a_client_of_its_own(deployed: Store, store_url: str) -> None:
    wanted = digest("greeter", "Good morning")
    app = subprocess.Popen(
        [sys.executable, "-c", FORKS, store_url, "3", wanted], stdout=subprocess.PIPE, text=True
    )
    until(lambda: len({(each.client, each.pid) for each in deployed.clients()}) == 4)
    actors.deploy(store_url, {"greeter": "Good morning"})
    assert app.communicate(timeout=30)[0].endswith("0 READY True\n")


def test_workers_of_multiprocessing_follow(deployed: Store, store_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MULTIPROCESSING, store_url],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "READY READY READY READY\n", "")


def test_a_client_cannot_be_pickled_and_says_what_to_do(client: Client) -> None:
    with pytest.raises(TypeError, match="make one in each process"):
        pickle.dumps(client)
