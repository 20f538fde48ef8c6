"""show and render: look at one release, live or as it would be built."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from promptops.cli import completion, settings, suggested
from promptops.cli.findings import say_findings
from promptops.cli.options import environment_options, output_option
from promptops.cli.output import emit, in_line
from promptops.delivery import look
from promptops.delivery.build import build_folder
from promptops.delivery.look import Shown
from promptops.errors import InputError, UsageError
from promptops.manifest.digest import short
from promptops.manifest.render import Renderer

MAX_INPUT = 1 << 20


def unit_source(function: Any) -> Any:
    """`[UNIT]` for what is live, `--path FOLDER` for what would be built."""
    function = click.option(
        "--path",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="A unit's folder in the work tree, instead of what is live.",
    )(function)
    return click.argument("unit", required=False, shell_complete=completion.units)(function)


@click.command()
@unit_source
@environment_options
@output_option
def show(
    unit: str | None, path: Path | None, env: str | None, store: str | None, output: str
) -> None:
    """Print a release: what is live, or with --path what would be built.

    \b
    promptops show support-triage --env production
    promptops show --path manifests/support-triage --env production -o json
    """
    shown, environment = _shown(unit, path, env, store)
    facts: dict[str, Any] = {
        "unit": shown.unit,
        "environment": environment,
        "digest": shown.digest,
        "release": shown.document,
    }
    if shown.revision is not None:
        facts["revision"] = shown.revision
    if shown.safe is not None:
        facts["safe"] = shown.safe
    if shown.safe_mode is not None:
        facts["safe_mode"] = asdict(shown.safe_mode)
    emit(output, facts, _as_text(shown))


@click.command()
@unit_source
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="NAME=VALUE",
    help="An input; NAME=@FILE reads it from a file, NAME=@@TEXT is the text @TEXT. Repeat for "
    "more.",
)
@environment_options
@output_option
def render(
    unit: str | None,
    path: Path | None,
    inputs: tuple[str, ...],
    env: str | None,
    store: str | None,
    output: str,
) -> None:
    """Fill a prompt with inputs and print the messages that a model would get.

    \b
    promptops render support-triage --env local --input ticket="Where is my parcel?"
    promptops render --path manifests/support-triage --input ticket=@ticket.txt
    """
    shown, _ = _shown(unit, path, env, store)
    values = {name: _typed(name, text, shown) for name, text in (_split(item) for item in inputs)}
    messages = Renderer(shown.release)(values)
    text = "\n\n".join(
        click.style(f"[{message['role']}]", bold=True) + f"\n{message['content'].rstrip()}"
        for message in messages
    )
    emit(output, {"messages": messages}, text)


def _shown(
    unit: str | None, path: Path | None, env: str | None, store: str | None
) -> tuple[Shown, str | None]:
    if (unit is None) == (path is None):
        raise click.UsageError("name a unit that is live, or a folder with --path")
    if path is not None:
        if env and not store:
            settings.check_name(env)
        item = build_folder(path, env or "")
        say_findings(item.source.findings)
        return look.built(item.unit, item.digest, item.data), env
    place = settings.environment(env, store)
    opened = place.open()
    try:
        return look.live(opened, str(unit), suggested.where(place.name)), place.name
    finally:
        opened.close()


def _split(item: str) -> tuple[str, str]:
    name, equals, value = item.partition("=")
    if not equals or not name:
        raise UsageError(f"'{item}' is no input", "write --input NAME=VALUE or --input NAME=@FILE")
    if value.startswith("@@") or not value.startswith("@"):
        return name, value.removeprefix("@")
    path = Path(value[1:])
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is not a plain file", "name a text file after the @")
        if path.stat().st_size > MAX_INPUT:
            raise UsageError(f"{path} is larger than {MAX_INPUT} bytes", "shorten the input")
        return name, path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{value[1:]} is not UTF-8 text", "save it as UTF-8") from error
    except OSError as error:
        raise UsageError(
            f"{value[1:]} cannot be read: {error.strerror}",
            f"to pass the text and no file, write {name}=@{value}",
        ) from error


def _typed(name: str, text: str, shown: Shown) -> Any:
    """A value of the type that the release declares; what it does not know stays text."""
    spec = shown.release.inputs.get(name)
    if spec is None or spec.type == "string":
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(
            f"{shown.unit}: input '{name}' is no {spec.type}: {text[:40]!r}",
            f"write it as JSON does, for example {name}="
            + ("true" if spec.type == "boolean" else "3"),
        ) from error


def _as_text(shown: Shown) -> str:
    release = shown.release
    lines = [
        f"{shown.unit}  {shown.digest}",
        f"model      {release.model.provider} {release.model.id} ({release.model.version})",
        f"prompt     {release.prompt.id} {release.prompt.version}",
    ]
    if mode := shown.safe_mode:
        lines.insert(1, f"safe mode  instead of {short(mode.digest)}: {in_line(mode.reason)}")
    elif shown.safe is not None:
        lines.insert(1, f"safe       {short(shown.safe)}")
    if shown.revision is not None:
        lines.insert(1, f"revision   {shown.revision}")
    if release.params:
        params = shown.document["params"]
        lines.append(f"params     {json.dumps(params, ensure_ascii=False)}")
    if release.retriever is not None:
        lines.append(f"retriever  {release.retriever.index} {release.retriever.version}")
    for name, spec in release.inputs.items():
        rule = "required" if spec.required else f"default {json.dumps(spec.default)}"
        lines.append(f"input      {name}: {spec.type}, {rule}")
    for message in release.prompt.messages:
        lines += ["", click.style(f"[{message.role}]", bold=True), message.content.rstrip()]
    return "\n".join(lines)
