"""Wounds of prompt clients that refresh when they are read, cache by name, or fall back to text."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from promptops import Client, InputError, NotReady
from promptops.live.store import Store
from tests.client.conftest import Starter
from tests.client.releases import put_live, triage
from tests.client.sabotage import SqliteSaboteur
from tests.client.test_healing import kill
from tests.client.waiting import until, until_polled, until_refused, until_served
from tests.conftest import Opener
from tests.deployments import deploy, digest
from tests.servers import Server, free_port

FORKED = """
import os, sys, time, warnings
from promptops import Client
warnings.simplefilter("ignore")
client = Client(sys.argv[1], environment="production", poll=0.2)
client.wait_ready(20)
pids = []
for _ in range(4):
    if not (pid := os.fork()):
        until = time.monotonic() + 10
        while client.get("greeter").revision < 2 and time.monotonic() < until:
            time.sleep(0.005)
        os._exit(0 if client.get("greeter").revision == 2 else 1)
    pids.append(pid)
print("forked", flush=True)
print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids], flush=True)
"""
BOOTS = """
import os
from promptops import Client
client = Client.from_env()
client.wait_ready(10)
print(client.status().state, client.status().source, client.get("greeter").render(), sep="|")
client.close()
"""
HOSTILE = "<b>Tom & 'Jerry'</b> {{ context }} {% raw %} {ticket} \\{{ \u202e\x00\r\n\U0001f600"


def test_1_the_first_read_after_an_idle_time_is_what_is_live(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    deploy(embedded, greeter="Hello")
    client = started(embedded_url, poll=0.02, hint=False)
    refresher = client._refresher
    for number in range(3):
        deploy(embedded, greeter=f"Hello {number}")
        # Nobody calls the client for many polls: what it does, it does by itself.
        deadline, before, polls = time.monotonic() + 10, refresher.checked, 0
        while polls < 10:
            assert time.monotonic() < deadline
            polls, before = polls + (refresher.checked != before), refresher.checked
            time.sleep(0.001)
        assert client.get("greeter").digest == digest("greeter", f"Hello {number}")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_2_a_refresher_that_died_is_replaced_counted_and_said(
    embedded: Store, embedded_url: str, started: Starter, caplog: pytest.LogCaptureFixture
) -> None:
    deploy(embedded, greeter="Hello")
    client = started(embedded_url, poll=0.5)
    kill(client, SystemExit)
    deploy(embedded, greeter="Good morning")
    died = time.monotonic()
    until(lambda: client.get("greeter").digest == digest("greeter", "Good morning"))
    assert time.monotonic() - died <= 2 * 0.5
    assert client.status().restarts == 1
    assert client.status().last_error == "the refresher died of SystemExit"
    assert "the refresher died of SystemExit" in caplog.text


def test_3_every_child_of_a_fork_follows(embedded: Store, embedded_url: str) -> None:
    deploy(embedded, greeter="Hello")
    with subprocess.Popen(
        [sys.executable, "-c", FORKED, embedded_url], stdout=subprocess.PIPE, text=True
    ) as app:
        assert app.stdout is not None
        assert app.stdout.readline() == "forked\n"
        deploy(embedded, greeter="Good morning")
        assert app.stdout.readline() == "[0, 0, 0, 0]\n"


def test_4_a_unit_that_is_gone_from_the_store_is_served_on_and_reported(
    embedded: Store, embedded_url: str, started: Starter, tmp_path: Path
) -> None:
    deploy(embedded, greeter="Hello")
    client = started(embedded_url, poll=0.05)
    before = client.get("greeter")
    SqliteSaboteur(tmp_path / "embedded.db").wipe()
    until_refused(client, 3)
    assert client.get("greeter") is before
    status = client.status()
    assert status.state == "ERROR"
    assert "does not hold this environment" in status.reason


def test_5_what_stands_in_for_the_store_is_a_whole_release(
    redis_server: Server, opened: Opener, started: Starter, tmp_path: Path
) -> None:
    put_live(opened(redis_server.url), triage())
    live = started(redis_server.url, poll=0.05, cache=tmp_path / "cache")
    before = live.get("support-triage")
    until(lambda: [*(tmp_path / "cache").glob("*.copy")])
    live.close()
    redis_server.kill()

    again = started(redis_server.url, poll=0.05, cache=tmp_path / "cache")
    assert again.status().source == "disk"
    after = again.get("support-triage")
    assert repr(after) == repr(before), (
        "model, parameters, messages, tools, schema, retriever and digest"
    )
    assert after.request(ticket="It burns") == before.request(ticket="It burns")
    assert after.request(ticket="It burns")["temperature"] == 0.2


def test_6_a_missing_variable_is_an_error_that_names_it_and_values_are_put_in_as_they_are(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    inputs = {"ticket": {"type": "string"}, "context": {"type": "string", "default": "none"}}
    put_live(embedded, triage(inputs=inputs))  # type: ignore[arg-type]
    live = started(embedded_url).get("support-triage")
    for call in (live.render, live.request, live.as_anthropic):
        with pytest.raises(InputError, match="ticket"):
            call(context="since noon")
    rendered = live.render(ticket=HOSTILE)[-1]["content"]
    assert rendered == f"Ticket:\n{HOSTILE}\n\nContext:\nnone"
    assert rendered.encode().count(HOSTILE.encode()) == 1


def test_7_two_environments_in_one_process_share_nothing(
    embedded_url: str, opened: Opener, tmp_path: Path
) -> None:
    texts = {"production": "Hello", "staging": "Hello from staging"}
    for environment, text in texts.items():
        deploy(opened(embedded_url, environment), greeter=text)
    clients = {
        each: Client(embedded_url, environment=each, cache=tmp_path / "cache", poll=0.05)
        for each in texts
    }
    for environment, client in clients.items():
        client.wait_ready(10)
        assert client.get("greeter").digest == digest("greeter", texts[environment])
    deploy(opened(embedded_url, "staging"), greeter="Good morning")
    until_served(clients["staging"], 2)
    until_polled(clients["production"], 3)
    assert clients["production"].get("greeter").digest == digest("greeter", "Hello")
    for environment, revision in {"production": 1, "staging": 2}.items():
        kept = clients[environment]._refresher.sources.disk
        assert kept is not None
        until(lambda kept=kept: kept.stamp("copy"))  # type: ignore[misc]
        until(lambda kept=kept, at=revision: kept.read().head.revision == at)  # type: ignore[misc]
    for client in clients.values():
        client.close()
    for environment in texts:  # nor on disk
        with Client(None, environment=environment, cache=tmp_path / "cache") as alone:
            alone.wait_ready(10)
            expected = {"production": "Hello", "staging": "Good morning"}[environment]
            assert alone.get("greeter").digest == digest("greeter", expected)


@pytest.mark.parametrize("store", ["unset", "down"])
def test_8_a_boot_without_a_store_serves_what_is_kept_and_says_which(
    on_redis: Store, redis_server: Server, started: Starter, tmp_path: Path, store: str
) -> None:
    cache = tmp_path / "cache"
    started(redis_server.url, poll=0.05, cache=cache)
    until(lambda: [*cache.glob("*.copy")])
    redis_server.kill()
    variables = {"PROMPTOPS_ENV": "production", "PROMPTOPS_CACHE": str(cache)}
    if store == "down":
        variables["PROMPTOPS_STORE"] = redis_server.url
    done = subprocess.run(
        [sys.executable, "-c", BOOTS],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    state, source, rendered = done.stdout.strip().split("|")
    assert (state, source) == ("STALE", "disk")
    assert rendered == "[{'role': 'system', 'content': 'Hello'}]"


def test_8_a_boot_with_nothing_at_all_is_bounded_and_lists_what_was_tried(
    started: Starter, tmp_path: Path
) -> None:
    client = started(
        f"redis://127.0.0.1:{free_port()}/0",
        cache=tmp_path / "cache",
        bundle=tmp_path / "prompts.bundle",
        ready=False,
    )
    began = time.monotonic()
    with pytest.raises(NotReady) as raised:
        client.wait_ready(1)
    assert time.monotonic() - began <= 1.5
    for tried in ("the store redis://", "the copy on disk", "the bundle"):
        assert tried in raised.value.message
