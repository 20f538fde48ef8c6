"""A store that lost an environment: what apps still serve proves it, and every command says so."""

import re
from shlex import join

from promptops.cli.markdown import inline
from promptops.live.store import Store
from tests.cli.apps import App
from tests.cli.projects import Project, everywhere, short
from tests.cli.terminal import Terminal
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
        ("plan", *PLACE),
        ("verify", *PLACE),
        ("history", *PLACE),
        ("export", *PLACE, "--out", "a.export"),
    ):
        done = deployed.here(*command)
        said = f"error[lost-environment]: {lost}\n help: {way_back(*PLACE)}\n"
        assert (done.code, done.out, done.err) == (3, "", said), command
    named = ("--store", store_url, *PLACE)
    in_order = way_back(*PLACE, "--store", store_url)
    for words in (
        ("rollback", "greeter"),
        ("show", "greeter"),
        ("bundle", "--out", "a.bundle"),
        ("export", "--out", "a.export"),
        ("collect",),
        ("collect", "--dry-run"),
    ):
        done = deployed.here(*words, *named)
        assert (done.code, done.err.endswith(f" help: {in_order}\n")) == (3, True), words

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
    gate = ("gate", "--base", "main", *PLACE)
    judged = deployed.here(*gate)
    assert (judged.code, judged.err) == (1, "")
    why = f"the store lost it: {SAID.partition(': ')[2]} a restore; "
    assert f"\nproduction: fail\n{why}" in judged.out
    refused = "refused: production: nothing is deployed before a restore"
    assert f"\n\n{refused}\n  = help: {way_back(*PLACE)}\n\n" in judged.out
    assert judged.out.endswith("\n\ngate: fail (production: the store lost it)\n")
    (item,) = deployed.here(*gate, "--json").json["environments"]
    assert (item["verdict"], item["lost"], item["plan"]) == ("fail", facts["lost"], None)
    assert "production</code>: ❌ fail" in item["markdown"]
    assert "The store lost it: 3 clients serve revision 1 of it, and follow " in item["markdown"]
    assert f"<code>{inline(way_back(*PLACE))}</code>" in item["markdown"]
    doctor = deployed.here("doctor", *PLACE)
    assert f"the store lost it: {SAID.partition(': ')[2]} a restore" in doctor.out
    assert (doctor.code, way_back(*PLACE) in doctor.out) == (1, True)

    assert store.read().head is None
    back = deployed.run("restore", *PLACE, "--from-git", "HEAD", "--wait", "--json")
    assert (back.code, back.json["clients"]["confirmed"]) == (0, 3), back.err


def wiped(store: Store, saboteur: Saboteur, apps: list[App], revision: int) -> None:
    """Once all of them serve a revision; they say so in the store again."""
    until(lambda: [each.revision for each in store.clients()] == [revision] * len(apps))
    saboteur.wipe()
    until(lambda: len(store.clients()) == len(apps))


@everywhere
def test_what_is_served_beyond_an_export_is_not_taken_back_unsaid(
    deployed: Project, three_apps: list[App], store: Store, saboteur: Saboteur
) -> None:
    restore = ("restore", *PLACE, "--from", "a.export")
    assert deployed.here("export", *PLACE, "--out", "a.export").code == 0
    first = store.read().pointers["greeter"].digest
    deployed.says("greeter", "Good evening.")
    assert deployed.here("deploy", "greeter", *PLACE).code == 0
    assert deployed.here("retire", "farewell", *PLACE, "--reason", "r", "--yes").code == 0
    wiped(store, saboteur, three_apps, 3)

    served = "3 clients serve revision 3 of it"
    for more in (("--yes",), ("--dry-run",)):
        done = deployed.here(*restore, *more, "--json")
        assert (done.code, done.json["refused"]["code"]) == (3, "newer")
        written = r"a\.export was written \d+ seconds? ago, at revision 1, and "
        said = written + re.escape(f"{served}: what came since would be lost")
        assert re.fullmatch(said, done.json["refused"]["message"])
        assert done.json["refused"]["hint"].endswith(": --force")
        assert store.read().head is None
    dry = deployed.here(*restore, "--force", "--dry-run")
    lost = f"  lost by it: what came since, because {served}"
    assert (dry.code, dry.out.splitlines()[-1]) == (0, lost)
    asked = Terminal(deployed, *restore, "--force").until_asked()
    lines = asked.answer("y\n").out.splitlines()
    assert lost in lines
    commit = deployed.git("rev-parse", "HEAD~1")[:12]
    assert f"  greeter  (new) → {short(first)}  from commit {commit}" in lines
    assert store.read().pointers["greeter"].digest == first
