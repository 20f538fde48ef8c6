"""The end of a client, on purpose or with its process."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from promptops import Client, UnknownUnit
from promptops.live.store import Store
from tests.client import actors
from tests.client.conftest import Starter
from tests.client.waiting import until, until_refused
from tests.deployments import deploy, digest
from tests.servers import Server

LEAVES_OPEN = """
import sys, time
from promptops import Client
client = Client(sys.argv[1], environment="production", app="helpdesk", poll=0.05)
client.on_change(lambda changed: time.sleep(0.01))
client.wait_ready(20)
client.get("greeter").request()
print(time.monotonic(), flush=True)
"""


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("promptops")]


def close_in_time(client: Client) -> None:
    began = time.monotonic()
    client.close()
    assert time.monotonic() - began <= 1
    assert not client._refresher.is_alive()


def test_closing_ends_the_thread_and_the_presence_at_once(client: Client, deployed: Store) -> None:
    client.on_change(lambda changed: changed)
    until(deployed.clients)
    close_in_time(client)
    until(lambda: threads() == [], seconds=1)
    assert deployed.clients() == []


def test_closing_again_does_nothing(client: Client) -> None:
    close_in_time(client)
    close_in_time(client)
    client.close()


def test_leaving_the_context_closes(deployed: Store, store_url: str) -> None:
    with Client(store_url, environment="production") as client:
        client.wait_ready(10)
        assert threads() == ["promptops-refresh"]
    assert threads() == []


def test_an_exception_in_the_context_closes_and_passes(deployed: Store, store_url: str) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        Client(store_url, environment="production"),
    ):
        _ = 1 / 0
    assert threads() == []


def test_what_was_read_can_be_used_after_closing(client: Client, deployed: Store) -> None:
    client.close()
    deploy(deployed, greeter="Good morning")
    time.sleep(0.3)
    assert client.get("greeter").digest == digest("greeter", "Hello")
    assert client.get("farewell").request()["messages"]
    status = client.status()
    assert (status.state, status.reason) == ("STALE", "the client is closed")
    assert (status.epoch, status.revision) == (1, 1)
    with pytest.raises(UnknownUnit):
        client.get("unknown")


def test_a_client_that_never_became_ready_closes_as_well(store_url: str, started: Starter) -> None:
    close_in_time(started(store_url, ready=False))


def test_a_client_whose_store_is_dead_closes_as_well(
    on_redis: Store, redis_server: Server, started: Starter
) -> None:
    client = started(redis_server.url, poll=0.1)
    redis_server.kill()
    until_refused(client, 1)
    close_in_time(client)


def test_clients_whose_store_hangs_close_within_a_second_at_any_moment(
    on_redis: Store, redis_server: Server, started: Starter
) -> None:
    clients = [started(redis_server.url, poll=0.2) for _ in range(9)]
    redis_server.stop()

    def close_after(number: int) -> None:
        # The newest first: it is still about to announce itself and to listen for hints.
        time.sleep(number * 0.11)
        close_in_time(clients[-1 - number])

    with ThreadPoolExecutor(9) as pool:
        list(pool.map(close_after, range(9)))


def exits(url: str) -> tuple[int, str, float]:
    """How a process ended that left its client open, and how many seconds its end took."""
    process = subprocess.run(
        [sys.executable, "-c", LEAVES_OPEN, url],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return process.returncode, process.stderr, time.monotonic() - float(process.stdout)


@pytest.mark.soak(short=10, full=100)
def test_a_process_that_leaves_its_client_open_ends_at_once_and_silently(
    deployed: Store, store_url: str, processes: ProcessPoolExecutor, times: int
) -> None:
    # Deployments go on meanwhile, so that some processes end in the middle of a refresh.
    deploying = processes.submit(actors.deploy_editions, store_url, ["greeter"], 40 * times)
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(exits, [store_url] * times))
    deploying.result(timeout=300)
    assert [(code, said) for code, said, _ in ended] == [(0, "")] * times
    assert max(seconds for _, _, seconds in ended) <= 1


def leaves_when_told(url: str, program: str) -> subprocess.Popen[str]:
    """A process that is ready, and leaves its client open when its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", program + "sys.stdin.read()\nprint(time.monotonic())", url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_a_process_whose_store_hangs_ends_at_once(on_redis: Store, redis_server: Server) -> None:
    process = leaves_when_told(redis_server.url, LEAVES_OPEN)
    redis_server.stop()
    time.sleep(0.3)
    said, warned = process.communicate(timeout=30)
    assert time.monotonic() - float(said) <= 1
    assert process.returncode == 0
    assert "Fatal" not in warned
    assert "Traceback" not in warned


def test_a_process_whose_callback_is_still_busy_ends_at_once(
    embedded: Store, embedded_url: str
) -> None:
    deploy(embedded, greeter="Hello")
    busy = LEAVES_OPEN.replace("time.sleep(0.01)", "(print('called', flush=True), time.sleep(60))")
    process = leaves_when_told(embedded_url, busy)
    assert process.stdout is not None
    deploy(embedded, greeter="Hi")  # where the first one came before the callback
    process.stdout.readline()  # ready and called, in either order
    said, warned = process.communicate(timeout=30)
    assert time.monotonic() - float(said) <= 1
    assert (process.returncode, warned) == (0, "")
