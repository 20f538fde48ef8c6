"""history --at and --clients: what was live then, and which clients had confirmed it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from promptops.delivery.confirm import Confirmation
from promptops.delivery.confirmed import SLOTS, confirmations, remember
from promptops.delivery.past import past
from promptops.live.records import Head
from promptops.live.store import Store, entries
from tests.cli.apps import App
from tests.cli.projects import ADA, AT, Project, everywhere, on_redis, short
from tests.live.test_chain import history

HISTORY = ("history", "--env", "production")
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)


def test_what_was_live_is_what_the_deployments_up_to_then_left() -> None:
    told = [
        replace(entry, at=(MIDNIGHT + timedelta(hours=entry.revision)).isoformat())
        for entry in history(3)[::-1]
    ]

    def at(hours: float) -> tuple[int | None, str | None]:
        found = past(told, MIDNIGHT + timedelta(hours=hours))
        live = found.units.get("greeter")
        return found.entry and found.entry.revision, live and live.digest  # type: ignore[return-value]

    assert at(0.9) == (None, None)
    assert at(1) == (1, "sha256:1")
    assert at(2.9) == (2, "sha256:2")
    assert at(99) == (3, "sha256:3")
    told[1] = replace(told[1], at=(MIDNIGHT + timedelta(hours=5)).isoformat())
    assert at(4) == (3, "sha256:3"), "a clock that was ahead does not hide what came after"


@everywhere
def test_the_moment_before_the_rollback_had_the_bad_release(rolled_back: Project) -> None:
    done = rolled_back.run(*HISTORY, "--at", "2026-11-20T11:00:00+01:00", "--json")
    assert (done.code, done.err) == (0, "")
    assert (done.json["at"], done.json["revision"]) == ("2026-11-20T10:00:00Z", 3)
    assert done.json["units"][1] == {
        "unit": "greeter",
        "digest": rolled_back.digest("greeter", commit="HEAD~1"),
        "revision": 3,
        "since": AT,
        "commit": rolled_back.git("rev-parse", "HEAD~1"),
        "held": [rolled_back.digest("greeter")],
    }
    early = rolled_back.here(*HISTORY, "--at", "2026-11-20T09:59:59Z", "--json")
    assert (early.json["revision"], early.json["entry"], early.json["units"]) == (None, None, [])


def test_the_text_says_the_zone_and_one_unit_when_asked(rolled_back: Project) -> None:
    first = rolled_back.git("rev-parse", "HEAD~1")[:12]
    done = rolled_back.here(*HISTORY, "farewell", "--at", "2026-11-20 14:30", TZ="UTC")
    digest = short(rolled_back.digest("farewell"))
    assert done.out == (
        f"production at 2026-11-20T14:30:00Z: revision 3, rollback by {ADA} at {AT}\n"
        "UNIT      DIGEST        REVISION  COMMIT        SINCE\n"
        f"farewell  {digest}  1         {first}  {AT}\n"
    )
    early = rolled_back.here(*HISTORY, "--at", "2026-11-19")
    assert early.out == "production had no deployment at 2026-11-19T00:00:00Z\n"


@pytest.mark.parametrize("time", ["", "yesterday", "14:30", "2026-13-01", "1e9"])
def test_what_is_no_time_is_said(rolled_back: Project, time: str) -> None:
    done = rolled_back.here(*HISTORY, "--at", time)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: '{time}' is no time\n")


def test_a_time_to_come_is_no_answer(rolled_back: Project) -> None:
    done = rolled_back.here(*HISTORY, "--at", "2999-01-01T00:00:00Z")
    assert (done.code, done.err) == (
        2,
        (
            "error: '2999-01-01T00:00:00Z' is in the future\n"
            " help: for what is live now: promptops status --env production\n"
        ),
    )


def test_a_unit_that_never_was_is_unknown_at_any_time(rolled_back: Project) -> None:
    done = rolled_back.here(*HISTORY, "greter", "--at", "2026-11-20 14:30")
    assert (done.code, done.err) == (
        2,
        "error: there is no unit 'greter' in production\n help: did you mean 'greeter'?\n",
    )
    early = rolled_back.here(*HISTORY, "greeter", "--at", "2026-11-19", "--json")
    assert (early.code, early.json["units"]) == (0, [])


@pytest.mark.parametrize("option", [("--limit", "3"), ("--operation", "8c1f")])
def test_a_moment_lists_no_deployments(rolled_back: Project, option: tuple[str, str]) -> None:
    done = rolled_back.here(*HISTORY, "--at", "2026-11-20", *option)
    assert (done.code, done.err) == (
        2,
        (
            "error: --at goes without --limit and --operation: it lists no deployments\n"
            " help: promptops history --help\n"
        ),
    )


@on_redis
def test_who_had_confirmed_is_told_where_somebody_waited(
    deployed: Project, three_apps: list[App]
) -> None:
    deployed.says("greeter", "Good evening.")
    assert deployed.here("deploy", "greeter", "--env", "production", "--wait").code == 0
    three_apps[0].stop()
    deployed.says("greeter", "Good day.")
    assert deployed.here("deploy", "greeter", "--env", "production", "--wait=0.5").code == 5

    third, second, first = deployed.run(*HISTORY, "--clients", "--json").json["entries"]
    assert first["clients"] is None
    assert (second["clients"]["present"], second["clients"]["confirmed"]) == (3, 3)
    assert second["clients"]["slowest_seconds"] < 5
    assert third["clients"]["confirmed"] == 2
    assert third["clients"]["missing"][0].startswith("app-0 on ")
    said = deployed.here(*HISTORY, "--clients").out
    assert "2 of 3 clients had confirmed it at 20" in said
    assert "no record of clients: nobody waited for it (--wait)" in said
    now = deployed.here(*HISTORY, "--clients", "--at", datetime.now(UTC).isoformat(), "--json").json
    assert now["clients"] == third["clients"]


@everywhere
def test_records_of_clients_do_not_grow_without_end(deployed: Project, store: Store) -> None:
    before = list(entries(store))
    for revision in (1, 2, SLOTS + 1):
        remember(store, Head(1, revision), Confirmation(2, 2, 0.1234, ()), AT)
    assert set(confirmations(store)) == {2, SLOTS + 1}
    store.keep_report("~confirmed:7", "nonsense")
    assert confirmations(store)[2].slowest_seconds == 0.123
    assert list(entries(store)) == before
