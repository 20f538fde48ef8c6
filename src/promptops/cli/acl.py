"""acl: the users of Redis that an environment needs, each with no more than it needs."""

from pathlib import Path
from typing import BinaryIO

import click

from promptops.cli import settings
from promptops.cli.options import environment_options, output_option
from promptops.cli.output import emit, say
from promptops.errors import UsageError
from promptops.live.address import Address
from promptops.live.redis.acl import PLACEHOLDER, Role, user
from promptops.source.project import find_project


@click.command()
@click.option(
    "--role",
    type=click.Choice(("client", "publisher", "operator")),
    required=True,
    help="client: apps; publisher: deploy, rollback, hold; operator: all of the environment.",
)
@environment_options
@click.option(
    "--password-file",
    metavar="FILE",
    type=click.File("rb"),
    help="Holds the password, - for standard input; only its SHA-256 is printed.",
)
@click.option("--no-presence", is_flag=True, help="A client that may not even say it is there.")
@output_option
def acl(
    role: Role,
    env: str | None,
    store: str | None,
    password_file: BinaryIO | None,
    no_presence: bool,
    output: str,
) -> None:
    """Print the ACL SETUSER line for a user of Redis or Valkey, for redis-cli to take.

    The user is called promptops-ROLE-ENV, and may use the keys of this environment only. Outside
    of a project, --store is needed only where they have a namespace of their own (?ns=). Redis does
    not replicate users: give the line to every node, replicas too, and then run ACL SAVE or CONFIG
    REWRITE there.

    \b
    promptops acl --role client --env production --password-file secret | redis-cli
    """
    address, name = _place(env, store)
    if address.scheme in {"sqlite", "memory"}:
        raise UsageError(f"{address} has no users", "who may use a file is said by its permissions")
    if no_presence and role != "client":
        raise UsageError("--no-presence is for --role client", "leave it out")
    password = password_file.read().rstrip(b"\r\n") if password_file else None
    if password is not None and not password:
        raise UsageError("the password file is empty", "write the password into it")
    made = user(address.namespace, name, role, password, presence=not no_presence)
    facts = {
        "environment": name,
        "role": role,
        "user": made.name,
        "rules": list(made.rules),
        "password": made.password,
        "command": made.command,
    }
    emit(output, facts, made.command)
    if not made.password:
        say(
            f"Redis refuses {PLACEHOLDER}: put a # and the SHA-256 of the password there, as "
            "sha256sum prints it, or say --password-file FILE"
        )


def _place(env: str | None, store: str | None) -> tuple[Address, str]:
    """Whose keys it is about: nothing is asked of a store, so none needs to be named."""
    if store or find_project(Path.cwd()) is not None:
        place = settings.environment(env, store)
        return place.address, place.name
    return Address("redis"), settings.named(env)
