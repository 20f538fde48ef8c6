"""A store that lost an environment: what apps still serve proves it, and every command says so."""

from shlex import join

from promptops.live.store import Store
from tests.cli.apps import App
from tests.cli.projects import Project, everywhere
from tests.client.sabotage import Saboteur
from tests.client.waiting import until

PLACE = ("--env", "production")
SAID = "lost the environment 'production': 3 clients serve revision 1 of it, and follow nothing but"


def way_back(*where: str) -> str:
    restore = f"promptops restore {join(where)}"
    return f"{restore} --from FILE, or without an export: {restore} --from-git REV"


@everywhere
def test_every_command_tells_that_it_was_lost_and_names_restore_alone(
    deployed: Project, three_apps: list[App], store: Store, store_url: str, saboteur: Saboteur
) -> None:
    saboteur.wipe()
    until(lambda: len(store.clients()) == len(three_apps))
    shown = store_url.partition("?")[0]
    lost = f"{shown} {SAID} a restore"
    for command in (
        ("rollback", "greeter", *PLACE),
        ("deploy", "--all", *PLACE),
        # Revision 1 again, which every one of the three would refuse for ever.
        ("deploy", "--all", *PLACE, "--create"),
        ("verify", *PLACE),
        ("history", *PLACE),
        ("export", *PLACE, "--out", "a.export"),
    ):
        done = deployed.here(*command)
        said = f"error[lost-environment]: {lost}\n help: {way_back(*PLACE)}\n"
        assert (done.code, done.out, done.err) == (3, "", said), command
    named = ("--store", store_url, *PLACE)
    in_order = way_back(*PLACE, "--store", store_url)
    for command in (
        ("rollback", "greeter"),
        ("show", "greeter"),
        ("bundle", "--out", "a.bundle"),
        ("export", "--out", "a.export"),
        ("collect",),
        ("collect", "--dry-run"),
    ):
        done = deployed.here(*command, *named)
        assert (done.code, done.err.endswith(f" help: {in_order}\n")) == (3, True), command

    clients = deployed.here("clients", *PLACE, "--json")
    assert (clients.code, clients.err) == (0, f"warning: {lost}: {way_back(*PLACE)}\n")
    assert (clients.json["revision"], len(clients.json["clients"])) == (None, 3)
    asked = deployed.here("clients", *PLACE, "--revision", "1")
    assert (asked.code, asked.out.count("app-")) == (3, 3)
    assert asked.err.startswith(f"error[lost-environment]: {lost}\n")

    status = deployed.here("status", *PLACE, "--exit-code")
    assert (status.code, status.out) == (1, f"{lost}\n  {way_back(*PLACE)}\n")
    facts = deployed.here("status", *PLACE, "--json").json
    assert facts["lost"] == {"clients": 3, "epoch": 1, "revision": 1}
    doctor = deployed.here("doctor", *PLACE)
    assert f"the store lost it: {SAID.partition(': ')[2]} a restore" in doctor.out
    assert (doctor.code, way_back(*PLACE) in doctor.out) == (1, True)

    assert store.read().head is None
    back = deployed.run("restore", *PLACE, "--from-git", "HEAD", "--wait", "--json")
    assert (back.code, back.json["clients"]["confirmed"]) == (0, 3), back.err
