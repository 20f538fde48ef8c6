"""Values of 64 MB where promptops keeps a few hundred bytes: refused without being loaded."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from promptops.live.presence import Presence
from promptops.live.redis.store import NO_NUMBERS
from tests.conftest import Opener
from tests.deployments import deploy, digest
from tests.servers import Server

MEGABYTE = 1024 * 1024
BOMB = b"x" * (64 * MEGABYTE)

# Says by how many bytes the peak of its memory grew, and with what the call ended.
READER = """
import sys
from promptops.errors import StoreError
from promptops.live.opening import open_store
from promptops.live.records import Head

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) * 1024

warm, url, call = sys.argv[1:]
CALLS = {
    "read": lambda store: store.read(),
    "read since": lambda store: store.read(Head(1, 1)),
    "release": lambda store: store.release(sys.argv[2].partition("#")[2]),
    "history": lambda store: store.history(),
    "clients": lambda store: [each.client for each in store.clients()],
}
other, store = open_store(warm, "production"), open_store(url.partition("#")[0], "production")
for each in CALLS.values():
    each(other)
before = peak()
try:
    said = str(CALLS[call](store))
except StoreError as error:
    said = error.message
print(peak() - before, said)
"""


@pytest.fixture
def planted(redis_server: Server, opened: Opener) -> Callable[..., str]:
    """Plants by a command, and says what a reader then gets, who grows by less than 5 MB."""
    for name in ("warm", "promptops"):
        store = opened(f"{redis_server.url}?ns={name}")
        for text in ("Hello", "Hi"):
            deploy(store, greeter=text)
        store.announce(Presence("ann", "shop", "host", 1, "0", 1, 1), 300)

    def ends(call: str, *command: str | bytes) -> str:
        redis_server.ask(*command)
        url = f"{redis_server.url}#{digest('greeter', 'Hi')}"
        line = [sys.executable, "-c", READER, f"{redis_server.url}?ns=warm", url, call]
        done = subprocess.run(line, capture_output=True, text=True, check=True)
        grown, _, said = done.stdout.strip().partition(" ")
        assert int(grown) < 5 * MEGABYTE
        return said

    return ends


TAG = "{promptops:production}"
WRONG = f"the key {TAG}:%s holds a value of 67108864 bytes, not what promptops writes"


@pytest.mark.parametrize("call", ["read", "read since"])
def test_a_pointer(planted: Callable[..., str], call: str) -> None:
    said = planted(call, "HSET", f"{TAG}:pointers", "greeter", BOMB)
    assert said == WRONG % "pointers"


def test_the_name_of_a_unit(planted: Callable[..., str]) -> None:
    said = planted("read", "HSET", f"{TAG}:pointers", BOMB, "{}")
    assert said == WRONG % "pointers"


@pytest.mark.parametrize("field", ["epoch", "revision"])
def test_a_head(planted: Callable[..., str], field: str) -> None:
    said = planted("read", "HSET", f"{TAG}:head", field, BOMB)
    assert said == f"the key {TAG}:head holds a {NO_NUMBERS}, not what promptops writes"


def test_an_entry(planted: Callable[..., str]) -> None:
    said = planted("history", "XADD", f"{TAG}:history", "3-0", "entry", BOMB, "units", "greeter")
    assert said == WRONG % "history"


@pytest.mark.parametrize("field", ["units", "other"])
def test_what_nobody_reads_of_an_entry(planted: Callable[..., str], field: str) -> None:
    said = planted("history", "XADD", f"{TAG}:history", "3-0", "entry", "{}", field, BOMB)
    assert said == "the history holds an entry that promptops did not write"


def test_a_release(planted: Callable[..., str]) -> None:
    release = digest("greeter", "Hi")
    said = planted("release", "SET", f"{TAG}:release:{release}", BOMB)
    assert said == f"release {release} has 67108864 bytes, over 1048576"


def test_the_record_of_a_client(planted: Callable[..., str]) -> None:
    assert planted("clients", "SET", f"{TAG}:client:ann", BOMB) == "[]"


def test_the_id_of_a_client(planted: Callable[..., str]) -> None:
    assert planted("clients", "SADD", f"{TAG}:clients", BOMB) == "['ann']"
