"""A store that does not answer at start: disk, then bundle, then NotReady with what was tried."""

import logging
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from promptops import Client, NotReady
from promptops.client.accept import Refusal
from promptops.client.copy_file import CHANGE, Copy
from promptops.client.disk import Disk, write_bundle
from promptops.client.kept import Kept
from promptops.live.address import parse_address
from promptops.live.records import Head
from promptops.live.store import Store
from promptops.manifest.digest import digest_of
from tests.client.conftest import Starter
from tests.client.copies import copy, disk, saved, write
from tests.client.sabotage import Saboteur
from tests.client.waiting import until, until_polled, until_refused, until_served
from tests.conftest import Opener
from tests.deployments import deploy, digest, release, rollback
from tests.servers import Server

HELLO = digest("greeter", "Hello")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def blackhole() -> Iterator[str]:
    """The address of a store to which nothing gets through: its queue of connections is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        fillers = []
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
        for filler in fillers:
            filler.close()


def until_saved(
    cache: Path,
    revision: int,
    namespace: str = "promptops",
    environment: str = "production",
    seconds: float = 15,
) -> None:
    def is_saved() -> bool:
        try:
            return saved(cache, environment, namespace).read().head.revision == revision
        except Exception:  # noqa: BLE001 - not there yet
            return False

    until(is_saved, seconds)


def assert_serves(client: Client, source: str, text: str) -> None:
    assert client.get("greeter").digest == digest("greeter", text)
    assert client.status().source == source


def test_what_the_store_answers_is_kept_and_serves_when_it_is_away(
    on_redis: Store, redis_server: Server, started: Starter, cache: Path
) -> None:
    first = started(redis_server.url, cache=cache)
    assert_serves(first, "store", "Hello")
    until_saved(cache, 1)
    first.close()
    redis_server.kill()

    client = started(redis_server.url, cache=cache)
    assert_serves(client, "disk", "Hello")
    assert client.status().revision == 1
    assert client.get("farewell").digest == digest("farewell", "Bye")


def test_a_start_with_a_black_hole_for_a_store_is_ready_from_disk(
    blackhole: str, started: Starter, cache: Path
) -> None:
    write(cache, copy(), blackhole)
    began = time.monotonic()
    client = started(blackhole, cache=cache)
    assert time.monotonic() - began <= 1.5
    assert_serves(client, "disk", "Hello")


def test_a_start_with_nothing_says_what_was_tried(
    blackhole: str, started: Starter, cache: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "prompts.bundle"
    client = started(blackhole, cache=cache, bundle=bundle, ready=False)
    began = time.monotonic()
    with pytest.raises(NotReady) as raised:
        client.wait_ready(2)
    assert abs(time.monotonic() - began - 2) <= 0.5
    assert raised.value.message.startswith(
        f"nothing of production was read after 2 s; tried the store {blackhole}: "
    )
    assert raised.value.message.endswith(
        f"; the copy on disk: {Disk.of(str(cache), 'production', parse_address(blackhole)).path()}"
        ": no such file or directory"
        f"; the bundle: {bundle}: no such file or directory"
    )


def test_the_store_has_the_first_word(
    deployed: Store, store_url: str, started: Starter, cache: Path
) -> None:
    namespace = deployed.address.namespace
    deploy(deployed, greeter="Hi")
    write(cache, copy(1, "Hello", namespace=namespace), store_url)
    assert_serves(started(store_url, cache=cache), "store", "Hi")


def test_the_disk_goes_before_the_bundle(started: Starter, cache: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "prompts.bundle"
    write_bundle(str(bundle), copy(2, "From the bundle"))
    assert_serves(started(None, cache=cache, bundle=bundle), "bundle", "From the bundle")
    write(cache, copy(1, "From disk"))
    assert_serves(started(None, cache=cache, bundle=bundle), "disk", "From disk")


def test_a_bundle_that_was_named_and_is_not_there_is_warned_of(
    embedded: Store,
    embedded_url: str,
    started: Starter,
    cache: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    deploy(embedded, greeter="Hello")
    client = started(embedded_url, cache=cache, bundle=tmp_path / "prompts.bundle")
    assert_serves(client, "store", "Hello")
    (said,) = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert said.startswith("the bundle is not used: ")


@pytest.mark.parametrize("left", [0, 100, 300])
def test_a_damaged_copy_is_said_and_the_bundle_serves(
    started: Starter, cache: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, left: int
) -> None:
    bundle = tmp_path / "prompts.bundle"
    write_bundle(str(bundle), copy(2, "From the bundle"))
    write(cache, copy())
    file = Path(disk(cache).path())
    file.write_bytes(file.read_bytes()[:left])
    assert_serves(started(None, cache=cache, bundle=bundle), "bundle", "From the bundle")
    assert f"the copy on disk is not used: {file} is cut off [C620]" in caplog.text


def test_a_damaged_copy_is_replaced_by_what_the_store_says(
    embedded: Store, embedded_url: str, started: Starter, cache: Path
) -> None:
    deploy(embedded, greeter="Hello")
    write(cache, copy(), embedded_url)
    Path(saved(cache).path()).write_bytes(b"garbage")
    assert_serves(started(embedded_url, cache=cache), "store", "Hello")
    until_saved(cache, 1)


@pytest.mark.parametrize("damage", [lambda data: data[:-1] + b"?", lambda data: data[:-20]])
def test_a_copy_that_lost_a_rollback_serves_what_was_before_and_says_so(
    damage: Callable[[bytes], bytes],
    on_redis: Store,
    redis_server: Server,
    started: Starter,
    cache: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    deploy(on_redis, greeter="Bad")
    first = started(redis_server.url, cache=cache)
    until_saved(cache, 2)
    rollback(on_redis, "greeter")
    until_saved(cache, 3)
    first.close()
    redis_server.stop()
    file = Path(saved(cache).path())
    data = file.read_bytes()
    assert CHANGE in data
    file.write_bytes(damage(data))

    client = started(redis_server.url, cache=cache)
    assert_serves(client, "disk", "Bad")
    said = f"{file} is damaged behind revision 2: what came after that is lost, maybe a rollback"
    until(lambda: client.status().last_error)
    status = client.status()
    assert (status.state, status.code, status.revision) == ("STALE", "C620", 2)
    assert status.reason == f"{status.last_error}; {said} [C620]"
    assert f"{said} [C620]" in caplog.text

    redis_server.cont()
    until(lambda: client.get("greeter").digest == digest("greeter", "Hello"))
    assert_serves(client, "store", "Hello")
    until(lambda: client.status().state == "READY")
    assert (client.status().reason, client.status().code) == ("", "")
    until_saved(cache, 3)
    assert saved(cache).read().lost is None


def test_a_copy_that_somebody_removed_is_written_anew(
    embedded: Store, embedded_url: str, started: Starter, cache: Path
) -> None:
    deploy(embedded, greeter="Hello")
    started(embedded_url, cache=cache, poll=0.05)
    until_saved(cache, 1)
    shutil.rmtree(cache)
    # A save that met the folder half removed is tried again half a minute later.
    until_saved(cache, 1, seconds=45)
    assert saved(cache).read().releases.keys() == {HELLO}


def test_no_store_named_is_no_crash(
    started: Starter, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(cache, copy(namespace="team"))
    monkeypatch.delenv("PROMPTOPS_STORE", raising=False)
    monkeypatch.setenv("PROMPTOPS_ENV", "production")
    monkeypatch.setenv("PROMPTOPS_CACHE", str(cache))
    with Client.from_env() as client:
        client.wait_ready(5)
        assert_serves(client, "disk", "Hello")
        until(lambda: client.status().reason == "no store is named")
        assert (client.status().state, client.status().store) == ("STALE", "(none)")


def test_the_store_replaces_the_copy_as_soon_as_it_answers(
    on_redis: Store, redis_server: Server, started: Starter, cache: Path
) -> None:
    deploy(on_redis, greeter="Hi")
    write(cache, copy(), redis_server.url)
    redis_server.stop()
    client = started(redis_server.url, cache=cache, poll=0.2)
    assert_serves(client, "disk", "Hello")
    redis_server.cont()
    until_served(client, 2)
    assert_serves(client, "store", "Hi")
    until_saved(cache, 2)


def test_a_store_that_is_lower_than_the_copy_is_refused(
    embedded: Store, embedded_url: str, started: Starter, cache: Path
) -> None:
    deploy(embedded, greeter="Old")
    write(cache, copy(5), embedded_url)
    client = started(embedded_url, cache=cache, poll=0.05)
    until_refused(client, 3)
    assert_serves(client, "disk", "Hello")
    assert client.status().reason.startswith("REGRESSED: the store went back from")
    assert saved(cache).read() == copy(5)


def test_a_store_with_other_content_at_the_same_revision_is_refused(
    embedded: Store, embedded_url: str, started: Starter, cache: Path
) -> None:
    deploy(embedded, greeter="Other")
    write(cache, copy(1), embedded_url)
    client = started(embedded_url, cache=cache, poll=0.05)
    until_refused(client, 3)
    assert_serves(client, "disk", "Hello")


def test_a_release_that_the_store_damaged_leaves_the_copy(
    deployed: Store, store_url: str, started: Starter, saboteur: Saboteur, cache: Path
) -> None:
    write(cache, copy(0, "Old", namespace=deployed.address.namespace), store_url)
    saboteur.overwrite(HELLO, b"{}")
    client = started(store_url, cache=cache, poll=0.05)
    until(lambda: client.status().refused)
    assert (client.status().state, client.status().code) == ("ERROR", "C602")
    assert_serves(client, "store", "Old")


def test_what_was_refused_before_a_restart_is_refused_after_it_and_taken_when_it_is_mended(
    deployed: Store, store_url: str, started: Starter, saboteur: Saboteur, cache: Path
) -> None:
    write(cache, copy(0, "Old", namespace=deployed.address.namespace), store_url)
    saboteur.overwrite(HELLO, b"{}")
    first = started(store_url, cache=cache, poll=0.05)
    until_saved(cache, 1, namespace=deployed.address.namespace)
    first.close()
    assert_serves(started(None, cache=cache), "disk", "Old")
    client = started(store_url, cache=cache, poll=0.05)
    until_polled(client, 2)
    assert (client.status().state, client.status().code) == ("ERROR", "C602")
    assert_serves(client, "store", "Old")
    client._refresher.whole_every = 0.2
    saboteur.overwrite(HELLO, release("greeter", "Hello"))
    until(lambda: client.status().state == "READY")
    assert_serves(client, "store", "Hello")
    until(lambda: not saved(cache, namespace=deployed.address.namespace).read().refused)
    assert_serves(started(None, cache=cache), "disk", "Hello")


def test_a_copy_of_which_all_of_a_unit_is_refused_is_not_taken_for_other_content(
    embedded: Store, embedded_url: str, started: Starter, cache: Path
) -> None:
    deploy(embedded, greeter="Hello", farewell="Bye")
    other, bye = b"of a newer format", release("farewell", "Bye")
    write(
        cache,
        Copy(
            "production",
            "promptops",
            Head(1, 1),
            {"greeter": Kept(digest_of(other), 0), "farewell": Kept(digest_of(bye), 1)},
            {digest_of(other): other, digest_of(bye): bye},
            refused={"greeter": Refusal("C610", "the release was missing", HELLO, 1)},
        ),
        embedded_url,
    )
    client = started(embedded_url, cache=cache, poll=0.05)
    until_polled(client, 1)
    assert client.status().state == "READY"
    assert_serves(client, "store", "Hello")


def test_a_folder_that_cannot_be_written_is_said_once_and_the_app_goes_on(
    embedded: Store,
    embedded_url: str,
    started: Starter,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    deploy(embedded, greeter="Hello")
    (tmp_path / "file").touch()
    client = started(embedded_url, cache=tmp_path / "file" / "cache", poll=0.05)
    until_polled(client, 3)
    deploy(embedded, greeter="Hi")
    until_served(client, 2)
    until_polled(client, 3)
    said = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage().partition(":")[0] for record in said] == ["no copy is kept"]
    assert (client.status().state, client.status().source) == ("READY", "store")


def test_the_copy_keeps_the_last_three_releases_of_a_unit(
    embedded: Store, embedded_url: str, started: Starter, cache: Path
) -> None:
    started(embedded_url, cache=cache, poll=0.05, ready=False)
    for number in range(1, 6):
        deploy(embedded, greeter=str(number))
        until_saved(cache, number)
    found = saved(cache).read()
    assert [kept.revision for kept in found.past["greeter"]] == [4, 3, 2]
    assert {digest("greeter", str(number)) for number in range(2, 6)} == {*found.releases}
    rollback(embedded, "greeter")
    until_saved(cache, 6)
    found = saved(cache).read()
    assert found.units["greeter"].digest == digest("greeter", "4")
    assert [kept.revision for kept in found.past["greeter"]] == [5, 3, 2]


def test_stores_with_one_environment_share_a_folder_and_nothing_else(
    redis_server: Server, opened: Opener, started: Starter, cache: Path
) -> None:
    urls = {text: f"{redis_server.url.removesuffix('/0')}/{db}" for db, text in enumerate("abc")}
    for text, url in urls.items():
        for _ in range(2 - "abc".index(text)):
            deploy(opened(url), greeter=f"{text} before")
            deploy(opened(url), greeter=text)
        if text != "c":
            assert_serves(started(url, cache=cache), "store", text)
    until(lambda: len(list(cache.glob("*.copy"))) == 2)
    redis_server.kill()
    for text in ("a", "b"):
        assert_serves(started(urls[text], cache=cache), "disk", text)
    # An app of a third store that is down takes the last of them, with a word.
    served = started(urls["c"], cache=cache).get("greeter").digest
    assert served in {digest("greeter", "a"), digest("greeter", "b")}


def test_an_app_that_moves_to_another_store_is_served_by_the_copy_of_the_last(
    redis_server: Server, opened: Opener, started: Starter, cache: Path
) -> None:
    before, now = (f"{redis_server.url.removesuffix('/0')}/{db}" for db in (1, 2))
    for text in ("Hi", "Hello"):
        deploy(opened(before), greeter=text)
    started(before, cache=cache).close()
    deploy(opened(now), greeter="Here")
    redis_server.stop()
    client = started(now, cache=cache)
    assert_serves(client, "disk", "Hello")
    status = client.status()
    assert (status.state, status.code, status.revision) == ("STALE", "C622", 2)
    assert f"{saved(cache).path()} is the copy of another store" in status.reason

    # Its revisions say nothing of those here: neither is a lower one a loss, nor one that is
    # announced a proof that this store lost anything.
    redis_server.cont()
    until(lambda: client.get("greeter").digest == digest("greeter", "Here"))
    until(lambda: client.status().state == "READY")
    assert (client.status().reason, client.status().source) == ("", "store")
    until(lambda: len(list(cache.glob("*.copy"))) == 2)


def test_an_app_that_moved_proves_nothing_to_a_store_that_holds_nothing_yet(
    redis_server: Server, opened: Opener, started: Starter, cache: Path
) -> None:
    before, now = (f"{redis_server.url.removesuffix('/0')}/{db}" for db in (1, 2))
    deploy(opened(before), greeter="Hello")
    started(before, cache=cache).close()
    client = started(now, cache=cache)
    until(lambda: opened(now).clients())
    assert_serves(client, "disk", "Hello")
    assert [each.head for each in opened(now).clients()] == [Head(0, 0)]


def test_a_new_copy_has_what_was_live_before_the_process_began(
    embedded: Store, embedded_url: str, started: Starter, cache: Path
) -> None:
    for number in range(5):
        deploy(embedded, greeter=str(number))
    rollback(embedded, "greeter")
    started(embedded_url, cache=cache)
    until_saved(cache, 6)
    found = saved(cache).read()
    assert [kept.revision for kept in found.past["greeter"]] == [5, 3, 2]
    assert found.past["greeter"][0].digest == digest("greeter", "4")


def test_namespaces_share_a_folder_and_nothing_else(
    redis_server: Server, opened: Opener, started: Starter, cache: Path
) -> None:
    urls = {text: f"{redis_server.url}?ns={text}" for text in ("one", "two")}
    for text, url in urls.items():
        deploy(opened(url), greeter=text)
        started(url, cache=cache)
    until(lambda: len(list(cache.glob("*.copy"))) == 2)
    redis_server.kill()
    for text, url in urls.items():
        assert_serves(started(url, cache=cache), "disk", text)
    client = started(None, cache=cache, ready=False)
    with pytest.raises(NotReady, match="holds production of several stores"):
        client.wait_ready(0.5)


SLOW_NAMES = """
import socket, sys, time
asked = socket.getaddrinfo
socket.getaddrinfo = lambda *a, **k: time.sleep(10) or asked(*a, **k)  # a resolver that is away
from promptops import Client, NotReady
url, cache = sys.argv[1:]
began = time.monotonic()
client = Client(url, environment="production", cache=cache)
asked_to_wait = time.monotonic()
try:
    client.wait_ready(2)
    print(client.status().source, time.monotonic() - began)
