"""What a stranger leaves at the keys of an environment: refused by its code, and served over."""

import subprocess
import sys
from dataclasses import replace

import pytest

from promptops.errors import StoreCorrupt
from promptops.live import moves
from promptops.live.store import Store
from tests.client.conftest import Starter
from tests.client.releases import point
from tests.client.waiting import until
from tests.deployments import deploy, digest, intent, release
from tests.servers import Server

TAG = "{promptops:production}"
HELLO, BYE = digest("greeter", "Hello"), digest("farewell", "Bye")
POINTER = '{"digest":"x","since":"","revision":%s}'

PLANTED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "no head": ("C610", "head", ()),
    "no pointers": ("C610", "pointers", ()),
    "a string for head": ("C611", "head", ("SET", "1")),
    "a list for pointers": ("C611", "pointers", ("RPUSH", "a")),
    "a set for history": ("C611", "history", ("SADD", "a")),
    "a pointer that is no JSON": ("C611", "pointers", ("HSET", "greeter", "live")),
    "a revision in words": ("C612", "head", ("HSET", "epoch", "1", "revision", "abc")),
    "a pointer with a revision in words": (
        "C612",
        "pointers",
        ("HSET", "greeter", POINTER % '"abc"'),
    ),
    "a lower revision": ("C613", "head", ("HSET", "epoch", "1", "revision", "1")),
    "another digest": ("C614", "pointers", ("HSET", "greeter", POINTER % 2)),
}


def without_presence(server: Server) -> dict[bytes, bytes]:
    """All that the store holds but what clients say of themselves."""
    return {key: value for key, value in server.dump().items() if b":client" not in key}


@pytest.mark.parametrize("planted", PLANTED)
def test_each_trouble_with_pointers_has_its_code_and_changes_nothing(
    on_redis: Store, redis_server: Server, started: Starter, planted: str
) -> None:
    deploy(on_redis, greeter="Hi", farewell="Ciao")
    client = started(redis_server.url, poll=0.05)
    client._refresher.whole_every = 0.1
    before = dict(client.status().units)
    code, name, (*change,) = PLANTED[planted]
    key = f"{TAG}:{name}"
    whole = redis_server.ask("DUMP", key)
    redis_server.ask("DEL", key)
    if change:
        redis_server.ask(change[0], key, *change[1:])

    until(lambda: client.status().code == code)
    status = client.status()
    assert (status.state, status.code, status.revision) == ("ERROR", code, 2)
    assert (status.units, bool(status.reason)) == (before, True)
    if code in {"C610", "C611", "C612"} and planted != "no pointers":
        found = without_presence(redis_server)
        with pytest.raises(StoreCorrupt):
            deploy(on_redis, greeter="Hello")
        assert without_presence(redis_server) == found

    redis_server.ask("RESTORE", key, 0, whole, "REPLACE")
    until(lambda: client.status().state == "READY", 5)
    assert client.status().units == before


_APP = """
import sys, time
from promptops import Client

def peak():
    with open("/proc/self/status") as status:
        return next(line.split()[1] for line in status if line.startswith("VmHWM"))

with Client(sys.argv[1], environment="production", poll=0.1) as client:
    client._refresher.whole_every = 0.1
    client.wait_ready(10)
    time.sleep(0.5)
    print(peak(), flush=True)
    for line in sys.stdin:
        while client.status().code != line.strip():
            time.sleep(0.01)
        time.sleep(0.3)
        print(peak(), client.status().revision, client.get("greeter").digest, flush=True)
"""


@pytest.mark.soak(short=64, full=500)
def test_a_huge_value_is_refused_without_being_loaded(
    on_redis: Store, redis_server: Server, times: int
) -> None:
    huge = times << 20
    with subprocess.Popen(
        [sys.executable, "-c", _APP, redis_server.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as app:

        def until_said(code: str) -> list[str]:
            assert app.stdin is not None
            app.stdin.write(f"{code}\n")
            app.stdin.flush()
            assert app.stdout is not None
            return app.stdout.readline().split()

        assert app.stdout is not None
        before = int(app.stdout.readline())
        pointer = redis_server.ask("HGET", f"{TAG}:pointers", "greeter")
        redis_server.ask("HSET", f"{TAG}:pointers", "greeter", b"x" * huge)
        assert until_said("C611")[1:] == ["1", HELLO]
        redis_server.ask("HSET", f"{TAG}:pointers", "greeter", pointer)
        until_said("")
        planted = digest("greeter", "Hi")
        redis_server.ask("SETRANGE", f"{TAG}:release:{planted}", huge - 1, "x")
        point(on_redis, {"greeter": planted})
        peak, *served = until_said("C604")
        assert served == ["2", HELLO]
        assert int(peak) - before < 5 * 1024
        assert app.stdin is not None
        app.stdin.close()


def test_no_clock_but_the_apps_own_decides_anything(
    on_redis: Store, redis_server: Server, started: Starter
) -> None:
    redis_server.ask("CONFIG", "RESETSTAT")
    client = started(redis_server.url, poll=0.1)
    for number, year in enumerate(("2999", "1970", "0001")):
        wanted = {"greeter": on_redis.put(release("greeter", year))}
        state = on_redis.read()
        meant = replace(intent(), at=f"{year}-01-01T00:00:00Z")
        proposal = moves.deploy(state, wanted, meant, skip_held=False, request="")
        assert proposal.entry is not None
        assert on_redis.swap(state.head, proposal.entry, proposal.pointers).outcome == "won"
        until(lambda number=number: client.status().revision == number + 2)  # type: ignore[misc]
        assert client.get("greeter").digest == digest("greeter", year)
        assert 0 <= (client.status().age or 0) < 2
    assert "cmdstat_time" not in redis_server.ask("INFO", "commandstats")
