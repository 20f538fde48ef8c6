"""The answer to a swap is lost: what is said is true, and trying again is safe."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from promptops.live.opening import open_store
from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.apps import App
from tests.cli.projects import Project, clean_variables, new_project
from tests.cli.proxy import Proxy
from tests.servers import Server

DEPLOY = ("deploy", "greeter", "--env", "production", "--operation", "run-1")


@pytest.fixture
def backend() -> str:
    return "none"


@pytest.fixture
def store(redis_server: Server) -> Iterator[Store]:
    """production, on a server that the test may stop."""
    store = open_store(redis_server.url, "production")
    yield store
    store.close()


@pytest.fixture
def store_url(redis_server: Server) -> str:
    return redis_server.url


@pytest.fixture
def proxy(redis_server: Server, store: Store) -> Iterator[Proxy]:
    proxy = Proxy(redis_server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def changed(tmp_path: Path, proxy: Proxy, redis_server: Server, store: Store) -> Project:
    """greeter shall say Good evening, and promptops reaches the store through the proxy.

    One that forgets nothing, of which a deploy has nothing to say.
    """
    redis_server.ask("CONFIG", "SET", "appendonly", "yes")
    url = f"redis://127.0.0.1:{proxy.port}/0"
    variables = clean_variables(tmp_path / "home", PRODUCTION_STORE=url)
    project = new_project(tmp_path / "project", variables)
    project.deploy(store)
    project.says("greeter", "Good evening.")
    return project


def unknown(proxy: Proxy, why: str) -> str:
    return (
        f"error[unknown]: the answer of redis://127.0.0.1:{proxy.port}/0 to the swap was lost: "
        f"{why}\n"
        " help: see whether it happened: promptops history --operation run-1 --env production; the "
        "same command with --operation run-1 is safe\n"
    )


def test_a_server_that_hangs_in_mid_swap_leaves_the_outcome_unknown(
    changed: Project, proxy: Proxy, redis_server: Server, store: Store
) -> None:
    proxy.before_swap = redis_server.stop
    done = changed.run(*DEPLOY, "--json")
    why = f"redis://127.0.0.1:{proxy.port}/0 does not answer: no answer in time"
    assert done.code == 5
    assert done.err == unknown(proxy, why)
    assert done.json == {
        "environment": "production",
        "epoch": None,
        "revision": None,
        "operation": "run-1",
        "action": "unknown",
        "changes": [],
        "skipped": [],
        "clients": None,
        "refused": {
            "code": "unknown",
            "message": done.err.splitlines()[0].partition(": ")[2],
            "hint": done.err.splitlines()[1].partition(": ")[2],
        },
    }
    redis_server.cont()
    wait_until(lambda: store.read().head == Head(1, 2))
    happened = changed.run("history", "--env", "production", "--operation", "run-1", "--json")
    assert (happened.code, happened.json["entries"][0]["revision"]) == (0, 2)
    again = changed.run(*DEPLOY, "--json")
    assert (again.code, again.json["revision"], again.json["repeated"]) == (0, 2, True)
    assert [entry.revision for entry in store.history()] == [2, 1]


def test_a_swap_that_never_arrived_is_done_by_the_same_command(
    changed: Project, proxy: Proxy, redis_server: Server, store: Store
) -> None:
    proxy.before_swap = redis_server.kill
    done = changed.run(*DEPLOY)
    assert done.code == 5
    redis_server.start()  # it has forgotten everything, as one without persistence does
    changed.deploy(store, commit="HEAD~1")
    never = changed.run("history", "--env", "production", "--operation", "run-1")
    assert (never.code, never.err) == (
        2,
        (
            "error: no deployment of production has the operation run-1\n"
            " help: it did not happen; the same command with the same --operation is safe\n"
        ),
    )
    again = changed.run(*DEPLOY, "--json")
    assert (again.code, again.json["revision"], "repeated" in again.json) == (0, 2, False)


def test_an_answer_that_is_lost_once_is_asked_for_again(
    changed: Project, proxy: Proxy, store: Store
) -> None:
    proxy.instead_of_answer = lambda: None
    done = changed.run(*DEPLOY, "--json")
    assert (done.code, done.err) == (0, "")
    assert (done.json["revision"], done.json["action"]) == (2, "deploy")
    # Nobody had asked for it before this command.
    assert "repeated" not in done.json
    assert [entry.revision for entry in store.history()] == [2, 1]


@pytest.mark.parametrize("unit", ["greeter", "farewell"])
def test_one_who_won_does_not_believe_to_have_lost(
    changed: Project, proxy: Proxy, store: Store, unit: str
) -> None:
    """Between the lost answer and the question for it somebody else deployed."""

    def somebody_else() -> None:
        changed.says(unit, "Good grief.")
        changed.deploy(store, unit)

    proxy.instead_of_answer = somebody_else
    done = changed.run(*DEPLOY, "--json")
    assert (done.code, done.err) == (0, "")
    assert (done.json["revision"], done.json["action"]) == (2, "deploy")
    assert [entry.operation == "run-1" for entry in store.history()] == [False, True, False]


def test_a_server_that_dies_after_the_swap_leaves_the_outcome_unknown(
    changed: Project, proxy: Proxy, redis_server: Server
) -> None:
    proxy.instead_of_answer = redis_server.kill
    done = changed.run(*DEPLOY)
    assert done.code == 5
    assert done.err.startswith("error[unknown]: the answer of ")
    assert "promptops history --operation run-1" in done.err


def test_what_was_acknowledged_and_cannot_be_read_back_is_not_unreachable(
    changed: Project, proxy: Proxy, redis_server: Server
) -> None:
    proxy.before_answer = redis_server.kill
    done = changed.run(*DEPLOY, "--json")
    assert (done.code, done.json["action"]) == (5, "unknown")
    assert "promptops history --operation run-1" in done.err


def test_a_store_that_goes_away_while_clients_are_awaited(
    changed: Project, proxy: Proxy, redis_server: Server, store: Store
) -> None:
    app = App(redis_server.url, "helpdesk")
    try:
        app.wait_until_present(store)
        app.stop()
        command = [*DEPLOY, "--wait=20", "--json"]
        process = changed.start(*command)
        wait_until(lambda: store.read().head == Head(1, 2))
        until_it_waits(proxy)
        redis_server.kill()
        out, err = process.communicate(timeout=20)
    finally:
        app.end()
    assert process.returncode == 5
    assert '"revision": 2' in out
    assert '"code": "unconfirmed"' in out
    assert "the deployment stands" in err


def until_it_waits(proxy: Proxy) -> None:
    """The command has its answer, and asks again and again for who serves it."""
    asked = proxy.asked
    wait_until(lambda: proxy.asked > asked + 5)


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


either_signal = pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)


@either_signal
def test_a_signal_before_the_swap_changes_nothing(
    changed: Project,
    proxy: Proxy,
    redis_server: Server,
    store: Store,
    number: int,
    code: int,
    word: str,
) -> None:
    """It hangs at its first question; nothing was sent that could change anything."""
    redis_server.stop()
    asked = proxy.asked
    process = changed.start(*DEPLOY)
    wait_until(lambda: proxy.asked > asked)
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    redis_server.cont()
    assert (process.returncode, out, err) == (code, "", f"\nerror: {word}\n")
    assert store.read().head == Head(1, 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_mid_swap_says_that_the_outcome_is_unknown(
    changed: Project, proxy: Proxy, redis_server: Server, store: Store, number: int
) -> None:
    reached = threading.Event()

    def hang() -> None:
        redis_server.stop()
        reached.set()

    proxy.before_swap = hang
    process = changed.start(*DEPLOY, "--json")
    assert reached.wait(10)
    time.sleep(0.2)
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    redis_server.cont()
    assert process.returncode == 5
    assert "error[unknown]: interrupted while the swap was under way" in err.splitlines()
    assert "promptops history --operation run-1" in err


def test_ctrl_c_while_the_swap_is_tried_again_says_so_too(
    changed: Project, proxy: Proxy, redis_server: Server
) -> None:
    died = threading.Event()

    def die() -> None:
        redis_server.kill()
        died.set()

    proxy.instead_of_answer = die
    process = changed.start(*DEPLOY)
    assert died.wait(10)
    tried = proxy.connections
    wait_until(lambda: proxy.connections > tried + 1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 5
    assert "error[unknown]: interrupted while the swap was under way" in err.splitlines()
    assert "promptops history --operation run-1" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_clients_are_awaited_says_that_the_deployment_stands(
    changed: Project, proxy: Proxy, redis_server: Server, store: Store, number: int
) -> None:
    app = App(redis_server.url, "helpdesk")
    try:
        app.wait_until_present(store)
        app.stop()
        process = changed.start(*DEPLOY, "--wait=20", "--json")
        wait_until(lambda: store.read().head == Head(1, 2))
        until_it_waits(proxy)
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    finally:
        app.end()
    assert process.returncode == 5
    assert '"code": "unconfirmed"' in out
    assert "the deployment stands" in err


@either_signal
@pytest.mark.parametrize("module", ["click", "yaml"])
def test_a_signal_while_python_still_imports(
    changed: Project, tmp_path: Path, module: str, number: int, code: int, word: str
) -> None:
    """click is imported before the command is known, yaml for it; both in the body of a class."""
    hanging = tmp_path / "hanging" / f"{module}.py"
    hanging.parent.mkdir()
    hanging.write_text(
        "import time\n\n"
        "class Slow:\n"
        "    def __set_name__(self, *_):\n"
        "        print('here', flush=True)\n"
        "        time.sleep(20)\n\n"
        "class Imported:\n"
        "    slow = Slow()\n"
    )
    process = changed.start(*DEPLOY, PYTHONPATH=str(hanging.parent))
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert (process.returncode, err.lstrip()) == (code, f"error: {word}\n")
