"""collect: releases that nobody needs go, and nobody loses what they serve or can go back to."""

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest

from promptops import Client
from promptops.delivery.collect import collect
from promptops.delivery.collecting import Keeping
from promptops.errors import Refused
from promptops.live.store import Store
from tests.cli.projects import Project, everywhere, short
from tests.deployments import release

PLACE = ("--env", "production")
HARD = ("--keep-days", "0", "--keep-last", "1", "--grace", "0s")
COLLECT = ("collect", *PLACE, *HARD)


@pytest.fixture
def long_lived(deployed: Project, store: Store) -> Project:
    """Revision 5 of production: greeter has said five things."""
    for number in range(2, 6):
        deployed.says("greeter", f"Good day number {number}.")
        deployed.deploy(store, "greeter")
    return deployed


@everywhere
def test_it_marks_first_and_deletes_what_is_not_needed_later_either(
    long_lived: Project, store: Store, store_url: str
) -> None:
    orphan = store.put(release("greeter", "nobody points to this"))
    old = [long_lived.digest("greeter", commit=f"HEAD~{back}") for back in (4, 3, 2)]
    unneeded = sorted([orphan, *old])
    with Client(store_url, environment="production", poll=0.05) as client:
        client.wait_ready(10)
        first = long_lived.run(*COLLECT, "--json")
        assert (first.code, first.json["deleted"], sorted(first.json["marked"])) == (
            0,
            [],
            unneeded,
        )
        dry = long_lived.run(*COLLECT, "--dry-run", "--json")
        assert (dry.json["deleted"], dry.json["dry_run"]) == (unneeded, True)
        refused = long_lived.run(*COLLECT)
        assert (refused.code, refused.out) == (3, "")
        assert refused.err.startswith(
            "error[confirmation-needed]: 4 releases of production would be deleted for good"
        )
        assert len(store.releases()) == 7
        # With the days and the grace that are usual nothing goes, and what is needed is not marked.
        usual = long_lived.run("collect", *PLACE, "--json").json
        assert (usual["deleted"], [*usual["marked"]]) == ([], [orphan])
        done = long_lived.run(*COLLECT, "--yes", "--json")
        assert (done.code, done.json["deleted"], [*done.json["marked"]]) == (
            0,
            [orphan],
            sorted(old),
        )
        done = long_lived.run(*COLLECT, "--yes", "--json")
        assert (done.code, done.json["deleted"], done.json["marked"]) == (0, sorted(old), {})
        assert set(store.releases()).isdisjoint(unneeded)
        assert client.get("greeter").messages[0].content == "Good day number 5.\n"
        back = long_lived.run("rollback", "greeter", *PLACE, "--wait", "--json")
        assert (back.code, back.json["clients"]["confirmed"]) == (0, 1)
        assert client.status().errors == 0
    gone = long_lived.here("rollback", "greeter", *PLACE, "--to", "1", "--json")
    assert (gone.code, gone.json["refused"]["code"]) == (3, "missing-release")


def test_the_usual_run_keeps_everything_young(long_lived: Project) -> None:
    done = long_lived.here("collect", *PLACE)
    assert done.out == "production: 0 of 6 releases deleted, 0 marked\n"


def test_what_a_present_client_pins_and_a_report_names_is_kept(
    long_lived: Project, store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned, named = (long_lived.digest("greeter", commit=f"HEAD~{back}") for back in (4, 3))
    monkeypatch.setenv("PROMPTOPS_PIN", f"greeter={pinned}")
    store.keep_report("greeter", f'{{"targets": [{{"digest": "{named}"}}]}}')
    with Client(store_url, environment="production", poll=0.05) as client:
        client.wait_ready(10)
        while not any(each.pins for each in store.clients()):
            pass
        long_lived.here(*COLLECT)
        done = long_lived.here(*COLLECT, "--yes")
    assert done.out == (
        "production: 1 of 6 releases deleted, 0 marked\n"
        f"  {short(long_lived.digest('greeter', commit='HEAD~2'))}  deleted\n"
    )


_DEPLOYING = """
import sys, uuid
from promptops.delivery.deploy import Conditions, deploy
from promptops.delivery.rollback import rollback
from promptops.errors import Refused, StoreUnreachable
from promptops.live.address import parse_address
from promptops.live.moves import Intent
from promptops.live.opening import open_store
from promptops.manifest.digest import digest_of
from tests.deployments import release

store = open_store(parse_address(sys.argv[1]), "production")
for number in range(60):
    data = release("greeter", f"Good day number {number}")
    intent = Intent(uuid.uuid4().hex, "ann", "2026-11-20T10:00:00.000Z")
    try:
        deploy(store, {"greeter": (digest_of(data), data)}, intent, Conditions(skip_held=True))
        if number % 5 == 4:
            rollback(store, ("greeter",), None, Intent(uuid.uuid4().hex, "ann", intent.at))
    except Refused as refused:
        print(refused.code)
    except StoreUnreachable as error:
        # The collector was in between content and pointer; whoever deploys tries again.
        assert "lost a release that was written a moment ago" in error.message
"""


@everywhere
def test_nothing_dangles_while_somebody_deploys(
    deployed: Project, store: Store, store_url: str
) -> None:
    """The hardest collector there can be, at work all the time."""
    assert deployed.root.is_dir()
    keeping = Keeping(0, 1, timedelta(0))
    deploying = subprocess.Popen([sys.executable, "-c", _DEPLOYING, store_url])
    served: list[str] = []
    over = threading.Event()

    def read(client: Client) -> None:
        while not over.wait(0.001):
            served.append(client.get("greeter").digest)

    deleted = lost = 0
    with Client(store_url, environment="production", poll=0.05) as client:
        client.wait_ready(10)
        reader = threading.Thread(target=read, args=[client])
        reader.start()
        while deploying.poll() is None:
            try:
                found = collect(store, keeping, datetime.now(UTC), lambda _: None)
            except Refused:
                lost += 1
                continue
            deleted += len(found.decision.delete)
            for pointer in store.read().pointers.values():
                assert pointer.digest in store.releases()
        over.set()
        reader.join()
    # On a busy machine the collector may have had one turn only, and marked.
    for _ in range(2):
        deleted += len(collect(store, keeping, datetime.now(UTC), lambda _: None).decision.delete)
    assert (deploying.returncode, len(served) > 10, deleted > 0) == (0, True, True), lost
