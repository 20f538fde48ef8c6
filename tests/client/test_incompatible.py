"""Releases of this format, of a newer one and of none, before clients in three situations."""

from collections.abc import Callable
from pathlib import Path

import pytest

from promptops import Client, NotReady
from promptops.live.store import Store
from promptops.manifest.canonical import canonical_bytes
from promptops.manifest.digest import digest_of
from tests.client.conftest import Starter
from tests.client.releases import point, triage
from tests.client.waiting import until, until_served
from tests.deployments import deploy, digest

FORMATS = {
    "promptops/v1": "",
    "promptops/v2": "INCOMPATIBLE: release DIGEST has format 'promptops/v2'",
    "promptops/v1beta1": "INCOMPATIBLE: release DIGEST has format 'promptops/v1beta1'",
}
Situation = Callable[[Starter, str, Path], Client]


def has_served(started: Starter, url: str, cache: Path) -> Client:
    return started(url, poll=0.05)


def was_restarted(started: Starter, url: str, cache: Path) -> Client:
    """It serves what it kept on disk until the store answers."""
    with_copy = started(url, poll=0.05, cache=cache)
    until(lambda: [*cache.glob("*.copy")])
    with_copy.close()
    return started(url, poll=0.05, cache=cache, ready=False)


def is_new(started: Starter, url: str, cache: Path) -> Client:
    return started(url, poll=0.05, ready=False)


@pytest.mark.parametrize("version", FORMATS)
@pytest.mark.parametrize("situation", [has_served, was_restarted, is_new])
def test_a_format_of_another_major_version_is_refused_and_reported(
    embedded: Store,
    embedded_url: str,
    started: Starter,
    tmp_path: Path,
    situation: Situation,
    version: str,
) -> None:
    data = canonical_bytes(triage(unit="greeter", apiVersion=version))
    wanted = digest_of(data)
    reason = FORMATS[version].replace("DIGEST", wanted)
    deploy(embedded, greeter="Hello", farewell="Bye")
    if situation is is_new:
        point(embedded, {"greeter": embedded.put(data)})
        client = situation(started, embedded_url, tmp_path / "cache")
    else:
        client = situation(started, embedded_url, tmp_path / "cache")
        point(embedded, {"greeter": embedded.put(data)})
    until_served(client, 2)

    assert client.get("farewell").digest == digest("farewell", "Bye")
    assert client.status().code == ("C603" if reason else "")
    if not reason:
        assert client.get("greeter").digest == wanted
        return
    if situation is is_new:
        with pytest.raises(NotReady, match="INCOMPATIBLE"):
            client.get("greeter")
    else:
        assert client.get("greeter").digest == digest("greeter", "Hello")
    until(lambda: any(each.refused for each in embedded.clients()))
    (refused,) = next(each.refused for each in embedded.clients() if each.refused)
    assert (refused.code, refused.reason, refused.revision) == ("C603", reason, 2)
    deploy(embedded, greeter="Good morning")
    until(lambda: client.status().state == "READY")
