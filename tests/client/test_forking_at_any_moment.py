"""A process forks while its client starts or follows: no child hangs, or stays behind."""

import subprocess
import sys
from pathlib import Path

import pytest

from promptops.live.store import Store
from tests.deployments import deploy

ROOT = Path(__file__).parents[2]

# The parent forks 0 to 4 ms after it made the client, while another thread holds import locks.
FORKS = """
import importlib, os, random, signal, sys, threading, time, warnings
from promptops import Client
warnings.simplefilter("ignore")
modules = ["calendar", "colorsys", "tomllib", "wave"]

def import_all_the_time():
    while True:
        for name in modules:
            sys.modules.pop(name, None)
            importlib.import_module(name)
            time.sleep(0.001)

threading.Thread(target=import_all_the_time, daemon=True).start()
hung, failed = 0, 0
for number in range(int(sys.argv[2])):
    client = Client(sys.argv[1], environment="production", app="helpdesk")
    time.sleep(random.uniform(0, 0.004))
    if not (pid := os.fork()):
        try:
            client.wait_ready(10)
            code = 0 if client.get("greeter").render() else 1
            client.close()
        except BaseException as error:
            print(repr(error), flush=True)
            code = 1
        os._exit(code)
    until = time.monotonic() + 15
    while not (ended := os.waitpid(pid, os.WNOHANG))[0] and time.monotonic() < until:
        time.sleep(0.001)
    if not ended[0]:
        hung += 1
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    else:
        failed += ended[1] != 0
    client.close()
print(hung, "hung,", failed, "failed")
"""
# The parent forks as soon as it sees a deployment, in the middle of taking it.
FOLLOWS = """
import os, sys, time, warnings
from promptops import Client
from promptops.live.opening import open_store
from tests.deployments import deploy
warnings.simplefilter("ignore")
store = open_store(sys.argv[1], "production")
client = Client(sys.argv[1], environment="production", poll=0.2)
client.on_change(lambda changed: changed)
client.wait_ready(20)
sys.setswitchinterval(1e-5)
behind = 0
for number in range(int(sys.argv[2])):
    revision = deploy(store, greeter=f"Hello {number}").revision
    while client.status().revision < revision:
        pass
    if not (pid := os.fork()):
        until = time.monotonic() + 5
        while client.get("greeter").revision < revision and time.monotonic() < until:
            time.sleep(0.001)
        os._exit(client.get("greeter").revision != revision)
    behind += os.waitpid(pid, 0)[1] != 0
client.close()
print(behind, "behind")
"""
# Which modules any thread but the first one loads.
LOADS = """
import sys, threading, time
loaded = []
sys.addaudithook(
    lambda event, found: event == "import"
    and threading.current_thread() is not threading.main_thread()
    and loaded.append(found[0])
)
from promptops import Client
client = Client(sys.argv[1], environment="production", cache=sys.argv[2])
client.on_change(lambda changed: changed)
client.wait_ready(10)
until = time.monotonic() + 10
while client.get("greeter").revision < 2 and time.monotonic() < until:
    print("deploy", flush=True)
    sys.stdin.readline()
    time.sleep(0.1)
client.close()
print(loaded, flush=True)
"""


@pytest.mark.soak(short=40, full=200)
def test_no_fork_during_a_start_leaves_a_child_that_hangs(
    deployed: Store, store_url: str, times: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKS, store_url, str(times)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("0 hung, 0 failed\n", "", 0)


@pytest.mark.soak(short=100, full=2000)
def test_no_fork_while_a_change_is_taken_leaves_a_child_behind(
    deployed: Store, store_url: str, times: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FOLLOWS, store_url, str(times)],
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
        cwd=ROOT,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("0 behind\n", "", 0)


def test_the_refresher_imports_nothing(deployed: Store, store_url: str, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LOADS, store_url, str(tmp_path / "cache")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as app:
        assert app.stdout is not None
        assert app.stdout.readline() == "deploy\n"
        deploy(deployed, greeter="Good morning")
        said, _ = app.communicate("\n" * 200, timeout=30)
    assert said.splitlines()[-1] == "[]"
