"""What a client is made with: checked before anything starts."""

import logging
import os
from collections.abc import Callable
from inspect import iscoroutinefunction

from promptops.errors import UsageError
from promptops.live.absent import AbsentStore
from promptops.live.address import Address
from promptops.live.opening import open_store
from promptops.live.store import CLIENT, Store

log = logging.getLogger("promptops")


def store_of(url: object, environment: str, *, stands_in: bool) -> Store:
    """The store, or what says that there is none where something stands in for it."""
    if isinstance(url, Address):
        return open_store(url, environment, CLIENT)
    if url is not None and not isinstance(url, str):
        raise UsageError(f"the store is {type(url).__name__}, not a URL", "pass its URL as text")
    url = "" if url is None else url.strip()
    if not url and not stands_in:
        raise UsageError(
            "no store is named, and no cache or bundle stands in for it",
            "pass its URL, such as os.environ['PROMPTOPS_STORE']; or cache=FOLDER or bundle=FILE",
        )
    if not url:
        return AbsentStore(environment)
    try:
        return open_store(url, environment, CLIENT)
    except UsageError as error:
        # An app that has something to serve does not end because of a typo in a variable.
        if not stands_in:
            raise
        log.warning("%s; %s", error.message, error.hint)
        return AbsentStore(environment, error)


def check_poll(poll: object) -> None:
    if isinstance(poll, bool) or not isinstance(poll, int | float) or not 0.01 <= poll <= 3600:
        raise UsageError(f"poll is {poll!r}", "pass seconds from 0.01 to 3600, such as 2.0")


def check_seconds(what: str, seconds: object) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
        raise UsageError(f"{what} is {seconds!r}", "pass seconds, 0 or more, such as 5.0")


def check_switch(what: str, switch: object) -> None:
    if not isinstance(switch, bool):
        raise UsageError(f"{what} is {switch!r}", "pass True or False")


def path_of(what: str, path: object, variable: str) -> str:
    """A path that was passed, else that of the environment's variable; empty for none.

    `~` is the user's home: nobody's shell sees a path in code, or in a container's variables.
    """
    if path is None:
        path = os.environ.get(variable, "")
    if not isinstance(path, str | os.PathLike) or isinstance(found := os.fspath(path), bytes):
        raise UsageError(f"{what} is {path!r}, not a path", "pass it as text or as a pathlib.Path")
    return os.path.expanduser(found)  # noqa: PTH111


def check_callback(callback: object) -> None:
    if not isinstance(callback, Callable) or iscoroutinefunction(callback):  # type: ignore[arg-type]
        raise UsageError(
            f"{callback!r} cannot be called back",
            "pass a plain function; for asyncio one that calls loop.call_soon_threadsafe",
        )
