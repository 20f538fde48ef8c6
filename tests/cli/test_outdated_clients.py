"""deploy: clients of a promptops that cannot read what is deployed are named before it is live."""

from dataclasses import replace

import pytest

from promptops.client.announcing import introduce
from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.projects import Project

DEPLOY = ("deploy", "greeter", "--env", "production")


@pytest.mark.parametrize("version", ["0.0.9", "unknown"])
def test_a_client_of_an_older_promptops_is_named_before_the_swap(
    deployed: Project, store: Store, version: str
) -> None:
    old = replace(introduce("legacy", version), host="attic", pid=7, epoch=1, revision=1)
    store.announce(old, 30)
    store.announce(introduce("helpdesk", "0.1.0"), 30)
    deployed.says("greeter", "Good evening.")
    warning = (
        "warning: 1 client of an older promptops cannot read this and will serve on what it has: "
        "legacy on attic (pid 7, revision 1)\n"
    )
    planned = deployed.here(*DEPLOY, "--dry-run")
    assert (planned.code, planned.err) == (0, warning)
    assert store.read().head == Head(1, 1)
    done = deployed.here(*DEPLOY)
    assert (done.code, done.err) == (0, warning)


def test_clients_of_this_and_of_newer_versions_are_not_named(
    deployed: Project, store: Store
) -> None:
    for version in ("0.1.0", "0.1", "0.10.2", "1.0.0rc1"):
        store.announce(introduce("helpdesk", version), 30)
    deployed.says("greeter", "Good evening.")
    done = deployed.here(*DEPLOY)
    assert (done.code, done.err) == (0, "")
