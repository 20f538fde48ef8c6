"""Two hundred processes follow one rollback, by hint, by poll, and after a crash of the server."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from promptops.live.store import Store
from tests.cli.projects import PROMPTOPS
from tests.client.herd import Arrival, Herd
from tests.client.proxy import Proxy
from tests.client.waiting import until
from tests.conftest import Opener
from tests.deployments import deploy, digest, rollback
from tests.servers import Server

POLL = 2.0
GOOD = digest("greeter", "Hello")

two_hundred = pytest.mark.soak(short=30, full=200)


@pytest.fixture
def server() -> Iterator[Server]:
    """One that remembers what it was told when it is killed."""
    server = Server(options=("--appendonly", "yes", "--appendfsync", "always"))
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture
def went_bad(server: Server, opened: Opener) -> Store:
    """greeter said Hello and says something bad since revision 2."""
    store = opened(server.url)
    deploy(store, greeter="Hello", farewell="Bye")
    deploy(store, greeter="Bad")
    return store


@pytest.fixture
def proxy(went_bad: Store, server: Server) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    proxy.start()
    yield proxy
    proxy.close()


def rollback_by_command(url: str, *options: str) -> tuple[float, subprocess.CompletedProcess[str]]:
    """The moment at which the process was started, and how it ended."""
    began = time.monotonic()
    done = subprocess.run(
        [PROMPTOPS, "rollback", "greeter", "--env", "production", "--store", url, *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return began, done


def report(what: str, arrival: Arrival) -> None:
    """Shown with `pytest -s`, or when the test fails."""
    print(  # noqa: T201
        f"{what}: median {arrival.median:.2f} s, p99 {arrival.p99:.2f} s, last {arrival.last:.2f} s"
    )


@two_hundred
def test_a_rollback_by_command_reaches_every_client(
    went_bad: Store, server: Server, times: int
) -> None:
    with Herd(server.url, times) as herd:
        until(lambda: len(went_bad.clients()) == times)
        began, done = rollback_by_command(server.url, "--wait", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        clients = json.loads(done.stdout)["clients"]
        assert (clients["present"], clients["confirmed"]) == (times, times)
        arrival = herd.arrival(GOOD, began)
        report(f"rollback by command to {times} clients", arrival)
        assert arrival.p99 <= 2
        assert arrival.last <= 5


@two_hundred
def test_without_hints_a_rollback_takes_one_poll(
    went_bad: Store, proxy: Proxy, server: Server, times: int
) -> None:
    with Herd(proxy.url, times) as herd:
        until(lambda: proxy.subscriptions >= times)
        proxy.lose_hints()
        began, done = rollback_by_command(server.url)
        assert done.returncode == 0
        arrival = herd.arrival(GOOD, began)
        report(f"rollback to {times} clients, hints swallowed", arrival)
        assert arrival.last <= POLL * 1.1 + 1


@two_hundred
def test_when_every_line_is_half_open_a_rollback_arrives_all_the_same(
    went_bad: Store, proxy: Proxy, server: Server, times: int
) -> None:
    with Herd(proxy.url, times) as herd:
        until(lambda: proxy.subscriptions >= times)
        proxy.lose_everything()
        began, done = rollback_by_command(server.url)
        assert done.returncode == 0
        arrival = herd.arrival(GOOD, began)
        report(f"rollback to {times} clients, all lines half-open", arrival)
        assert arrival.last <= 8


def connections(server: Server) -> int:
    listed: bytes = server.ask("CLIENT", "LIST")
    return listed.count(b" addr=127.0.0.1:")


@two_hundred
@pytest.mark.parametrize(("hint", "needed"), [(True, 2), (False, 1)])
def test_every_client_has_two_connections_and_one_without_hints(
    went_bad: Store, server: Server, times: int, hint: bool, needed: int
) -> None:
    went_bad.close()
    with Herd(server.url, times, hint=hint):
        until(lambda: connections(server) == times * needed)
        time.sleep(1)
        assert connections(server) == times * needed
    until(lambda: connections(server) == 0)


# Of these clients send none themselves.
IN_SCRIPTS = {"type", "hmget", "hget", "hgetall", "hkeys", "hstrlen", "xrange", "xrevrange", "info"}


class Load(threading.Thread):
    """How many commands clients sent to a server in each tenth of a second."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self.counts: list[int] = []
        self._server = server
        self._ended = threading.Event()

    def run(self) -> None:
        before = self._commands()
        while not self._ended.wait(0.1):
            now = self._commands()
            self.counts.append(now - before)
            before = now

    def end(self) -> list[int]:
        self._ended.set()
        self.join()
        return self.counts

    def _commands(self) -> int:
        asked = self._server.ask("INFO", "commandstats").items()
        of_scripts = {f"cmdstat_{name}" for name in IN_SCRIPTS}
        return sum(int(facts["calls"]) for name, facts in asked if name not in of_scripts)


@two_hundred
def test_after_a_crash_every_client_is_back_soon(
    went_bad: Store, server: Server, times: int
) -> None:
    with Herd(server.url, times) as herd:
        until(lambda: connections(server) >= times * 2)
        server.kill()
        time.sleep(POLL)
        server.start()
        restarted = time.monotonic()
        rollback(went_bad, "greeter")
        arrival = herd.arrival(GOOD, restarted)
        report(f"{times} clients after a restart", arrival)
        assert arrival.last <= 3


@two_hundred
def test_neither_a_change_nor_a_crash_is_a_storm_for_the_server(
    went_bad: Store, server: Server, times: int, request: pytest.FixtureRequest
) -> None:
    full = bool(request.config.getoption("soak"))
    with Herd(server.url, times):
        until(lambda: connections(server) >= times * 2)
        time.sleep(POLL)
        before = load_of(server, 10 if full else 4)
        usual = 10 * sum(before) / len(before)
        peaks = {
            "a deploy": peak_of(load_of(server, 3, lambda: deploy(went_bad, greeter="Worse"))),
            "a rollback": peak_of(load_of(server, 3, lambda: rollback(went_bad, "greeter"))),
        }
        server.kill()
        time.sleep(POLL)
        server.start()
        peaks["a restart"] = peak_of(load_of(server, 3))
        for what, peak in peaks.items():
            print(f"{times} clients: {peak} commands/s after {what}, {usual:.0f} before")  # noqa: T201
        # Of a few clients, many can come back in the same second; and to these few, the commands of
        # who deploys are some as well.
        most = {} if full else {"a restart": 10, "a deploy": 6}
        assert not {what for what, peak in peaks.items() if peak > most.get(what, 5) * usual}


def load_of(
    server: Server, seconds: float, change: Callable[[], object] = lambda: None
) -> list[int]:
    """The second before the change too: whatever is usual comes on top of it."""
    load = Load(server)
    load.start()
    time.sleep(1)
    change()
    time.sleep(seconds - 1)
    return load.end()


def peak_of(counts: list[int]) -> int:
    """Commands in the busiest second."""
    return max(sum(counts[at : at + 10]) for at in range(len(counts) - 9))
