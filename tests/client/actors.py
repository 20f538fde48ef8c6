"""What other processes do to an environment; each call says when its swap was sent."""

import time

from promptops.delivery import deploy as delivery_deploy
from promptops.delivery import hold as delivery_hold
from promptops.delivery import rollback as delivery_rollback
from promptops.delivery.deploy import Conditions
from promptops.delivery.deployment import Deployment
from promptops.live.opening import open_store
from promptops.manifest.document import Json
from tests.client.releases import put_live, triage
from tests.deployments import digest, intent, release


def deploy(url: str, texts: dict[str, str]) -> Deployment:
    """Make the texts (unit → text) live in one deployment."""
    releases = {unit: (digest(unit, text), release(unit, text)) for unit, text in texts.items()}
    store = open_store(url, "production")
    try:
        return delivery_deploy.deploy(store, releases, intent(), Conditions(create=True))
    finally:
        store.close()


def rollback(url: str, unit: str) -> Deployment:
    store = open_store(url, "production")
    try:
        return delivery_rollback.rollback(store, (unit,), None, intent())
    finally:
        store.close()


def hold(url: str, unit: str, text: str) -> Deployment:
    store = open_store(url, "production")
    try:
        return delivery_hold.hold(store, unit, digest(unit, text), intent(), lift=False)
    finally:
        store.close()


def deploy_editions(url: str, units: list[str], times: int) -> None:
    """All units together say 0, then 1, and so on, each in one deployment."""
    store = open_store(url, "production")
    for number in range(times):
        releases = {unit: (digest(unit, str(number)), release(unit, str(number))) for unit in units}
        delivery_deploy.deploy(store, releases, intent(), Conditions(create=True))
        time.sleep(0.002)
    store.close()


def edition(number: int) -> dict[str, Json]:
    """A release each of whose parts says which edition it is of."""
    text = str(number)
    messages: list[Json] = [{"role": role, "content": text} for role in ("system", "user")]
    return triage(
        unit="greeter",
        model={"provider": "openai", "id": "gpt-4o-mini-2024-07-18", "version": text},
        params={"seed": number},
        prompt={"id": "greeter", "version": text, "messages": messages, "examples": []},
        inputs={},
        output={"schema": {"const": text}},
        retriever={"index": "kb", "version": text},
    )


def deploy_whole_editions(url: str, times: int) -> None:
    store = open_store(url, "production")
    for number in range(1, times + 1):
        put_live(store, edition(number))
    store.close()
