"""demo: the whole story on an embedded store, told by the store and by an app process."""

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import click

from promptops.cli import settings
from promptops.cli.changes import change_line
from promptops.cli.report import new_intent
from promptops.cli.settings import Environment
from promptops.delivery.checkout import Checkout, from_commit
from promptops.delivery.deploy import Conditions, deploy
from promptops.delivery.deployment import Deployment
from promptops.delivery.rollback import rollback
from promptops.errors import CheckFailed, UsageError
from promptops.live.address import Address
from promptops.live.opening import open_store
from promptops.live.store import Store, entries
from promptops.manifest.digest import short
from promptops.source.git import Repository
from promptops.source.project import Project, find_project
from promptops.source.scratch import Scratch

ENVIRONMENT = "demo"
ADDED = "If you are not sure, say so in one short sentence."
PATIENCE = 10.0


class App:
    """The app process: what it served, and when, in its own words."""

    def __init__(self, address: Address, unit: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "promptops.cli.demo_app", str(address), ENVIRONMENT, unit],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self) -> dict[str, Any]:
        """Its next line; an app that stays silent is ended."""
        assert self._process.stdout is not None  # noqa: S101 - it was asked for above
        silence = threading.Timer(PATIENCE, self._process.kill)
        silence.start()
        line = self._process.stdout.readline()
        silence.cancel()
        if not line:
            raise CheckFailed("the app process of the demo ended early")
        facts: dict[str, Any] = json.loads(line)
        return facts

    def end(self) -> dict[str, Any]:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for above
        self._process.stdin.close()
        facts = self.says()
        self._process.wait(PATIENCE)
        return facts

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


@click.command()
def demo() -> None:
    """Run the whole story on an embedded store and print what happened.

    Works in a scratch clone of this repository: validates its manifests, deploys them from a git
    commit, starts an app, deploys a changed prompt and rolls it back. What is printed is read back
    from the store or reported by the app. Leaves nothing behind.

    \b
    promptops demo
    """
    project = settings.project_here("run the demo in a clone of promptops or in your project")
    repository = Repository.around(project.root)
    with tempfile.TemporaryDirectory(prefix="promptops-demo-") as folder:
        scratch = Scratch.of(repository, Path(folder) / "clone")
        inside = find_project(scratch.folder / project.root.relative_to(repository.root.resolve()))
        if inside is None:
            raise UsageError(f"{project.shown} is not committed", "commit it, then run the demo")
        address = Address(scheme="sqlite", path=str(Path(folder) / "demo.db"))
        store = open_store(address, ENVIRONMENT)
        try:
            _tell(scratch, inside, store)
        finally:
            store.close()


def _tell(scratch: Scratch, project: Project, store: Store) -> None:
    started = time.monotonic()
    first = from_commit(project, (), ENVIRONMENT, "HEAD")
    unit, path = _prompt_file(first)
    click.echo(f"checked    {len(first.built)} manifests, no errors")
    _report(store, _deploy(store, first, "first deployment"))

    app = App(store.address, unit)
    try:
        served = app.says()
        click.echo(f"app        serves {unit} {short(served['digest'])}, “…{served['ends_with']}”")

        prompt = project.root / path
        prompt.write_text(prompt.read_text("utf-8").rstrip() + f"\n\n{ADDED}\n", "utf-8")
        scratch.commit(str(prompt.relative_to(scratch.folder)), f"{unit}: admit uncertainty")
        changed = from_commit(project, (unit,), ENVIRONMENT, "HEAD")
        done = _deploy(store, changed, "admit uncertainty")
        _report(store, done)
        _served(app, done, "served the new prompt", "the swap")

        intent = new_intent(_place(store), None, "the new prompt hesitates too much")
        done = rollback(store, (unit,), None, intent)
        _report(store, done)
        _served(app, done, "was back on the old one", "the rollback")
        end = app.end()
    finally:
        app.kill()
    click.echo(f"app        read {end['reads']} times, {end['errors']} errors")
    click.echo("history    as the store keeps it, newest first:")
    for entry in entries(store):
        click.echo(f"           {entry.revision}  {entry.action:<8}  {entry.at}  {entry.reason}")
        for change in entry.changes:
            click.echo(f"              {change_line(change.as_json(), entry.action)}")
    click.echo(f"done in {time.monotonic() - started:.1f} s")


def _deploy(store: Store, checkout: Checkout, reason: str) -> Deployment:
    return deploy(
        store,
        {item.unit: (item.digest, item.data) for item in checkout.built},
        new_intent(_place(store), None, reason, checkout.commit),
        Conditions(create=True),
    )


def _place(store: Store) -> Environment:
    return Environment(ENVIRONMENT, store.address)


def _report(store: Store, done: Deployment) -> None:
    entry = done.entry
    if entry is None or done.head is None:
        raise CheckFailed("the demo's deployment changed nothing")
    click.echo(f"{entry.action:<9}  revision {done.head.revision} in {store.address}")
    for change in entry.changes:
        click.echo(f"           {change_line(change.as_json(), entry.action)}")


def _served(app: App, done: Deployment, what: str, event: str) -> None:
    said = app.says()
    expected = done.entry.changes[0].after if done.entry else ""
    if said["digest"] != expected:
        raise CheckFailed(f"the app serves {said['digest']}, not {expected}")
    milliseconds = (said["at"] - (done.swapped or 0)) * 1000
    click.echo(
        f"app        {what} {milliseconds:.0f} ms after {event}: {short(said['digest'])}, "
        f"“…{said['ends_with']}”"
    )


def _prompt_file(checkout: Checkout) -> tuple[str, str]:
    """A unit and its first Markdown prompt, as a path below the project."""
    for item in checkout.built:
        for path, _ in item.source.files:
            if path.endswith(".md"):
                return item.unit, path
    raise UsageError("no unit of this project has a Markdown prompt to change")
