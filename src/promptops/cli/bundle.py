"""bundle and pin: what an app serves without its store."""

from functools import partial

import click

from promptops.cli import completion, settings, suggested
from promptops.cli.options import environment_options, output_option
from promptops.cli.output import count, emit, say_warning
from promptops.client.arguments import path_of
from promptops.client.copy_file import Copy
from promptops.client.disk import Disk, read_bundle
from promptops.delivery import pin as pins
from promptops.delivery.bundle import bundle as write
from promptops.errors import UsageError
from promptops.live.address import parse_address
from promptops.live.opening import open_store
from promptops.manifest.digest import short


@click.command()
@environment_options
@click.option("--out", metavar="FILE", required=True, help="The file to write.")
@output_option
def bundle(env: str | None, store: str | None, out: str, output: str) -> None:
    """Write what is live into one file, for an image that starts without a store.

    The client reads it where neither store nor copy on disk answers: Client(bundle=FILE), or
    PROMPTOPS_BUNDLE.

    \b
    promptops bundle --env production --out prompts.bundle
    """
    place = settings.environment(env, store)
    opened = place.open()
    try:
        written = write(opened, out, suggested.where(place.name))
    finally:
        opened.close()
    facts = {
        "environment": written.environment,
        "epoch": written.head.epoch,
        "revision": written.head.revision,
        "file": out,
        "units": {unit: kept.digest for unit, kept in sorted(written.units.items())},
    }
    text = f"{out} holds {count(len(written.units), 'unit')} of {place.name} at revision "
    emit(output, facts, text + str(written.head.revision))


@click.command()
@click.argument("unit", shell_complete=completion.units)
@click.argument("digest", required=False, shell_complete=completion.digests)
@environment_options
@click.option(
    "--cache",
    metavar="DIR",
    envvar="PROMPTOPS_CACHE",
    required=True,
    help="The folder that the app's processes share. [env: PROMPTOPS_CACHE]",
)
@click.option(
    "--bundle",
    "bundle_file",
    metavar="FILE",
    envvar="PROMPTOPS_BUNDLE",
    help="A bundle that has the release. [env: PROMPTOPS_BUNDLE]",
)
@click.option("--safe", is_flag=True, help="Pin its safe release, as safe mode would serve it.")
@click.option("--lift", is_flag=True, help="Let the unit follow its deployments again.")
@output_option
def pin(
    unit: str,
    digest: str | None,
    env: str | None,
    store: str | None,
    cache: str,
    bundle_file: str | None,
    safe: bool,
    lift: bool,
    output: str,
) -> None:
    """Keep a unit at one release in every process that uses a cache, whatever is deployed.

    For the night on which the store cannot be reached; the last releases of each unit are in the
    cache itself. The processes follow within one poll and say so in status() and log. Run it as the
    app's user.

    \b
    promptops pin support-triage 3f2a91c07b1e --env production --cache /var/cache/helpdesk
    promptops pin support-triage --safe --env production --cache /var/cache/helpdesk
    promptops pin support-triage --lift --env production --cache /var/cache/helpdesk
    """
    if [digest is not None, safe, lift].count(True) != 1:
        raise click.UsageError("say the digest to pin to, --safe or --lift, one of them")
    env = settings.named(env)
    address = parse_address(store) if store else None
    cache = path_of("cache", cache, "PROMPTOPS_CACHE")  # as the app reads it
    disk = Disk.of(cache, env, address)
    if lift:
        found = pins.lift(disk, unit)
    else:
        read = partial(read_bundle, bundle_file, env) if bundle_file else None
        copies, why = pins.read_copies(disk, read)
        for reason in why:
            say_warning(reason)
        if not copies and not address:
            raise UsageError(f"nothing of {env} is in {cache}", "add --bundle FILE or --store URL")
        opened = open_store(address, env) if address else None
        try:
            wanted = digest or pins.safe_digest(copies, opened, unit)
            found = pins.pin(disk, copies, opened, unit, wanted)
        finally:
            if opened is not None:
                opened.close()
    emit(output, _facts(found, cache), _text(found, unit, cache))


def _facts(found: Copy, cache: str) -> dict[str, object]:
    held = {unit: kept.digest for unit, kept in sorted(found.units.items())}
    return {"environment": found.environment, "cache": cache, "pins": held}


def _text(found: Copy, unit: str, cache: str) -> str:
    kept = found.units.get(unit)
    if kept is None:
        return f"{unit} follows its deployments again, for processes that use {cache}"
    return f"{unit} is pinned to {short(kept.digest)} for processes that use {cache}"
