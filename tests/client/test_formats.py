"""Three formats of a release meet three clients (F50)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from promptops import Client, NotReady
from promptops.client.disk import write_bundle
from promptops.live.store import Store
from promptops.manifest.document import Json
from tests.client.conftest import Starter
from tests.client.copies import copy
from tests.client.releases import put_live, triage
from tests.client.waiting import until
from tests.deployments import deploy, digest

FORMATS: dict[str, dict[str, Json]] = {
    "the present one": triage(unit="greeter"),
    "one with more in it": triage(unit="greeter", tone={"warm": True}),
    "the next": triage(unit="greeter", apiVersion="promptops/v2"),
}


def running(store: Store, url: str, started: Starter, tmp_path: Path) -> Client:
    deploy(store, greeter="Hello")
    return started(url, poll=0.05)


def new(store: Store, url: str, started: Starter, tmp_path: Path) -> Client:
    return started(url, poll=0.05, ready=False)


def new_with_a_bundle(store: Store, url: str, started: Starter, tmp_path: Path) -> Client:
    write_bundle(str(tmp_path / "bundle"), copy(1, "Hello"))
    deploy(store, greeter="Hello")
    return started(url, poll=0.05, bundle=tmp_path / "bundle")


@pytest.mark.parametrize("met", [running, new, new_with_a_bundle])
@pytest.mark.parametrize("known", FORMATS)
def test_a_format_is_read_or_refused_with_the_reason(
    embedded: Store,
    embedded_url: str,
    started: Starter,
    tmp_path: Path,
    met: Callable[[Store, str, Starter, Path], Client],
    known: str,
) -> None:
    client = met(embedded, embedded_url, started, tmp_path)
    put_live(embedded, FORMATS[known])
    wanted = embedded.read().pointers["greeter"].digest
    if known != "the next":
        until(lambda: client.status().units.get("greeter") == wanted)
        assert client.status().refused == {}
        return
    until(lambda: [each.refused for each in embedded.clients()] not in ([], [()]))
    (present,) = embedded.clients()
    assert [(each.code, each.digest) for each in present.refused] == [("C603", wanted)]
    if met is new:
        with pytest.raises(NotReady, match="promptops/v2"):
            client.get("greeter")
    else:
        assert client.get("greeter").digest == digest("greeter", "Hello")
