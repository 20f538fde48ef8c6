"""Copies of an environment, and processes that write them."""

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

from promptops.client.copy_file import Copy, Kept
from promptops.client.disk import Disk
from promptops.errors import StoreUnreachable
from promptops.live.records import Head
from tests.deployments import digest, release


def copy(
    revision: int = 1,
    text: str = "Hello",
    *,
    environment: str = "production",
    namespace: str = "promptops",
) -> Copy:
    """greeter says `text` since the revision."""
    return Copy(
        environment,
        namespace,
        Head(1, revision),
        {"greeter": Kept(digest("greeter", text), revision)},
        {digest("greeter", text): release("greeter", text)},
    )


def disk(folder: Path, environment: str = "production", namespace: str = "promptops") -> Disk:
    return Disk(str(folder), environment, namespace)


def write(folder: Path, made: Copy) -> None:
    """If it is newer than what is there, as a client would."""
    disk(folder, made.environment, made.namespace).write(
        lambda present: None if present and present.head >= made.head else made
    )


def write_without_end(folder: str) -> None:
    """As many workers do, until somebody kills the process; it says when it begins."""
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    revision = 0
    while True:
        revision += 1
        disk(Path(folder)).write(
            lambda present: copy(present.head.revision + 1 if present else 1, "Hello " * 4000)
        )


def write_revisions(folder: str, first: int, last: int) -> None:
    """One of several writers that hold revisions in an order of their own."""
    for revision in range(first, last):
        # Another writer may be busy for too long; a client tries again at the next poll.
        with suppress(StoreUnreachable):
            write(Path(folder), copy(revision, f"Hello {revision}"))


def write_on_a_full_disk(folder: str) -> str:
    """What a process says that may write no file of more than 100 bytes."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, most))
    try:
        write(Path(folder), copy(2, "Hello again"))
    except StoreUnreachable as error:
        return error.message
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    return f"written by {os.getpid()}"


if __name__ == "__main__":
    write_without_end(sys.argv[1])
