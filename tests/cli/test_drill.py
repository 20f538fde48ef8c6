"""rehearse --drill: forward and back with real clients, and nothing changed but the record."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from promptops.delivery.drill.move import point
from promptops.delivery.drill.scratch import CONDUCTOR
from promptops.live.address import SCRATCH
from promptops.live.presence import Presence
from promptops.live.store import Store
from promptops.manifest.canonical import canonical_bytes
from promptops.version import VERSION
from tests.cli.projects import Project, end_of, on_redis
from tests.conftest import Opener
from tests.deployments import deploy, intent
from tests.failover import watched
from tests.servers import Server
from tests.waiting import eventually

Contents = Callable[[], object]

DRILL = ("rehearse", "--drill", "--env", "production", "--clients")
everywhere = pytest.mark.parametrize("backend", ["sqlite", "valkey", "cluster"], indirect=True)


@pytest.fixture
def scratch(store_url: str, opened: Opener) -> Store:
    return opened(store_url, f"production{SCRATCH}")


def without_the_record(contents: object) -> object:
    """What a store holds, less what a drill may leave there."""
    if isinstance(contents, dict):
        return {key: value for key, value in contents.items() if b":rehearsals" not in key}
    assert isinstance(contents, list)
    return [line for line in contents if "rehearsal ~drill" not in line]


def apps_of(scratch: Store, count: int) -> list[Presence]:
    """The clients of a drill that runs, as soon as there are so many."""

    def found() -> list[Presence]:
        return [each for each in scratch.clients() if each.app == "promptops-drill"]

    assert eventually(lambda: len(found()) >= count, 20)
    return found()


def is_running(client: Presence) -> bool:
    try:
        os.kill(client.pid, 0)
    except ProcessLookupError:
        return False
    return True


@everywhere
@pytest.mark.soak(short=3, full=20)
def test_a_drill_goes_forward_and_back_and_leaves_its_record(
    deployed_twice: Project, store: Store, scratch: Store, contents: Contents, times: int
) -> None:
    before = contents()
    started = time.monotonic()
    process = deployed_twice.start(*DRILL, str(times), "-o", "json")
    apps = apps_of(scratch, times)
    assert store.clients() == []
    done = end_of(process)
    lasted = time.monotonic() - started
    assert (done.code, done.err) == (0, "")
    record = done.json
    assert json.loads(store.reports()["~drill"]) | {"environment": "production"} == record
    assert record == record | {"clients": times, "confirmed": times, "units": 1, "version": VERSION}
    assert 0 < record["slowest"] < record["back_seconds"] < lasted < 30
    assert 0 < record["forward_seconds"] < lasted
    assert without_the_record(contents()) == without_the_record(before)
    assert not any(map(is_running, apps))


def test_the_text_says_how_long_the_way_back_took(deployed_twice: Project) -> None:
    done = deployed_twice.run(*DRILL, "1")
    assert (done.code, done.err) == (0, "")
    first, forward, back = done.out.splitlines()
    assert first == "production: drilled with 1 unit, 1 of 1 client confirmed"
    assert forward.startswith("  forward  0.")
    assert back.startswith("  back     0.")
    status = deployed_twice.here("status", "--env", "production")
    assert "\nlast drill: today, 1 of 1 client, back in 0." in status.out
    assert status.err == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("backend", ["sqlite", "valkey"], indirect=True)
def test_an_interrupted_drill_leaves_nothing(
    deployed_twice: Project, scratch: Store, contents: Contents, number: signal.Signals
) -> None:
    before = contents()
    process = deployed_twice.start(*DRILL, "2")
    apps = apps_of(scratch, 1)
    process.send_signal(number)
    time.sleep(0.01)
    process.send_signal(signal.SIGINT)  # an impatient person
    done = end_of(process)
    assert done.code in {130, 128 + number}
    assert contents() == before
    # By themselves, where the second signal met the command before it could wait for them.
    assert eventually(lambda: not any(map(is_running, apps)))


@on_redis
def test_what_a_killed_drill_left_is_removed_by_the_next(
    deployed_twice: Project, scratch: Store, contents: Contents
) -> None:
    before = contents()
    killed = deployed_twice.start(*DRILL, "2")
    apps = apps_of(scratch, 2)
    killed.kill()
    killed.communicate()
    assert eventually(lambda: not any(map(is_running, apps)))
    assert scratch.read().head is not None
    assert [each.pid for each in scratch.clients() if each.app == CONDUCTOR] == [killed.pid]
    done = deployed_twice.run(*DRILL, "1")
    assert (done.code, done.err) == (0, "")
    assert without_the_record(contents()) == before


@pytest.mark.parametrize("backend", ["sqlite", "valkey"], indirect=True)
@pytest.mark.parametrize("elsewhere", [True, False])
def test_while_one_drill_runs_another_is_refused(
    deployed_twice: Project, scratch: Store, contents: Contents, elsewhere: bool
) -> None:
    # No process here has such a number, which says nothing of other machines.
    host, pid = ("elsewhere", 1 << 40) if elsewhere else (os.uname().nodename, os.getpid())
    scratch.announce(Presence("other", CONDUCTOR, host, pid, VERSION, 0, 0), 60)
    before = contents()
    second = deployed_twice.run(*DRILL, "2")
    assert (second.code, second.out) == (3, "")
    assert second.err.startswith(
        f"error[drill-running]: a drill of production runs already: pid {pid} on {host}\n"
    )
    assert contents() == before


def test_two_drills_that_begin_in_one_moment_do_not_both_happen(
    deployed_twice: Project, contents: Contents
) -> None:
    before = contents()
    processes = [deployed_twice.start(*DRILL, "1") for _ in range(2)]
    codes = sorted(end_of(process).code for process in processes)
    assert codes in ([0, 3], [3, 3])
    assert without_the_record(contents()) == without_the_record(before)


def test_without_an_earlier_release_there_is_nothing_to_drill(
    deployed: Project, contents: Contents
) -> None:
    before = contents()
    done = deployed.here(*DRILL, "1")
    said = "production: nothing to drill, no unit has an earlier release to go back to\n"
    assert (done.code, done.out, done.err) == (0, said, "")
    told = deployed.here(*DRILL, "1", "--json")
    assert (told.code, told.json["units"]) == (0, 0)
    assert told.json["nothing_to_drill"] == "no unit has an earlier release to go back to"
    assert contents() == before


def test_a_release_that_is_gone_is_named(
    deployed_twice: Project, store: Store, contents: Contents
) -> None:
    store.forget_releases([deployed_twice.digest("greeter", commit="HEAD~1")])
    before = contents()
    done = deployed_twice.here(*DRILL, "1")
    assert done.code == 3
    assert done.err.startswith("error[missing-release]: the release ")
    assert contents() == before


def test_a_release_that_clients_refuse_fails_the_drill(
    git_project: Project, store: Store, contents: Contents
) -> None:
    """Written by a version to come; it can be gone back to, and no client of today serves it."""
    data = canonical_bytes({"apiVersion": "promptops/v9", "unit": "greeter"})
    wanted = {"greeter": store.put(data)}
    assert point(store, wanted, intent()).entry is not None
    deploy(store, greeter="Good evening.")
    before = contents()
    done = git_project.run(*DRILL, "1", "--json")
    assert done.code == 5
    assert done.err.startswith(
        "error[unconfirmed]: 1 of 1 clients did not confirm: promptops-drill on "
    )
    assert (done.json["confirmed"], done.json["back_seconds"]) == (0, None)
    assert without_the_record(contents()) == before
    status = git_project.here("status", "--env", "production", "--json")
    assert status.json["drill"]["last"]["confirmed"] == 0
    assert status.json["drill"]["warning"].startswith("the last drill failed: 0 of 1 clients ")
    assert "warning: the last drill failed: " in status.err


def test_what_is_said_to_be_meant_for_apps_does_not_reach_the_clients_of_a_drill(
    deployed_twice: Project,
) -> None:
    pin = f"greeter={deployed_twice.digest('greeter')}"
    assert deployed_twice.run(*DRILL, "1", PROMPTOPS_PIN=pin, PROMPTOPS_CACHE="/gone").code == 0


def test_a_module_in_the_folder_is_not_taken_for_ours(deployed_twice: Project) -> None:
    deployed_twice.write("promptops/__init__.py", "raise SystemExit(9)\n")
    deployed_twice.write("pickle.py", "raise SystemExit(9)\n")
    assert deployed_twice.run(*DRILL, "1").code == 0


def test_a_store_that_dies_is_said_and_no_process_is_left(
    git_project: Project, redis_server: Server, opened: Opener
) -> None:
    store = opened(redis_server.url)
    deploy(store, greeter="Good morning.")
    deploy(store, greeter="Good evening.")
    process = git_project.start(*DRILL, "2", PRODUCTION_STORE=redis_server.url)
    apps = apps_of(opened(redis_server.url, f"production{SCRATCH}"), 1)
    redis_server.kill()
    done = end_of(process)
    assert done.code in {4, 5}
    assert done.err.startswith("error: redis://127.0.0.1:")
    assert not any(map(is_running, apps))


def test_the_password_of_the_store_is_in_no_argument(
    git_project: Project, redis_server: Server, opened: Opener
) -> None:
    redis_server.ask("CONFIG", "SET", "requirepass", "s3cr3t")
    url = redis_server.url.replace("//", "//:s3cr3t@")
    store = opened(url)
    deploy(store, greeter="Good morning.")
    deploy(store, greeter="Good evening.")
    process = git_project.start(*DRILL, "3", PRODUCTION_STORE=url)
    app = apps_of(opened(url, f"production{SCRATCH}"), 1)[0]
    process.send_signal(signal.SIGSTOP)
    shown = ["ps", "-o", "args=", "-p", str(app.pid)]
    arguments = subprocess.run(shown, capture_output=True, text=True, check=False).stdout
    process.send_signal(signal.SIGCONT)
    assert end_of(process).code == 0
    assert "promptops.delivery.drill.client" in arguments
    assert "s3cr3t" not in arguments


def test_behind_sentinels_too(git_project: Project, opened: Opener) -> None:
    with watched() as servers:
        store = opened(servers.url)
        deploy(store, greeter="Good morning.")
        deploy(store, greeter="Good evening.")
        done = git_project.run(*DRILL, "2", "--json", PRODUCTION_STORE=servers.url)
        assert (done.code, done.json["confirmed"]) == (0, 2)
        assert not servers.primary.ask("KEYS", "*~drill*")


def test_a_held_release_is_not_what_a_drill_goes_back_to(
    deployed_twice: Project, store: Store, contents: Contents
) -> None:
    """As a rollback: greeter has no other earlier release then."""
    held = deployed_twice.digest("greeter", commit="HEAD~1")
    hold = ("hold", "greeter", held, "--env", "production", "--reason", "bad")
    assert deployed_twice.here(*hold).code == 0
    assert deployed_twice.here(*DRILL, "1", "--json").json["units"] == 0


def test_memory_has_no_other_processes(empty_folder: Project) -> None:
    done = empty_folder.here(*DRILL, "1", "--store", "memory:one")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: memory:one is the memory of one process\n")


def test_rehearse_says_what_it_lacks(empty_folder: Project) -> None:
    done = empty_folder.here("rehearse", "--env", "production", "--store", "sqlite:///a.db")
    assert (done.code, done.out) == (2, "")