except NotReady as error:
    print("not", time.monotonic() - asked_to_wait)
client.close()
"""


@pytest.mark.parametrize("saved", [True, False])
def test_a_resolver_that_takes_ten_seconds_does_not_hold_up_a_start(
    redis_server: Server, cache: Path, saved: bool
) -> None:
    if saved:
        write(cache, copy())
    url = redis_server.url.replace("127.0.0.1", "localhost")
    done = subprocess.run(
        [sys.executable, "-c", SLOW_NAMES, url, str(cache)],
        capture_output=True,
        text=True,
        check=True,
        timeout=9,
    )
    source, seconds = done.stdout.split()
    if saved:
        assert (source, float(seconds) <= 1.5) == ("disk", True)
    else:
        assert (source, abs(float(seconds) - 2) <= 0.5) == ("not", True)


def test_eight_environments_and_their_workers_share_a_folder(
    redis_server: Server, opened: Opener, cache: Path
) -> None:
    names = [f"env{number}" for number in range(8)]
    stores = [opened(redis_server.url, name) for name in names]
    for store in stores:
        deploy(store, greeter=store.environment)
    clients = [
        Client(redis_server.url, environment=name, cache=str(cache), poll=0.1)
        for name in names
        for _ in range(2)
    ]
    for number in range(5):
        for store in stores:
            deploy(store, greeter=f"{store.environment} {number}")
    for name in names:
        until_saved(cache, 6, environment=name)
    for client in clients:
        client.close()
    redis_server.kill()
    for name in names:
        with Client(redis_server.url, environment=name, cache=str(cache)) as client:
            client.wait_ready(5)
            assert_serves(client, "disk", f"{name} 4")
    assert len(list(cache.iterdir())) == 8
