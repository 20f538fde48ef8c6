"""Commands that are suggested: what others named is quoted, and the store stays the one named."""

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

import click
from click.core import ParameterSource

from promptops.errors import StoreDenied
from promptops.live.store import PERMISSION

_SECRETS = (
    (re.compile(r"//[^/?]*@"), "//USER:PASSWORD@"),
    (re.compile(r"(sentinel_password=)[^&]*"), r"\1PASSWORD"),
)
_UNPLACED = re.compile(
    r"promptops (history( --operation [^\s;,]++)?|verify|rehearse|restore --from-git HEAD)(?! --)"
)


def command(*words: str) -> str:
    """A whole command, to be pasted into a shell."""
    return shlex.join(["promptops", *words])


def where(environment: str) -> list[str]:
    """The options that name an environment, and the store that the command at hand was given.

    A store out of a variable is there for the next command as well; of a password only the place
    is told.
    """
    context = click.get_current_context(silent=True)
    options = ["--env", environment]
    if context and context.get_parameter_source("store") is ParameterSource.COMMANDLINE:
        store = str(context.params["store"])
        for secret, place in _SECRETS:
            store = secret.sub(place, store)
        options += ["--store", store]
    return options


def completed(hint: str, environment: str) -> str:
    """A hint of what knows no command line, with where to look in the commands that it names."""
    there = shlex.join(where(environment))
    return _UNPLACED.sub(lambda found: f"{found[0]} {there}", hint)


@contextmanager
def permitted(role: str, environment: str) -> Iterator[None]:
    """What needs a user of a role: where it is denied, how to make one is said."""
    try:
        yield
    except StoreDenied as error:
        if error.hint != PERMISSION:
            raise
        makes = command("acl", "--role", role, *where(environment))
        raise StoreDenied(error.message, f"{PERMISSION}; one who has it: {makes}") from error
