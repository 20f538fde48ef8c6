"""What a client says of itself."""

from pathlib import Path

import pytest

from promptops import Client
from promptops.client.state import Told, Verdict
from promptops.live.store import Store
from tests.client.conftest import Starter
from tests.client.waiting import until_polled, until_refused
from tests.conftest import Opener
from tests.deployments import deploy, digest
from tests.servers import Server


def test_a_ready_client_says_what_it_serves_and_from_where(client: Client, deployed: Store) -> None:
    status = client.status()
    assert (status.state, status.reason, status.errors) == ("READY", "", 0)
    assert status.store == str(deployed.address)
    assert (status.epoch, status.revision, status.unknown_inputs) == (1, 1, 0)
    assert status.age is not None
    assert 0 <= status.age < 5
    assert status.units == {
        "farewell": digest("farewell", "Bye"),
        "greeter": digest("greeter", "Hello"),
    }


def test_a_client_that_read_nothing_yet_says_so(redis_server: Server, started: Starter) -> None:
    redis_server.kill()
    client = started(redis_server.url, ready=False)
    until_refused(client, 1)
    status = client.status()
    assert status.state == "NOT_READY"
    assert (status.epoch, status.revision, status.age, status.units) == (None, None, None, {})
    assert "Connection refused" in status.reason


def test_a_status_is_a_copy_that_may_be_changed(client: Client) -> None:
    client.status().units.clear()
    assert set(client.status().units) == {"farewell", "greeter"}


def test_the_age_is_that_of_the_last_answer_and_not_of_the_last_change(client: Client) -> None:
    until_polled(client, 5)
    ages = [client.status().age or 0]
    until_polled(client, 1)
    ages.append(client.status().age or 0)
    # At least six polls of 0.045 s have gone by since the change.
    assert min(ages) < 6 * 0.045


def test_the_store_is_shown_without_user_and_password(
    on_redis: Store, redis_server: Server, started: Starter
) -> None:
    redis_server.ask("ACL", "SETUSER", "app", "on", ">correct-horse", "~*", "&*", "+@all")
    client = started(f"redis://app:correct-horse@127.0.0.1:{redis_server.port}/0")
    assert client.status().store == f"redis://***@127.0.0.1:{redis_server.port}/0"


def test_a_relative_path_is_found_from_the_folder_that_the_app_started_in(
    tmp_path: Path, opened: Opener, started: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(opened(f"sqlite:///{tmp_path}/here.db"), greeter="Hello")
    monkeypatch.chdir(tmp_path)
    client = started("sqlite:///here.db")
    assert (client.status().state, client.status().store) == ("READY", "sqlite:///here.db")


def test_another_reason_of_the_same_state_is_told_at_once_and_not_at_every_poll(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = Told()
    for reason in ("refused", "refused", "denied", "denied", *map(str, range(100))):
        told.tell(Verdict("STALE", reason), None)
    lines = [record.getMessage().partition(";")[0] for record in caplog.records]
    assert lines == ["STALE: refused", "STALE: denied", "STALE: 0"]
    told.tell(Verdict("READY"), None)
    assert caplog.records[-1].getMessage().startswith("READY again")
