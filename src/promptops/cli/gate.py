"""gate: may this change be merged?"""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from promptops.cli import completion, settings
from promptops.cli.gate_markdown import environment_markdown, gate_markdown
from promptops.cli.gate_text import gate_text
from promptops.cli.options import plan_option, store_option
from promptops.cli.output import as_json, emit, say_error
from promptops.cli.places import from_the_top
from promptops.delivery.gate import Gate
from promptops.delivery.gate import gate as judge
from promptops.errors import StoreError
from promptops.live.store import Store
from promptops.source.writing import write_file


@click.command()
@click.option("--base", metavar="REV", required=True, help="What the change is to be merged into.")
@click.option("--commit", metavar="REV", default="HEAD", show_default=True, help="The change.")
@click.option(
    "--env",
    "names",
    metavar="NAME",
    multiple=True,
    required=True,
    envvar="PROMPTOPS_ENV",
    shell_complete=completion.environments,
    help="An environment that it would be deployed to; may be repeated. [env: PROMPTOPS_ENV]",
)
@store_option
@click.option("--offline", is_flag=True, help="Ask no store: what is live and held is left out.")
@click.option(
    "--accept-no-return",
    metavar="REASON",
    envvar="PROMPTOPS_ACCEPT_NO_RETURN",
    help="Pass although there would be no way back. [env: PROMPTOPS_ACCEPT_NO_RETURN]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the verdict to a file too, as JSON, for promptops gha.",
)
@plan_option
def gate(
    base: str,
    commit: str,
    names: tuple[str, ...],
    store: str | None,
    offline: bool,
    accept_no_return: str | None,
    out: Path | None,
    output: str,
) -> None:
    """Judge a change as CI does, before it is merged: one verdict, and nothing is written.

    Checks all manifests and policies, plans every environment, and says what is live there and not
    in git. A unit of the change whose content is held fails, and so does a point of no return,
    after which nothing goes back to what is live, and an environment that its store lost; drift and
    holds elsewhere do not. Only commits count, for the project file and its policies too. Exits 0
    when it may be merged, 1 when not, 4 when a store cannot be reached.

    \b
    promptops gate --base main --env production
    promptops gate --base main --env staging --env production --offline -o markdown
    """
    project = settings.project_here("a gate judges the manifests of a project: run it in one")
    with ExitStack() as opened:
        stores = _stores(names, store, opened, offline=offline)
        # An empty variable is no reason.
        accepted = (accept_no_return or "").strip() or None
        judged = judge(project, base, commit, stores, accepted)
    facts = _facts(judged) if out is not None or output == "json" else {}
    if out is not None:
        write_file(out, as_json(facts) + "\n")
    written = {"text": gate_text, "markdown": gate_markdown}
    emit(output, facts, written[output](judged) if output in written else "")
    silent = [(item.environment, item.error) for item in judged.environments if item.error]
    for name, error in silent:
        say_error(f"{name}: {error.message}", error.hint, error.code)
    if judged.verdict == "fail":
        raise click.exceptions.Exit(StoreError.exit_code if silent else 1)


def _stores(
    names: tuple[str, ...], url: str | None, opened: ExitStack, *, offline: bool
) -> dict[str, Store | None]:
    """Environment → its store; None offline, where nothing needs to be known of it."""
    if url and not offline and len(set(names)) > 1:
        raise click.UsageError("--store is the store of one environment: name only one with it")
    stores: dict[str, Store | None] = {}
    for name in names:
        if offline:
            settings.check_name(name)
            stores[name] = None
        elif name not in stores:
            store = settings.environment(name, url).open()
            opened.callback(store.close)
            stores[name] = store
    return stores


def _facts(judged: Gate) -> dict[str, Any]:
    """The verdict with the Markdown that `promptops gha` puts on GitHub, by paths of GitHub's."""
    judged = replace(judged, findings=tuple(from_the_top(judged.findings)))
    facts = judged.as_json()
    for item, environment in zip(judged.environments, facts["environments"], strict=True):
        environment["markdown"] = environment_markdown(judged, item)
    return {**facts, "markdown": gate_markdown(judged)}
