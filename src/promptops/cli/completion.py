"""What TAB offers: units, environments and digests.

TAB must never be slow and never print an error into the line that somebody types: a look-up that
fails or takes too long offers nothing, and `main` closes stderr meanwhile.
"""

import threading
from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from promptops.cli import settings
from promptops.errors import PromptopsError
from promptops.live.opening import open_store
from promptops.live.store import Store, Timeouts
from promptops.manifest.digest import short

PATIENCE = 0.6  # seconds for one look-up; a TAB makes two at most
_STORE = Timeouts(connect=0.25, answer=0.25)
_DEPLOYMENTS = 200


def environments(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """The environments of the project file."""
    return _offered(_bounded(lambda: list(settings.project_here("").environments)), incomplete)


def units_in_git(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """The units of the work tree, which is what can be deployed."""
    return _offered(_bounded(_work_tree), incomplete, _typed(context))


def units(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """The units that are live; those of the work tree where no store answers."""
    found = _bounded(lambda: _in_store(context, lambda store: sorted(store.read().pointers)))
    return _offered(found or _bounded(_work_tree), incomplete, _typed(context))


def digests(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """The releases that were live of the units typed so far, newest first."""
    wanted = _typed(context)

    def look(store: Store) -> list[str]:
        history = store.history(limit=_DEPLOYMENTS)
        changes = [change for entry in history for change in entry.changes]
        return [
            short(digest)
            for change in changes
            if not wanted or change.unit in wanted
            for digest in (change.after, change.before)
            if digest
        ]

    return _offered(_bounded(lambda: _in_store(context, look)), incomplete)


def _typed(context: click.Context) -> set[str]:
    """The units that stand on the line already."""
    one, many = context.params.get("unit"), context.params.get("units") or ()
    # Behind an option that still wants its value, click leaves the arguments unassigned.
    return {*many, *context.args, *([one] if one else [])}


def _work_tree() -> list[str]:
    project = settings.project_here("")
    # By name alone: reading units would load all that checks them, with every command.
    found = (project.root / project.manifests).glob("*/manifest.yaml")
    return sorted(manifest.parent.name for manifest in found)


def _in_store(context: click.Context, look: Callable[[Store], list[str]]) -> list[str]:
    """What a store says; nothing where the line names no environment yet."""
    name, url = context.params.get("env"), context.params.get("store")
    if not name:
        return []
    store = open_store(settings.environment(name, url).address, name, _STORE)
    try:
        return look(store)
    finally:
        store.close()


def _bounded(look: Callable[[], list[str]]) -> list[str]:
    """What `look` finds in time.

    A thread, because nothing else bounds the look-up of a host's name; it ends with the process.
    """
    found: list[str] = []

    def fill() -> None:
        try:
            found.extend(look())
        except PromptopsError:
            found.clear()

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return [] if thread.is_alive() else found


def _offered(
    found: Iterable[str], incomplete: str, besides: Iterable[str] = ()
) -> list[CompletionItem[str]]:
    taken = set(besides)
    return [
        CompletionItem(value)
        for value in dict.fromkeys(found)
        if value.startswith(incomplete) and value not in taken
    ]
